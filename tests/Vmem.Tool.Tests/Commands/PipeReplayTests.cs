namespace Vmem.Tool.Tests.Commands;

/// <summary>A recording from a pipe with a name, such as <c>vmem replay &lt;(zcat recording.gz)</c>: it can be read only once.</summary>
public sealed class PipeReplayTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Needs.Patience)]
    [InlineData("Allocators of real memory are left out")]
    [InlineData("Resident memory was not measured", "-a", "heap,arena")]
    public async Task It_is_replayed_and_what_takes_a_second_look_is_left_out(string note, params string[] options)
    {
        ToolRun run = await ReplayPipeAsync(options, TestContext.Current.CancellationToken);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Contains("3 events, at most 2 objects live", run.Output, StringComparison.Ordinal);
        Assert.Contains(note, run.Prose, StringComparison.Ordinal);
    }

    [Theory(Timeout = Needs.Patience)]
    [InlineData("--snapshot-at peak reads the recording twice", "-a", "arena", "--snapshot", "s.json", "--snapshot-at", "peak")]
    [InlineData("--allocator client with several recordings reads each of them twice", "-a", "client", "other.txt")]
    public async Task What_must_read_it_twice_is_refused(string why, params string[] options)
    {
        _folder.Write("other.txt", "a 1 100\nf 1\n");
        string[] withPaths = [.. options.Select(option => option.Contains('.') ? _folder.PathOf(option) : option)];
        ToolRun run = await ReplayPipeAsync(withPaths, TestContext.Current.CancellationToken);
        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.Equal($"vmem: {why}, and {_folder.PathOf("pipe")} is no file that can be; save it to one", run.Error.Trim());
        Assert.Equal(["other.txt", "pipe"], _folder.FileNames());
    }

    private async Task<ToolRun> ReplayPipeAsync(string[] options, CancellationToken cancellationToken)
    {
        Needs.ResidentMemory();
        string pipe = await _folder.MakePipeAsync("pipe");

        // Opening it waits for the one who reads. What is written fits into the pipe.
        Task writing = Task.Run(() => File.AppendAllText(pipe, "a 1 100\na 2 28\nf 1\n"), cancellationToken);
        ToolRun run = await ToolRun.WithInput(Stream.Null, cancellationToken, ["replay", pipe, .. options]);
        await writing;
        return run;
    }
}
