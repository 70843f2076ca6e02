using System.Text.Json;
using System.Text.RegularExpressions;
using Vmem.Tool.Commands;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary>From an arena to the table: what <c>Arena.Record</c> writes, the tool replays.</summary>
public sealed class RecordedArenaReplayTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_recorded_arena_replays_with_its_own_quantum()
    {
        string file = RecordPorts();
        TraceReport trace = (await Replay(file, "--policy", "instant,next")).Traces[0];
        Assert.Equal((400L, 300L, 1ul), (trace.Allocations, trace.Frees, trace.RecordedQuantum));
        Assert.All(trace.Policies, static policy => Assert.Equal(300ul, policy.PeakLiveBytes));
        Assert.Equal(100, trace.LiveAtEnd);

        // Next fit's window is found to a sixteenth, of 300 ports as of 300 MiB.
        Assert.All(trace.Policies, static policy => Assert.InRange(policy.RangeBytes, 300ul, 320ul));
        ToolRun table = await ToolRun.Of("replay", file);
        Assert.Contains("rounded up to 1, the quantum of the recorded arena", table.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData()]
    [InlineData("--quantum", "1")]
    public async Task Its_values_are_counted_and_not_called_bytes(params string[] options)
    {
        string ports = _folder.Write("ports.vmem", "vmem 2\nn ports\nq 1\ng 7 web\na 49152 2000 7\na 52000 1 7\nf 49152\na 60000 1 7\n");
        ToolRun run = await ToolRun.Of(["replay", ports, "-p", "best", "--report", _folder.PathOf("r.html"), "--map", _folder.PathOf("m.svg"), .. options]);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("Best fit needs 2,001 addresses: ", run.Prose, StringComparison.Ordinal);
        Assert.Contains("values", run.Output, StringComparison.Ordinal);
        string page = await File.ReadAllTextAsync(_folder.PathOf("r.html"), TestContext.Current.CancellationToken);
        Assert.All([
            run.Output,
            page.Split("<main>")[1].Split("<footer>")[0],
            await File.ReadAllTextAsync(_folder.PathOf("m.svg"), TestContext.Current.CancellationToken)
        ], static text =>
        {
            // Tables are memory always.
            string[] inBytes = [.. text.Split('\n').Where(static line => Regex.IsMatch(line, @"\d (B|KiB)\b"))];
            Assert.All(inBytes, static line => Assert.Contains("bookkeeping", line, StringComparison.Ordinal));
            Assert.DoesNotContain("bytes in use:", text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_error_names_an_id_of_128_bits_as_the_file_does()
    {
        const string Id = "340282366920938463463374607431768211455";
        string twice = _folder.Write("twice.vmem", $"vmem 2\nq 1\na {Id} 1\na {Id} 1\n");
        Assert.Contains($"line 4: {Id} is allocated while", (await ToolRun.Of("replay", twice)).Error, StringComparison.Ordinal);
        string unknown = _folder.Write("unknown.vmem", $"vmem 2\nq 1\na 1 1\nf {Id}\n");
        Assert.Contains($"line 4: {Id} is freed but", (await ToolRun.Of("replay", unknown)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quantum_on_the_command_line_counts_more()
    {
        TraceReport trace = (await Replay(RecordPorts(), "--quantum", "16", "--policy", "instant")).Traces[0];
        Assert.Null(trace.RecordedQuantum);
        Assert.Equal(300ul * 16, trace.Policies[0].PeakLiveBytes);
    }

    [Fact]
    public async Task What_does_not_go_with_the_recorded_quantum_is_refused()
    {
        ToolRun run = await ToolRun.Of("replay", RecordPorts(), "--cache", "1024");
        Assert.Equal(ExitCodes.WrongUsage, run.ExitCode);
        Assert.Contains("at most 64 quanta, 64 bytes, and 1024 is more", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gap_is_told_and_does_not_stop_the_replay()
    {
        string file = _folder.Write("gap.vmem", "vmem 2\nn a\nq 1\na 1 1\nx 1234\na 1 2\nf 9\n");
        TraceReport trace = (await Replay(file)).Traces[0];
        Assert.Equal((1_234ul, 1L, 1L), (trace.MissingEvents, trace.ImpliedFrees, trace.UnknownFrees));
        Assert.Contains("Missing: events", (await ToolRun.Of("replay", file)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prefixes_of_128_bits_are_replayed_in_quanta()
    {
        string file = _folder.PathOf("prefixes.vmem");
        UInt128 quantum = UInt128.One << 64;
        using (var prefixes = new Arena<UInt128>("prefixes", UInt128.One << 125, UInt128.One << 96, quantum))
        using (prefixes.Record(File.Create(file)))
        {
            UInt128 first = prefixes.Allocate(quantum * 256);
            prefixes.Allocate(quantum);
            prefixes.Free(first, quantum * 256);
        }

        TraceReport trace = (await Replay(file, "--policy", "best")).Traces[0];
        Assert.Equal((2L, 1L, 257ul), (trace.Allocations, trace.Frees, trace.Policies[0].PeakLiveBytes));
    }

    /// <summary>300 ports, 200 of which go again; then pairs, each of which shrinks to one before it goes.</summary>
    private string RecordPorts()
    {
        string file = _folder.PathOf("ports.vmem");
        using var ports = new Arena<ushort>("ports", 49_152, 16_384, 1, new ArenaOptions<ushort> { QuantumCacheMax = 4 });
        using ArenaRecording recording = ports.Record(File.Create(file));
        ushort[] held = [.. Enumerable.Range(0, 300).Select(_ => ports.Allocate(1))];
        foreach (ushort port in held[100..])
        {
            ports.Free(port, 1);
        }

        for (int i = 0; i < 50; i++)
        {
            ushort start = ports.Allocate(2);
            Assert.True(ports.TryExtend(start, 2, 1));
            ports.Free(start, 1);
        }

        return file;
    }

    private static async Task<ReplayReport> Replay(params string[] args)
    {
        ToolRun run = await ToolRun.Of(["replay", .. args, "--json"]);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
    }
}
