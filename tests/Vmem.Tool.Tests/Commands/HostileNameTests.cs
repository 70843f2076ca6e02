namespace Vmem.Tool.Tests.Commands;

/// <summary>Names that would move the cursor of a terminal, or begin a line that looks like another message.</summary>
public sealed class HostileNameTests : IDisposable
{
    private const string Name = "na\u001b[31mme\nvmem: second\u009b2J\u007f\u202e";
    private const string Shown = "na.[31mme.vmem: second.2J..";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_error_is_one_line_whatever_the_file_says()
    {
        string dump = _folder.Write("dump.json", """{"DefaultPools": {"\u001b[31mEVIL\nvmem: second line": 5}}""");
        ToolRun run = await ToolRun.Of("map", dump);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("DefaultPools..[31mEVIL.vmem: second line", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        IsPlain(run.Error);
    }

    [Fact]
    public async Task So_is_one_about_a_word_of_the_command_line()
    {
        ToolRun run = await ToolRun.Of("map", _folder.PathOf(Name));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(Shown, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        ToolRun usage = await ToolRun.Of("replay", "-", "--policy", Name);
        Assert.Equal(2, usage.ExitCode);
        IsPlain(run.Error + usage.Error);
    }

    [Fact]
    public async Task Leases_are_listed_by_plain_names()
    {
        string file = _folder.PathOf("a.db");
        ToolRun made = await ToolRun.Of("lease", "init", file, Name, "--size", "5");
        Assert.Contains($"arena '{Shown}'", made.Output, StringComparison.Ordinal);
        ToolRun list = await ToolRun.Of("lease", "list", file);
        Assert.Contains("na.[31mme.vmem:", list.Output, StringComparison.Ordinal);
        ToolRun json = await ToolRun.Of("lease", "list", file, "--json");
        Assert.Contains("\\u001B", json.Output, StringComparison.Ordinal);
        IsPlain(made.Output + list.Output + json.Output);
    }

    [Theory]
    [InlineData("-v")]
    [InlineData("--no-progress")]
    public async Task Recordings_are_told_by_plain_names(string option)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "This test needs Linux or macOS: Windows has no such names.");
        string one = _folder.Write(Name, "a 1 100\nf 1\n");
        string other = _folder.Write("other", "a 1 100\nf 1\n");
        ToolRun run = await ToolRun.Of("replay", one, other, "-a", "arena,client", option, "--report", _folder.PathOf(Name + ".html"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("na.[31mme", run.Output, StringComparison.Ordinal);
        IsPlain(run.Output);
    }

    // The newline that ends a line is the tool's own.
    private static void IsPlain(string text) =>
        Assert.DoesNotContain(text, static letter => (char.IsControl(letter) && letter is not ('\n' or '\r')) || letter == '\u202e');
}
