namespace Vmem.Fuzz;

/// <summary>
/// The inputs that are kept in the repository: a folder for each target. Seeds show what a format can say; an input that once was a finding
/// is kept beside them for good, under a name that says what it was.
/// </summary>
internal static class Corpus
{
    private static readonly string s_root = Path.Combine(AppContext.BaseDirectory, "corpus");

    /// <summary>The names and contents of a target's inputs, in an order that is the same everywhere.</summary>
    public static IReadOnlyList<(string Name, byte[] Contents)> Read(FuzzTarget target) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(s_root, target.Name)).Order(StringComparer.Ordinal)
            .Select(file => (Path.GetFileName(file), File.ReadAllBytes(file))),
    ];

    /// <summary>The folders that there are.</summary>
    public static IReadOnlyList<string> FolderNames() =>
        [.. Directory.EnumerateDirectories(s_root).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];
}
