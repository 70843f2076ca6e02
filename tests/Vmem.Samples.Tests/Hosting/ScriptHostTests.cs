using Vmem.Memory;
using Vmem.Samples.Hosting;

namespace Vmem.Samples.Tests.Hosting;

/// <summary>What the sample promises of the scripts that come with it.</summary>
public sealed class ScriptHostTests
{
    private static readonly string[] s_endingSoon = ["leaky", "greedy", "twice", "tidy", "deep", "secret"];

    [Theory]
    [InlineData("tidy", 0, "")]
    [InlineData("leaky", 600, "")]
    [InlineData("greedy", 12, "greedy, line 5: 36,864 bytes more would be too many: it has 49,648 of its quota of 65,536.")]
    [InlineData("deep", 0, "deep, line 3: ")]
    [InlineData("twice", 0, "twice, line 5: this was freed before.")]
    [InlineData("endless", 0, "endless, line 4: it has run for 1,000,000 steps.")]
    [InlineData("secret", 1, "")]
    public void A_script_leaves_and_ends_as_its_first_line_says(string name, long blocks, string fault)
    {
        using var host = new ScriptHost(new ScriptHostOptions());
        ScriptProcess process = host.Start(Demonstration.Load(name), TextWriter.Null);
        host.RunAll();
        Assert.Equal(blocks, process.Client.GetStatistics().LiveBlocks);
        Assert.StartsWith(fault, process.Fault?.Message ?? "", StringComparison.Ordinal);
        Assert.Equal(fault.Length == 0, process.Fault is null);
        host.Delete(process);
        MemoryContextStatistics memory = host.Memory.GetStatistics();
        Assert.Equal((memory.TotalSize, memory.TotalSize), (memory.Free, memory.LargestFree));
    }

    [Fact]
    public void Another_scripts_block_can_be_seen_but_neither_read_nor_written_nor_freed()
    {
        foreach (string use in new[] { "print(p[0])", "p[0] = 1", "free(p)", "print(length(p))", "print(p)" })
        {
            using var host = new ScriptHost(new ScriptHostOptions());
            ScriptProcess owner = host.Start(Samples.Language.Compiler.Compile("owner", "let p = [1, 2]\nshare(\"p\", p)"), TextWriter.Null);
            ScriptProcess other = host.Start(Samples.Language.Compiler.Compile("other", $"while shared(\"p\") == nil {{ }}\nlet p = shared(\"p\")\n{use}"), TextWriter.Null);
            host.RunAll();
            Assert.Equal((3, "this is memory of the script 'owner'"), (other.Fault!.Line, other.Fault.Problem));
            Assert.Equal((null, 1L), (owner.Fault, owner.Client.GetStatistics().LiveBlocks));
            host.Memory.Validate();
        }
    }

    [Fact]
    public void What_a_script_shared_is_forgotten_with_it()
    {
        using var host = new ScriptHost(new ScriptHostOptions());
        using var output = new StringWriter();
        ScriptProcess sharer = host.Start(Samples.Language.Compiler.Compile("sharer", "share(\"p\", [1])"), TextWriter.Null);
        host.RunAll();
        host.Delete(sharer);
        _ = host.Start(Samples.Language.Compiler.Compile("other", "print(shared(\"p\"))"), output);
        host.RunAll();
        Assert.Equal("other: nil", output.ToString().TrimEnd());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_without_isolation_a_script_sees_the_bytes_of_the_one_before(bool isolated)
    {
        using var host = new ScriptHost(new ScriptHostOptions { Isolated = isolated });
        using var output = new StringWriter();
        _ = host.Start(Demonstration.Load("secret"), TextWriter.Null);
        host.RunAll();
        host.DeleteAll();
        _ = host.Start(Demonstration.Load("spy"), output);
        host.RunAll();
        Assert.Equal(isolated, output.ToString().Contains(" given, 0 are", StringComparison.Ordinal));
        Assert.Contains("of 16000 bytes", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_does_not_grow_with_the_runs()
    {
        using var host = new ScriptHost(new ScriptHostOptions { StepLimit = 20_000 });
        List<Samples.Language.CompiledScript> scripts = [.. s_endingSoon.Select(Demonstration.Load)];
        MemoryContextStatistics first = default;
        for (int run = 0; run < 300; run++)
        {
            scripts.ForEach(script => host.Start(script, TextWriter.Null));
            host.RunAll();
            host.DeleteAll();
            MemoryContextStatistics now = host.Memory.GetStatistics();
            Assert.Equal((now.TotalSize, now.TotalSize), (now.Free, now.LargestFree));
            first = run == 0 ? now : first;
            Assert.Equal((first.BookkeepingBytes, first.PeakInUse), (now.BookkeepingBytes, now.PeakInUse));
        }

        Assert.Equal(1_800, host.Memory.GetStatistics().ClientsDeleted);
    }

    [Fact]
    public void What_a_script_allocates_is_not_managed_memory()
    {
        const string Source = "let i = 0\nwhile i < 20000 {\nlet a = [i, text(i)]\nfree(a[1])\nfree(a)\ni = i + 1\n}";
        using var host = new ScriptHost(new ScriptHostOptions());
        ScriptProcess process = host.Start(Samples.Language.Compiler.Compile("test", Source), TextWriter.Null);
        process.RunSlice(100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        process.RunSlice(100_000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.False(process.HasEnded);
        Assert.True(process.Client.GetStatistics().Allocations > 10_000);
    }
}
