using System.Runtime.CompilerServices;

namespace Vmem.Samples.Tests.Hosting;

/// <summary>samples/README.md shows what the sample really prints.</summary>
public sealed class DemonstrationTests
{
    [Fact]
    public void The_readme_shows_what_the_sample_prints()
    {
        using var output = new StringWriter { NewLine = "\n" };
        Demonstration.Run(output, runs: 800);
        HashSet<string> printed = [.. output.ToString().Split('\n').Select(line => line.TrimEnd())];
        string[] shown = ShownInReadme();
        Assert.True(shown.Length > 20);
        Assert.All(shown.Where(line => line != "…"), line => Assert.True(printed.Contains(line), $"samples/README.md shows a line that the sample does not print: {line}\n\n{output}"));
    }

    private static string[] ShownInReadme([CallerFilePath] string path = "")
    {
        string text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "../../../samples/README.md")).ReplaceLineEndings("\n");
        int section = text.IndexOf("\nScriptHost", StringComparison.Ordinal);
        Assert.True(section >= 0, "samples/README.md says nothing of ScriptHost.");
        return text[section..].Split("```")[1].Trim('\n').Split('\n').Select(line => line.TrimEnd()).ToArray();
    }
}
