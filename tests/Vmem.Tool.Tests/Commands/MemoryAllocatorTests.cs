using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary><c>vmem replay --allocator heap,malloc</c> as its user meets it.</summary>
public sealed class MemoryAllocatorTests : IDisposable
{
    private const long Block = 64 * 1024;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("heap")]
    [InlineData("malloc")]
    public async Task What_is_resident_is_what_the_recording_holds_at_its_peak(string allocator)
    {
        Needs.ResidentMemory();
        const long Blocks = 1_000;
        string path = _folder.Write("hill.txt", Hill(Blocks));
        ToolRun run = await ToolRun.Of("replay", path, "-a", allocator, "--json");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        PolicyReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!.Traces[0].Policies[0];
        Assert.Equal((allocator, allocator), (report.Policy, report.Allocator));
        // Beside the blocks: the allocator's tables, and what the runtime does meanwhile. A malloc uses again what the rehearsal left.
        Assert.InRange((long)report.PeakResidentBytes!.Value, (Blocks * Block) - (256 << 10), (Blocks * Block) + (4 << 20));
        Assert.Equal(report.PeakResidentBytes, report.RangeBytes);
        Assert.InRange(report.MeanNanoseconds!.Value, 1, 1e9);
    }

    [Fact]
    public async Task Memory_stands_beside_ranges_in_table_and_page()
    {
        Needs.ResidentMemory();
        string page = _folder.PathOf("page.html");
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "--allocator", "malloc,arena,heap", "--policy", "best", "--details", "--report", page);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Matches(@"(?s)Memory allocators:\n.*│\s+(malloc\s+│\s+heap|heap\s+│\s+malloc)\s+│.*Address policies:\n.*│\s+best\s+│", run.Output);
        Assert.Matches(@"memory taken\s+│\s+[0-9.]+ [KM]iB\s+│\s+[0-9.]+ [KM]iB", run.Output);
        Assert.Matches(@"fragmentation at worst\s+│\s+([0-9.]+ %\s+│\s+–|–\s+│\s+[0-9.]+ %)\s+│", run.Output);
        string html = await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken);
        Assert.Equal(2, html.Split("class=\"answer\"").Length - 1);
        Assert.Equal(1, html.Split("<canvas ").Length - 1);
        // Each in the chart, and in its legend.
        Assert.Equal(2 * 3, html.Split("class=\"line look").Length - 1);
    }

    /// <summary>A heap with debugging would be measured as if it were the heap.</summary>
    [Fact]
    public async Task The_environment_does_not_debug_what_is_measured()
    {
        string path = _folder.Write("two.txt", "a 1 100\na 2 28\nf 1\n");
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll"), "replay", path, "-a", "heap", "--json"];
        ProcessStartInfo start = new("dotnet", arguments) { RedirectStandardOutput = true };
        start.Environment["VMEM_DEBUG"] = "guards=1K";
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        PolicyReport report = JsonSerializer.Deserialize(output, ReportJson.Default.ReplayReport)!.Traces[0].Policies[0];
        Assert.Equal(104UL + 32, report.PeakLiveBytes);
    }

    [Fact]
    public async Task Without_real_memory_nothing_is_said_of_it()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-p", "best");
        Assert.DoesNotContain("resident", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Standard_input_cannot_be_read_twice_and_that_is_said()
    {
        ToolRun run = await ToolRun.WithInput("a 1 100\na 2 28\nf 1\n", "replay", "-", "-a", "heap");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("Resident memory was not measured", run.Output, StringComparison.Ordinal);
        Assert.Contains("The heap needs", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_is_the_heaps()
    {
        string path = _folder.Write("hill.txt", Hill(1_000));
        ToolRun run = await ToolRun.Of("replay", path, "-a", "heap", "-l", "32M", "--json");
        PolicyReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!.Traces[0].Policies[0];
        Assert.InRange(report.Failures, 488, 600);
        Assert.True(report.PeakResidentBytes is null or < 36 << 20, $"{report.PeakResidentBytes} bytes were resident.");
    }

    [Fact]
    public async Task A_limit_is_not_mallocs()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-a", "heap,malloc", "-l", "64M");
        Assert.Equal((2, "vmem: --limit: malloc knows no limit; leave out one of the two"), (run.ExitCode, run.Error.Trim()));
    }

    [Theory]
    [InlineData("mimalloc")]
    [InlineData("jemalloc")]
    public async Task A_library_is_used_where_it_is_and_else_said_to_be_absent(string name)
    {
        Assert.True(AllocatorNames.TryParse(name, out AllocatorKind kind));
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-a", name);
        Assert.Equal(BlockAllocators.WhyAbsent(kind) is null ? (0, string.Empty) : (2, $"vmem: --allocator: {BlockAllocators.WhyAbsent(kind)}"), (run.ExitCode, run.Error.Trim()));
    }

    // Up, down, and long on the ground: what is resident at the end tells nothing.
    private static string Hill(long blocks)
    {
        var text = new StringBuilder();
        for (long i = 0; i < blocks; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"a {i} {Block}\n");
        }

        for (long i = 0; i < blocks; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"f {i}\n");
        }

        for (long i = 0; i < 20 * blocks; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"a 0 100\nf 0\n");
        }

        return text.ToString();
    }
}
