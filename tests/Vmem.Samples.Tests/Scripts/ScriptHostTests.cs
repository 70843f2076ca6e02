using Vmem.Memory;
using Vmem.Testing.Internals;

namespace Vmem.Samples.Tests.Scripts;

/// <summary>What the sample promises of the scripts that come with it.</summary>
public sealed class ScriptHostTests
{
    private static readonly string[] s_endingSoon = ["leaky", "greedy", "twice", "tidy", "secret"];

    [Theory]
    [InlineData("tidy", 0, "")]
    [InlineData("leaky", 200, "")]
    [InlineData("greedy", 13, "greedy, line 4: 65,536 bytes more would be too many: it has 65,536 of its quota of 65,536.")]
    [InlineData("twice", 0, "twice, line 5: this was freed before.")]
    [InlineData("endless", 0, "endless, line 6: it has run for 1,000,000 steps.")]
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
        foreach (string use in new[] { "get x p 0", "put p 0 1", "free p", "size x p" })
        {
            using var host = new ScriptHost(new ScriptHostOptions());
            ScriptProcess owner = host.Start(Script.Parse("owner", "new p 2\nshare p p"), TextWriter.Null);
            ScriptProcess other = host.Start(Script.Parse("other", $"while p == nil\nfetch p p\nend\n{use}"), TextWriter.Null);
            host.RunAll();
            Assert.StartsWith("other, line 4: this is memory of the script 'owner'.", other.Fault?.Message, StringComparison.Ordinal);
            Assert.Equal((null, 1L), (owner.Fault, owner.Client.GetStatistics().LiveBlocks));
            host.Memory.Validate();
        }
    }

    [Fact]
    public void What_a_script_shared_is_forgotten_with_it()
    {
        using var host = new ScriptHost(new ScriptHostOptions());
        using var output = new StringWriter();
        ScriptProcess sharer = host.Start(Script.Parse("sharer", "share p 1"), TextWriter.Null);
        host.RunAll();
        host.Delete(sharer);
        _ = host.Start(Script.Parse("other", "fetch p p\nprint {p}"), output);
        host.RunAll();
        Assert.Equal("other: nil", output.ToString().TrimEnd());
    }

    [Fact]
    public void The_board_takes_so_many_names_and_no_more()
    {
        string source = string.Concat(Enumerable.Range(0, 101).Select(name => $"share n{name} 1\n"));
        Assert.StartsWith("test, line 101: the board is full.", ScriptRun.Of(source).Fault?.Message, StringComparison.Ordinal);
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
        Assert.Contains("of 2000 words", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_held_does_not_grow_with_the_runs()
    {
        using var host = new ScriptHost(new ScriptHostOptions { StepLimit = 20_000 });
        List<Script> scripts = [.. s_endingSoon.Select(Demonstration.Load)];
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

        Assert.Equal(1_500, host.Memory.GetStatistics().ClientsDeleted);
    }

    [Fact]
    public void What_a_script_allocates_is_not_managed_memory()
    {
        // Longer than all series of runs, of which a busy machine may need the last.
        const string Source = "set i 0\nwhile i < 1000000\nnew a 2\nput a 0 i\nfree a\nadd i 1\nend";
        using var host = new ScriptHost(new ScriptHostOptions());
        ScriptProcess process = host.Start(Script.Parse("test", Source), TextWriter.Null);
        Assert.Equal(0, Garbage.Of(1, () => process.Run(60_000)));
        Assert.False(process.HasEnded);
        Assert.True(process.Client.GetStatistics().Allocations > 10_000);
    }
}
