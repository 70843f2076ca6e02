using System.Runtime.CompilerServices;

namespace Vmem.Samples.Tests.Scripts;

/// <summary>samples/README.md shows what the sample really prints.</summary>
public sealed class DemonstrationTests
{
    [Fact]
    public void The_readme_shows_what_the_sample_prints()
    {
        using var output = new StringWriter { NewLine = "\n" };
        Demonstration.Run(output, runs: 10_000);
        HashSet<string> printed = [.. output.ToString().Split('\n').Select(line => line.TrimEnd())];
        string[] shown = ShownInReadme();
        Assert.True(shown.Length > 20);
        Assert.All(shown.Where(line => line != "…"), line => Assert.True(printed.Contains(line), $"samples/README.md shows a line that the sample does not print: {line}\n\n{output}"));
    }

    [Fact]
    public void The_script_in_the_samples_own_readme_runs()
    {
        ScriptRun run = ScriptRun.Of(Block("samples/ScriptHost/README.md", "## The language"));
        Assert.Equal((null, "the sum is 25"), (run.Fault, run.Lines));
        Assert.Equal(5, run.Left.LiveBlocks);
    }

    private static string[] ShownInReadme() => [.. Block("samples/README.md", "\n### ScriptHost\n").Split('\n').Select(line => line.TrimEnd())];

    /// <summary>The first block of code behind a text.</summary>
    private static string Block(string file, string before, [CallerFilePath] string path = "")
    {
        string text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "../../..", file)).ReplaceLineEndings("\n");
        int section = text.IndexOf(before, StringComparison.Ordinal);
        Assert.True(section >= 0, $"{file} says nothing of it.");
        return text[section..].Split("```")[1].Trim('\n');
    }
}
