using System.Diagnostics;
using Vmem.Tool.Commands;

namespace Vmem.Tool.Tests.Commands;

/// <summary><c>vmem record</c>, with a heaptrack of the test's own, and once with the real one.</summary>
public sealed class RecordTests
{
    // Takes the options that vmem may give, notes them, and writes a recording.
    private const string FakeHeaptrack =
        """
        #!/bin/sh
        if [ "$1" = --help ]; then echo "Usage: heaptrack --record-only"; exit 0; fi
        echo "$@" > "$(dirname "$0")/arguments"
        raw=
        while [ "$1" != -- ]; do
          case "$1" in
            -o) output=$2; shift 2 ;;
            --raw) raw=.raw; shift ;;
            *) shift ;;
          esac
        done
        shift
        [ "$1" = true ] && exit 9
        printf 'v 10400 3\na 10 0\n+ 0\n' > "$output$raw.gz"
        "$@"
        """;

    [Fact]
    public async Task The_program_runs_and_its_status_and_the_file_are_passed_on()
    {
        using var folder = new TempFolder();
        (int exitCode, string error) = await Record(folder, "-o", folder.PathOf("x.raw.zst"), "--", "sh", "-c", $"echo $1 > {folder.PathOf("ran")}; exit 7", "-", "--raw");
        Assert.Equal(7, exitCode);
        Assert.Equal("--raw\n", await File.ReadAllTextAsync(folder.PathOf("ran"), TestContext.Current.CancellationToken));
        Assert.Contains($"vmem replay {folder.PathOf("x.gz")}", error, StringComparison.Ordinal);
        string arguments = await File.ReadAllTextAsync(folder.PathOf("arguments"), TestContext.Current.CancellationToken);
        Assert.StartsWith($"-o {folder.PathOf("x")} --record-only -- sh -c", arguments, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Raw_is_passed_on_and_replay_follows()
    {
        using var folder = new TempFolder();
        using var output = new StringWriter();
        (int exitCode, string error) = await Record(folder, output, FakeHeaptrack, "--raw", "--replay", "-o", folder.PathOf("x"), "--", "test", "1");
        Assert.Equal((0, true), (exitCode, error.Contains("vmem: recorded", StringComparison.Ordinal)));
        Assert.Contains(folder.PathOf("x.raw.gz"), output.ToString(), StringComparison.Ordinal);
        Assert.Contains("heaptrack, 1 event", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_heaptrack_that_wrote_nothing_is_an_error()
    {
        using var folder = new TempFolder();
        (int exitCode, string error) = await Record(folder, "-o", folder.PathOf("x"), "--", "true");
        Assert.Equal(ExitCodes.BadInput, exitCode);
        Assert.Contains("wrote no recording", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_heaptrack_that_cannot_be_started_is_an_error()
    {
        using var folder = new TempFolder();
        (int exitCode, string error) = await Record(folder, TextWriter.Null, "#!/surely/not/there\n", "-o", folder.PathOf("x"), "--", "sh");
        Assert.Equal(ExitCodes.BadInput, exitCode);
        Assert.Contains("heaptrack cannot be started (", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("put -- before", "true")]
    [InlineData("no program surely-not-there", "--", "surely-not-there")]
    [InlineData("without blanks", "-o", "a b", "--", "true")]
    [InlineData("no folder", "-o", "surely/not/there", "--", "true")]
    [InlineData("name a file", "-o", "/", "--", "true")]
    public async Task A_command_line_that_cannot_work_is_refused_before_anything_runs(string expected, params string[] arguments)
    {
        using var folder = new TempFolder();
        (int exitCode, string error) = await Record(folder, arguments);
        Assert.Equal(ExitCodes.WrongUsage, exitCode);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Equal(["heaptrack"], folder.FileNames());
    }

    [Fact]
    public async Task Without_heaptrack_it_says_how_to_get_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "heaptrack runs on Linux");
        using var folder = new TempFolder();
        using var error = new StringWriter();
        var console = new ToolConsole(() => Stream.Null, TextWriter.Null, error) { SearchPath = [folder.PathOf(".")] };
        int exitCode = await ToolCommand.InvokeAsync(["record", "--", "/bin/sh"], console, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCodes.BadInput, exitCode);
        Assert.Contains("apt-get install heaptrack", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_real_heaptrack_records_a_program_that_can_be_replayed()
    {
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Assert.SkipUnless(OperatingSystem.IsLinux() && path.Any(folder => File.Exists(Path.Combine(folder, "heaptrack"))), "needs heaptrack: apt-get install heaptrack");
        using var folder = new TempFolder();
        using var error = new StringWriter();
        var console = new ToolConsole(() => Stream.Null, TextWriter.Null, error) { WarmUpRounds = 1, Self = ToolRun.Self };
        int exitCode = await ToolCommand.InvokeAsync(
            ["record", "--raw", "-o", folder.PathOf("sort"), "--", "sort", "-o", folder.PathOf("sorted"), "/proc/self/maps"], console, TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, error.ToString());
        Assert.True(new FileInfo(folder.PathOf("sorted")).Length > 0);

        // Without the allocators of real memory: for each a process of its own is measured, and that is another matter.
        string recording = Assert.Single(Directory.GetFiles(folder.PathOf("."), "sort.raw.*"));
        ToolRun run = await ToolRun.Of("replay", recording, "--allocator", "arena");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("heaptrack, ", run.Output, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Error)> Record(TempFolder folder, params string[] arguments) =>
        Record(folder, TextWriter.Null, FakeHeaptrack, arguments);

    private static async Task<(int ExitCode, string Error)> Record(
        TempFolder folder,
        TextWriter output,
        string heaptrack,
        params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "heaptrack runs on Linux");
        WriteFake(folder.PathOf("heaptrack"), heaptrack);
        using var error = new StringWriter();
        var console = new ToolConsole(() => Stream.Null, output, error)
        {
            WarmUpRounds = 1,
            Self = ToolRun.Self,
            SearchPath = [folder.PathOf("."), "/usr/bin", "/bin"],
        };
        int exitCode = await ToolCommand.InvokeAsync(["record", .. arguments], console, TestContext.Current.CancellationToken);
        return (exitCode, error.ToString());
    }

    // By another process: while this one has a file open for writing, a child that it starts at the same time has it open too, and a
    // program that anyone is writing to cannot be started.
    private static void WriteFake(string path, string script)
    {
        using Process shell = Process.Start("sh", ["-c", "printf %s \"$1\" > \"$2\"; chmod 700 \"$2\"", "-", script.ReplaceLineEndings("\n"), path]);
        shell.WaitForExit();
    }
}
