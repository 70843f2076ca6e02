using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Vmem.Tool.Blocks;
using Vmem.Tool.Commands;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary><c>vmem replay RECORDING</c> and nothing else: what it compares, and what it does where memory is short.</summary>
public sealed class UsualReplayTests : IDisposable
{
    private const ulong Mebibyte = 1 << 20;

    private static readonly AllocatorKind[] s_memory =
        [AllocatorKind.Heap, AllocatorKind.Malloc, AllocatorKind.Mimalloc, AllocatorKind.Jemalloc];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task There_are_two_questions_with_an_answer_and_a_consequence_each()
    {
        Needs.ResidentMemory();
        string json = _folder.PathOf("r.json");
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "--json", json);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        TraceReport trace = Read(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        string[] here = [.. s_memory.Where(kind => BlockAllocators.WhyAbsent(kind) is null).Select(AllocatorNames.NameOf)];
        Assert.Equal([.. here, "instant", "best"], trace.Policies.Select(policy => policy.Policy));
        Assert.Equal([AnswerReport.Memory, AnswerReport.Addresses], trace.Answers.Select(answer => answer.Kind));
        Assert.Equal(trace.Best, trace.Answers[0].Best);
        foreach (AnswerReport answer in trace.Answers)
        {
            Assert.Contains(answer.Verdict, run.Prose, StringComparison.Ordinal);
            Assert.Contains(answer.Consequence!, run.Prose, StringComparison.Ordinal);
            Assert.Equal(answer.Best, trace.ColumnsOf(answer)[0].Policy);
        }

        // One row that can be compared in all columns.
        Assert.All(trace.Policies, policy => Assert.Equal(
            (((policy.PeakResidentBytes ?? policy.RangeBytes) + (double)policy.BookkeepingBytes) / policy.PeakRequestedBytes) - 1,
            policy.Overhead!.Value,
            9));
        Assert.All(trace.Policies.Where(policy => policy.IsMemory), policy =>
        {
            Assert.Equal(policy.Curve.LiveBytes.Count, policy.Curve.ResidentBytes!.Count);
            Assert.Equal((long)policy.PeakResidentBytes!.Value, policy.Curve.ResidentBytes.Max());
        });
    }

