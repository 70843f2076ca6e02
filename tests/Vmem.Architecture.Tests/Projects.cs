using System.Collections.Concurrent;

namespace Vmem.Architecture.Tests;

/// <summary>The projects below src/, each read once.</summary>
internal static class Projects
{
    private static readonly ConcurrentDictionary<string, Lazy<SourceProject>> s_read = new();

    public static TheoryData<string> Planned => [.. Plan.All.Select(plan => plan.Project)];

    public static TheoryData<string> All => [.. Directory.EnumerateFiles(
        Path.Combine(SourceProject.Root, "src"),
        "*.csproj",
        SearchOption.AllDirectories).Select(file => Path.GetFileNameWithoutExtension(file))];

    public static SourceProject Of(string name) => s_read.GetOrAdd(name, static name => new(() => SourceProject.Read(name))).Value;
}
