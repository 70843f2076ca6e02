using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests;

/// <summary>The command as <c>dotnet tool install</c> brings it.</summary>
[Collection(PackageFeedTests.Name)]
public sealed class ToolTests(PackageFeed feed)
{
    [Fact]
    public void It_installs_and_replays_the_recording_that_comes_with_the_project()
    {
        string folder = feed.NewFolder("tool");
        DotNet.Run(folder, "tool", "install", "Vmem.Tool", "--version", PackageFeed.Version, "--tool-path", folder).Succeeded();
        string vmem = Path.Combine(folder, OperatingSystem.IsWindows() ? "vmem.exe" : "vmem");
        string report = Path.Combine(folder, "sqlite.html");

        CommandResult result = DotNet.RunProgram(
            vmem, folder, "replay", Repository.PathOf("samples/traces/sqlite.heaptrack.raw.gz"), "--report", report).Succeeded();

        Assert.Contains("469,342", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("</html>", File.ReadAllText(report).TrimEnd(), StringComparison.Ordinal);
    }
}
