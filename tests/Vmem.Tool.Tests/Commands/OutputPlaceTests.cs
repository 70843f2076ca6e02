using System.Diagnostics;
using System.Text;

namespace Vmem.Tool.Tests.Commands;

/// <summary>Outputs that are links, pipes and devices.</summary>
public sealed class OutputPlaceTests : IDisposable
{
    private const string Recording = "a 1 100\na 2 28\nf 1\n";

    private readonly TempFolder _folder = new();
    private readonly string _trace;

    public OutputPlaceTests() => _trace = _folder.Write("tr.txt", Recording);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_link_stays_and_the_file_that_it_names_is_replaced()
    {
        Links();
        string file = _folder.Write("a.svg", "old");
        File.CreateSymbolicLink(_folder.PathOf("l.svg"), "a.svg");
        (int exitCode, string error) = await InFolderAsync("replay", "tr.txt", "-a", "arena", "--map", "l.svg");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal("a.svg", new FileInfo(_folder.PathOf("l.svg")).LinkTarget);
        Assert.StartsWith("<svg", await File.ReadAllTextAsync(file, Token), StringComparison.Ordinal);
        Assert.Equal(["a.svg", "l.svg", "tr.txt"], _folder.FileNames());
    }

    [Theory]
    [InlineData("--map")]
    [InlineData("--report")]
    [InlineData("--json")]
    public async Task No_link_leads_to_the_recording_itself(string option)
    {
        Links();
        File.CreateSymbolicLink(_folder.PathOf("l.svg"), "tr.txt");
        (int exitCode, string error) = await InFolderAsync("replay", "tr.txt", "-a", "arena", option, "l.svg");
        Assert.Equal((2, "vmem: tr.txt is to be read and to be written"), (exitCode, error));
        Assert.Equal(Recording, await File.ReadAllTextAsync(_trace, Token));
    }

    [Fact]
    public async Task Neither_does_a_folder_that_is_a_link()
    {
        Links();
        Directory.CreateSymbolicLink(_folder.PathOf("here"), ".");
        ToolRun run = await ToolRun.Of("replay", _trace, "-a", "arena", "--map", _folder.PathOf("here/tr.txt"));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        ToolRun two = await ToolRun.Of("replay", _trace, "--report", _folder.PathOf("here/x"), "--map", _folder.PathOf("x"));
        Assert.Equal((2, "vmem: two outputs would go to the same file"), (two.ExitCode, two.Error.Trim()));
        string snapshot = _folder.Write("snapshot.json", "{}");
        ToolRun map = await ToolRun.Of("map", snapshot, "-o", _folder.PathOf("here/snapshot.json"));
        Assert.Equal((2, $"vmem: {snapshot} is to be read and to be written"), (map.ExitCode, map.Error.Trim()));
    }

    [Fact]
    public async Task Links_that_lead_to_each_other_are_said()
    {
        Links();
        File.CreateSymbolicLink(_folder.PathOf("one"), "two");
        File.CreateSymbolicLink(_folder.PathOf("two"), "one");
        ToolRun run = await ToolRun.Of("replay", _trace, "-a", "arena", "--map", _folder.PathOf("one"));
        Assert.Equal((1, $"vmem: {_folder.PathOf("one")}: cannot be written (its links lead to each other)"), (run.ExitCode, run.Error.Trim()));
    }

    [Theory(Timeout = Needs.Patience)]
    [InlineData("--map", "<svg")]
    [InlineData("--json", "{")]
    public async Task A_pipe_is_written_to_and_stays(string option, string start)
    {
        Needs.ResidentMemory();
        string pipe = await _folder.MakePipeAsync("pipe");
        Task<string> reading = ReadAsync(pipe, TestContext.Current.CancellationToken);
        ToolRun run = await ToolRun.Of("replay", _trace, "-a", "arena", option, pipe);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith(start, await reading, StringComparison.Ordinal);
        Assert.Equal(["pipe", "tr.txt"], _folder.FileNames());
        Assert.Equal(0, new FileInfo(pipe).Length);
    }

    [Theory(Timeout = Needs.Patience)]
    [InlineData("--map", "<svg")]
    [InlineData("--json", "{")]
    public async Task Standard_output_has_a_name(string option, string start)
    {
        Needs.ResidentMemory();
        ToolProcess tool = await ToolProcess.RunInAsync(".", TestContext.Current.CancellationToken, "replay", _trace, "-a", "arena", option, "/dev/stdout");
        Assert.Equal((0, ""), (tool.ExitCode, tool.Error));
        Assert.StartsWith(start, tool.Output, StringComparison.Ordinal);
        Assert.Contains("range needed", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_below_dev_is_one_like_others()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "This test needs /dev/shm.");
        string path = $"/dev/shm/vmem-{Guid.NewGuid():N}.svg";
        try
        {
            Assert.Equal(0, (await ToolRun.Of("replay", _trace, "-a", "arena", "--map", path)).ExitCode);
            Assert.EndsWith("</svg>", (await File.ReadAllTextAsync(path, Token)).Trim(), StringComparison.Ordinal);
            await File.WriteAllTextAsync(path, new string('X', 200_000), Token);
            Assert.Equal(0, (await ToolRun.Of("replay", _trace, "-a", "arena", "--map", path)).ExitCode);
            string picture = await File.ReadAllTextAsync(path, Token);
            Assert.EndsWith("</svg>", picture.Trim(), StringComparison.Ordinal);
            Assert.InRange(picture.Length, 1, 100_000);                  // its text has times, which differ
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Devices_are_written_to()
    {
        Needs.ResidentMemory();
        Assert.Equal(0, (await ToolRun.Of("replay", _trace, "-a", "arena", "--map", "/dev/null")).ExitCode);
        ToolRun full = await ToolRun.Of("replay", _trace, "-a", "arena", "--map", "/dev/full");
        Assert.Equal((1, ""), (full.ExitCode, full.Output));
        Assert.StartsWith("vmem: /dev/full: cannot be written (", full.Error, StringComparison.Ordinal);
        Assert.Single(full.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    [InlineData("ps")]
    public async Task Standard_output_that_is_full_is_an_error(string word)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "This test needs /dev/full.");
        ToolProcess tool = await ToolProcess.RunFullAsync(Token, word);
        Assert.Equal(1, tool.ExitCode);
        Assert.StartsWith("vmem: ", Assert.Single(tool.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("replay", "TRACE", "-a", "arena", "--json")]
    public async Task Nobody_has_to_read_all(params string[] args)
    {
        Needs.ResidentMemory();
        using Process tool = ToolProcess.Start(".", [.. args.Select(word => word == "TRACE" ? _trace : word)]);
        tool.StandardOutput.Close();
        string error = await tool.StandardError.ReadToEndAsync(Token);
        await tool.WaitForExitAsync(Token);
        Assert.Equal((0, ""), (tool.ExitCode, error));
    }

    private static void Links() =>
        Assert.SkipWhen(OperatingSystem.IsWindows(), "This test needs Linux or macOS: on Windows, links take a privilege.");

    private static Task<string> ReadAsync(string pipe, CancellationToken cancellationToken) =>
        Task.Run(() => File.ReadAllText(pipe, Encoding.UTF8), cancellationToken);

    private async Task<(int ExitCode, string Error)> InFolderAsync(params string[] args)
    {
        ToolProcess tool = await ToolProcess.RunInAsync(_folder.PathOf(""), Token, args);
        return (tool.ExitCode, tool.Error.Trim());
    }
}
