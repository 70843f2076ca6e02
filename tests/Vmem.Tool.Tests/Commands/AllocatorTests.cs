using System.Text.Json;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary><c>vmem replay --allocator</c> as its user meets it.</summary>
public sealed class AllocatorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_allocator_has_a_column_the_winner_first_and_then_in_the_order_asked_for()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "--allocator", "client,arena,buddy", "--policy", "first");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Matches(@"│\s+first\s+│\s+client\s+│\s+buddy\s+│", run.Output);
        Assert.Contains("the buddy allocator", run.Output, StringComparison.Ordinal);
        Assert.Contains("The client's context: 4.00 GiB", run.Output, StringComparison.Ordinal);
        Assert.Contains("With the last client deleted all of the context is free, in one piece.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_allocator_alone_needs_no_arena()
    {
        ToolRun run = await ToolRun.WithInput("a 1 100\na 2 28\nf 1\n", "replay", "-", "-a", "buddy");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("The buddy allocator needs 160 B of addresses and ", run.Output, StringComparison.Ordinal);
        Assert.Contains("more than the 128 B that the program asked for at its peak", run.Prose, StringComparison.Ordinal);
        Assert.DoesNotContain("instant", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("context", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_recordings_are_clients_of_one_context_and_the_json_tells_of_their_deletion()
    {
        string other = _folder.Write("other.txt", Samples.Generate(3_000, 100, seed: 1));
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, other, "--allocator", "buddy,client", "--limit", "64M", "--json");
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["buddy", "client"], report.Traces[1].Policies.Select(policy => policy.Allocator));
        ContextReport context = report.Context!;
        Assert.Equal((64UL << 20, true), (context.SizeBytes, context.IsWhole));
        Assert.Equal([Samples.CompilerTrace, other], context.Clients.Select(client => client.Name));
        Assert.Equal(report.Traces.Select(trace => trace.LiveAtEnd), context.Clients.Select(client => client.LiveBlocks));
        Assert.All(
            report.Traces.Zip(context.Clients),
            pair => Assert.InRange(pair.Second.InUseBytes, 1UL, pair.First.Policies[1].PeakLiveBytes));
        Assert.InRange(
            context.PeakHeldBytes,
            report.Traces.Max(trace => trace.Policies[1].RangeBytes),
            (ulong)report.Traces.Sum(trace => (long)trace.Policies[1].RangeBytes));
    }

    [Fact]
    public async Task The_contexts_names_are_those_of_the_documentation()
    {
        ToolRun run = await ToolRun.WithInput("a 1 1\n", "replay", "-", "-a", "client", "--json");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement context = document.RootElement.GetProperty("context");
        Assert.Equal(["sizeBytes", "blockSizeBytes", "peakHeldBytes", "bookkeepingBytes", "failures", "clients"], context.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            ["name", "heldBytes", "inUseBytes", "liveBlocks", "regions", "deletionMicroseconds", "heldByOthersBytes", "largestFreeBytes"],
            context.GetProperty("clients")[0].EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task A_snapshot_is_the_arenas_whoever_is_the_best()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-a", "buddy,arena", "-p", "first", "--snapshot", _folder.PathOf("s.json"));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("2,400 allocated", (await ToolRun.Of("map", _folder.PathOf("s.json"))).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--allocator: \"tcmalloc\" is none of arena, buddy, client", "-a", "tcmalloc")]
    [InlineData("--policy says how an arena places, and --allocator buddy names none; add it: --allocator arena,buddy", "-a", "buddy", "-p", "best")]
    [InlineData("--cache puts caches in front of an arena, and --allocator buddy,client names none", "-a", "buddy,client", "-c", "64")]
    [InlineData("--snapshot is the picture of an arena, and --allocator client names none", "-a", "client", "--snapshot", "never.json")]
    [InlineData("blocks start at multiples of at least 8 bytes, and --quantum is 4", "-a", "client", "-q", "4")]
    [InlineData("a context has at least 1024 bytes at a quantum of 16, and 512 are fewer", "-a", "client", "-l", "512")]
    [InlineData("a context has at most", "-a", "client", "-l", "64G")]
    [InlineData("are more than 2^36 smallest blocks of 1; choose a larger --quantum", "-a", "buddy", "-q", "1", "-l", "64G")]
    [InlineData("reads each of them twice, and standard input", "another.txt", "-a", "client")]
    public async Task What_contradicts_itself_is_said_in_one_line(string expected, params string[] args)
    {
        ToolRun run = await ToolRun.WithInput("a 1 1\n", ["replay", "-", .. args]);
        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_recording_among_several_is_found_while_counting()
    {
        string bad = _folder.Write("bad.txt", "a 1 1\nwrong\n");
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, bad, "-a", "client");
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("bad.txt, line 2: ", run.Error, StringComparison.Ordinal);
    }
}
