using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vmem.Samples.Tests.Documents;

/// <summary>Each sample runs to its end, and samples/README.md shows what it really prints.</summary>
public sealed class SampleOutputTests
{
    [Theory]
    [InlineData("PidTable")]
    [InlineData("PrefixPool")]
    [InlineData("FileExtents")]
    [InlineData("ArrowMemory")]
    [InlineData("GpuBuffer")]
    [InlineData("Metrics")]
    [InlineData("PortBlocks")]
    public async Task The_readme_shows_what_the_sample_prints(string sample)
    {
        (int exitCode, string output) = await RunAsync(sample);
        Assert.True(exitCode == 0, $"{sample} ended with {exitCode}:\n{output}");
        HashSet<string> printed = [.. output.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())];
        string[] shown = [.. Block(sample).Split('\n').Select(line => line.TrimEnd()).Where(line => line is not ("…" or ""))];
        Assert.NotEmpty(shown);
        Assert.All(
            shown,
            line => Assert.True(printed.Contains(line), $"samples/README.md has a line that {sample} does not print: {line}\n\n{output}"));
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string sample)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, sample + ".dll")]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }

    /// <summary>The first block of code below the sample's heading.</summary>
    private static string Block(string sample, [CallerFilePath] string path = "")
    {
        string text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(path)!, "../../../samples/README.md")).ReplaceLineEndings("\n");
        int section = text.IndexOf($"\n### {sample}\n", StringComparison.Ordinal);
        Assert.True(section >= 0, $"samples/README.md has no section on {sample}.");
        return text[section..].Split("```")[1];
    }
}
