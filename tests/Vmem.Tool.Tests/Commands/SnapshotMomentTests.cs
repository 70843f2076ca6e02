namespace Vmem.Tool.Tests.Commands;

/// <summary><c>--snapshot-at</c>: the arena at the end, or when the program had most asked for.</summary>
public sealed class SnapshotMomentTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("end", 16, new[] { 48UL }, new[] { 16UL })]
    [InlineData("peak", 64, new[] { 0UL, 16UL }, new[] { 16UL, 48UL })]
    public async Task It_holds_what_was_live_then_and_no_more_range_than_until_then(string moment, int inUse, ulong[] starts, ulong[] sizes)
    {
        // At the peak [0-16) and [16-64); at the end [48-64).
        string path = _folder.Write("t.txt", "a 1 16\na 2 48\nf 2\na 3 32\na 4 10\nf 1\nf 3\n");
        string snapshot = _folder.PathOf("s.json");
        ToolRun run = await ToolRun.Of("replay", path, "-p", "first", "--snapshot", snapshot, "--snapshot-at", moment);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        var read = ArenaSnapshot<ulong>.FromJson(await File.ReadAllTextAsync(snapshot, TestContext.Current.CancellationToken));
        using var arena = Arena<ulong>.Restore(read);
        Assert.Equal((ulong)inUse, arena.GetStatistics().InUse);
        Assert.Equal(64UL, arena.GetStatistics().TotalSize);
        Assert.Equal(starts.Zip(sizes), read.Spans[0].Allocated.Select(range => (range.Start, range.Size)));
    }

    [Fact]
    public async Task The_default_is_the_end()
    {
        string path = _folder.Write("t.txt", "a 1 16\na 2 48\nf 2\nf 1\n");
        foreach (string[] moment in (string[][])[[], ["--snapshot-at", "end"]])
        {
            Assert.Equal(0, (await ToolRun.Of(["replay", path, "-p", "best", "--snapshot", _folder.PathOf("s.json"), .. moment])).ExitCode);
            ToolRun map = await ToolRun.Of("map", _folder.PathOf("s.json"));
            Assert.Contains("0 B in use, 64 B free", map.Output, StringComparison.Ordinal);
        }
    }
}
