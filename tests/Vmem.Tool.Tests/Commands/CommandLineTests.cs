namespace Vmem.Tool.Tests.Commands;

/// <summary>What is said of a command line that is wrong, and where that can be said.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vmem --help", "surely-not")]
    [InlineData("vmem replay --help", "replay")]
    [InlineData("vmem lease --help", "lease")]
    [InlineData("vmem lease list --help", "lease", "list")]
    [InlineData("vmem lease prune --help", "lease", "prune", "ports.db")]
    public async Task The_help_that_is_named_is_there(string help, params string[] args)
    {
        ToolRun run = await ToolRun.Of(args);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.EndsWith($"Try \"{help}\".", run.Error.TrimEnd(), StringComparison.Ordinal);
        ToolRun named = await ToolRun.Of(help.Split(' ')[1..]);
        Assert.Equal((0, ""), (named.ExitCode, named.Error));
    }

    [Theory]
    [InlineData("'--pid': it is no number", "top", "--pid", "abc")]
    [InlineData("'--pid': it is no number", "map", "--pid", "99999999999")]
    [InlineData("'--interval': it is no number", "top", "--interval", "soon")]
    [InlineData("'--limit': it is no number", "lease", "audit", "ports.db", "ports", "--limit", "1e3")]
    public async Task A_wrong_number_is_said_without_types_of_NET(string text, params string[] args)
    {
        ToolRun run = await ToolRun.Of(args);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(text, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "replay", "surely/not/there")]
    [InlineData(2, "replay")]
    [InlineData(2, "top", "-n", "-1", "-p", "1")]
    public async Task If_nobody_can_be_told_the_exit_code_says_it(int exitCode, params string[] args)
    {
        await using var closed = new StreamWriter(new ClosedStream()) { AutoFlush = true };
        ToolRun run = await ToolRun.In(console => console with { Error = closed }, args);
        Assert.Equal(exitCode, run.ExitCode);
    }

    /// <summary>A replay can take minutes.</summary>
    [Theory]
    [InlineData("--report")]
    [InlineData("--json")]
    [InlineData("--map")]
    [InlineData("--snapshot")]
    public async Task That_an_output_has_no_folder_is_said_before_anything_is_read(string option)
    {
        ToolRun run = await ToolRun.In(
            static console => console with { OpenInput = static () => throw new InvalidOperationException("It was read.") },
            "replay", "-", "--allocator", "arena", option, _folder.PathOf("none/a"));
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.EndsWith($"cannot be written (there is no folder {_folder.PathOf("none")})", run.Error.TrimEnd(), StringComparison.Ordinal);
    }

    /// <summary>What standard error is after <c>2&gt;&amp;-</c>.</summary>
    private sealed class ClosedStream : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new UnauthorizedAccessException();

        public override void Write(ReadOnlySpan<byte> buffer) => throw new UnauthorizedAccessException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new UnauthorizedAccessException();
    }
}
