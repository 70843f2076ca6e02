using System.Runtime.InteropServices;
using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests;

/// <summary>A program that uses every public area, trimmed, compiled ahead of time, and on the older framework: no warning, and it
/// runs.</summary>
[Collection(PackageFeedTests.Name)]
public sealed class PublishTests(PackageFeed feed)
{
    [Fact]
    public void Trimmed_it_runs() => PublishAndRun("trimmed", "PublishTrimmed");

    /// <summary>On .NET 9 itself, which the app carries along: the assemblies for it are others.</summary>
    [Fact]
    public void On_NET_9_it_runs() => PublishAndRun("net9", "PublishSelfContained", "net9.0");

    [Fact]
    public void Compiled_ahead_of_time_it_runs()
    {
        Assert.SkipUnless(OnPath("clang") || OnPath("gcc") || OperatingSystem.IsWindows(), "needs a C compiler to link with: apt-get install clang zlib1g-dev");
        PublishAndRun("aot", "PublishAot");
    }

    private void PublishAndRun(string name, string property, string framework = "net10.0")
    {
        ConsoleApp app = new ConsoleApp(feed, name) { Framework = framework }
            .With("Vmem").With("Vmem.Memory").With("Vmem.Extensions.ObjectPool")
            .WithProperty("AllowUnsafeBlocks", "true").WithProperty(property, "true").WithProperty("TrimmerSingleWarn", "false")
            .WithProperty("InvariantGlobalization", "true").WithProperty("RuntimeIdentifier", RuntimeInformation.RuntimeIdentifier)
            .WithProperty("SelfContained", "true")
            .WithProgram(File.ReadAllText(Repository.PathOf("samples/Tour/Program.cs")));
        app.Publish().Succeeded().WithoutWarnings();
        CommandResult result = app.RunPublished().Succeeded();
        Assert.Contains("NativeHeap", result.Output, StringComparison.Ordinal);
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
