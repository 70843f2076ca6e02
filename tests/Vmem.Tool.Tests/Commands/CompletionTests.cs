using System.Diagnostics;

namespace Vmem.Tool.Tests.Commands;

/// <summary>What a shell is told when someone presses Tab.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vmem re", "record replay")]
    [InlineData("vmem replay x --snap", "--snapshot --snapshot-at")]
    [InlineData("vmem replay x --snapshot-at ", "end peak")]
    [InlineData("vmem replay x -a heap,m", "heap,malloc heap,mimalloc")]
    [InlineData("vmem replay x -p best,fir", "best,first")]
    [InlineData("vmem map x --addresses d", "decimal")]
    [InlineData("vmem completion ", "bash fish pwsh zsh")]
    [InlineData("vmem lease do", "doctor")]
    public async Task It_gets_what_may_stand_there(string line, string expected)
    {
        ToolRun run = await ToolRun.Of("complete", line);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Equal(expected.Split(' '), Told(run));
    }

    [Fact]
    public async Task What_stands_behind_the_cursor_does_not_count()
    {
        ToolRun run = await ToolRun.Of("complete", "--position", "7", "vmem re --json");
        Assert.Equal(["record", "replay"], Told(run));
    }

    [Fact]
    public async Task Hidden_commands_stay_hidden()
    {
        ToolRun run = await ToolRun.Of("complete", "vmem ");
        Assert.Contains("completion\n", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("measure-resident", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("complete\n", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _vmem_complete vmem")]
    [InlineData("zsh", "compdef _vmem_complete vmem")]
    [InlineData("fish", "complete -c vmem")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName vmem")]
    public async Task Each_shell_has_a_script(string shell, string expected) =>
        Assert.Contains(expected, (await ToolRun.Of("completion", shell)).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Bash_completes_by_its_script()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "This test needs bash.");
        string script = (await ToolRun.Of("completion", "bash")).Output;
        string tool = Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll");
        string file = _folder.Write("t.sh", $"vmem() {{ dotnet '{tool}' \"$@\"; }}\n{script}\nCOMP_LINE='vmem replay --snapshot-at p'; COMP_POINT=${{#COMP_LINE}}; _vmem_complete; echo \"${{COMPREPLY[@]}}\"\n");
        using Process bash = Process.Start(new ProcessStartInfo("/bin/bash", [file]) { RedirectStandardOutput = true })!;
        string output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("peak", output.Trim());
    }

    // Help may stand anywhere.
    private static IEnumerable<string> Told(ToolRun run) => run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Where(name => name is not ("-?" or "-h" or "/?" or "/h" or "--help")).Order(StringComparer.Ordinal);
}