    [Fact]
    public async Task Standard_input_is_replayed_through_the_arena_and_the_rest_said_to_be_left_out()
    {
        ToolRun run = await ToolRun.WithInput("a 1 100\na 2 28\nf 1\n", "replay", "-");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("Allocators of real memory are left out", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"instant|best|next|first|last", run.Output);
        Assert.DoesNotContain("malloc", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorded_arena_is_no_memory()
    {
        string ports = _folder.Write("ports.vmem", "vmem 2\nn ports\nq 1\na 49152 2000\nf 49152\n");
        TraceReport trace = Read((await ToolRun.Of("replay", ports, "--json")).Output);
        Assert.Equal(["instant", "best", "next", "first", "last"], trace.Policies.Select(policy => policy.Policy));
        Assert.Equal([AnswerReport.Addresses], trace.Answers.Select(answer => answer.Kind));
    }

    [Fact]
    public async Task With_a_limit_there_is_no_malloc()
    {
        Needs.ResidentMemory();
        TraceReport trace = Read((await ToolRun.Of("replay", Samples.CompilerTrace, "--limit", "64M", "--json")).Output);
        Assert.Equal(["heap", "instant", "best"], trace.Policies.Select(policy => policy.Policy));
    }

    [Theory]
    [InlineData(1000UL, 2)]
    [InlineData(40UL, 1)]
    [InlineData(20UL, 0)]
    public async Task What_has_no_memory_is_left_out_and_both_figures_are_said(ulong mebibytes, int fitting)
    {
        Needs.ResidentMemory();
        string path = _folder.Write("large.txt", string.Create(CultureInfo.InvariantCulture, $"a 1 {12 * Mebibyte}\nf 1\n"));
        var memory = new AvailableMemory(1000 * Mebibyte, mebibytes * Mebibyte);
        string json = _folder.PathOf("r.json");
        ToolRun table = await With(memory, path, "--json", json);
        TraceReport trace = Read(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        int expected = fitting == 2 ? s_memory.Count(kind => BlockAllocators.WhyAbsent(kind) is null) : fitting;
        Assert.Equal(expected, trace.Policies.Count(policy => policy.IsMemory));
        string limit = $"{mebibytes}{(mebibytes < 100 ? ".0" : "")} MiB are available (the container's limit leaves that; the machine has 1000 MiB)";
        Assert.Equal(fitting < 2, table.Prose.Contains(limit, StringComparison.Ordinal));
        Assert.Equal(fitting < 2, table.Prose.Contains("are needed for the 12.0 MiB of its peak", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_asked_for_by_name_is_refused_instead()
    {
        string path = _folder.Write("large.txt", string.Create(CultureInfo.InvariantCulture, $"a 1 {12 * Mebibyte}\nf 1\n"));
        var memory = new AvailableMemory(20 * Mebibyte, null);
        ToolRun run = await With(memory, path, "-a", "heap,arena");
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Equal(
            $"vmem: {path}: there is not enough memory for --allocator heap: 30.0 MiB are needed for the 12.0 MiB of its peak, and 20.0 MiB are available; name fewer, or record less",
            run.Error.Trim());
        Assert.Equal(0, (await With(memory, path, "-a", "arena")).ExitCode);
    }

    /// <summary>It reads from a pipe that says nothing yet: so it is still there to be looked at.</summary>
    [Fact]
    public async Task The_process_that_is_measured_is_the_first_that_the_system_would_end()
    {
        Needs.ResidentMemory();
        string pipe = await _folder.MakePipeAsync("pipe");
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll"), "measure-resident", "heap", pipe, "0"];
        using Process child = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        string score;

        // Opening it waits for the one who reads.
        await using (FileStream writer = new(pipe, FileMode.Open, FileAccess.Write))
        {
            score = await File.ReadAllTextAsync($"/proc/{child.Id}/oom_score_adj", TestContext.Current.CancellationToken);
            await writer.WriteAsync("a 1 100\nf 1\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        string figures = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, "1000"), (child.ExitCode, score.Trim()));
        Assert.Matches(@"^\d+ [\d.E+-]+( \d+:\d+)+\s*$", figures);
    }

    /// <summary>The first process that is measured is ended as the system would end it.</summary>
    [Fact]
    public async Task An_allocator_whose_process_is_ended_is_left_out_unless_it_was_asked_for()
    {
        Needs.ResidentMemory();
        Func<ToolConsole, ToolConsole> ending = static console => console with
        {
            Self = ["sh", "-c", $"[ $2 = heap ] && kill -9 $$; exec {ToolRun.Self[0]} '{ToolRun.Self[1]}' \"$@\"", "sh"],
        };
        string path = _folder.Write("small.txt", "a 1 100\na 2 28\nf 1\n");
        string json = _folder.PathOf("r.json");
        ToolRun usual = await ToolRun.In(ending, "replay", path, "--json", json);
        Assert.Equal((0, string.Empty), (usual.ExitCode, usual.Error));
        Assert.Contains("heap is left out: the process that measured it was ended from outside", usual.Prose, StringComparison.Ordinal);
        TraceReport trace = Read(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        string[] others = [.. s_memory[1..].Where(kind => BlockAllocators.WhyAbsent(kind) is null).Select(AllocatorNames.NameOf)];
        Assert.Equal([.. others, "instant", "best"], trace.Policies.Select(policy => policy.Policy));
        Assert.All(trace.Policies.Where(policy => policy.IsMemory), policy => Assert.NotNull(policy.PeakResidentBytes));
        ToolRun named = await ToolRun.In(ending, "replay", path, "-a", "heap,arena");
        Assert.Equal((1, string.Empty), (named.ExitCode, named.Output));
        Assert.Contains("leave heap out of --allocator", named.Error, StringComparison.Ordinal);
    }

    private static Task<ToolRun> With(AvailableMemory memory, params string[] args) =>
        ToolRun.In(console => console with { Memory = () => memory }, ["replay", .. args]);

    private static TraceReport Read(string json) => JsonSerializer.Deserialize(json, ReportJson.Default.ReplayReport)!.Traces[0];
}
