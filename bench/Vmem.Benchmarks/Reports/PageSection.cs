namespace Vmem.Benchmarks.Reports;

/// <summary>The part of a page that a study writes: what lies between two comments, so that no figure is copied by hand.</summary>
internal static class PageSection
{
    public static string Begin(string study) => $"<!-- study {study}: begin -->";

    public static string End(string study) => $"<!-- study {study}: end -->";

    public static void Replace(string path, StudyReport report)
        => File.WriteAllText(path, Replace(File.ReadAllText(path), report.Name, MarkdownReport.Render(report)));

    /// <exception cref="InvalidOperationException">The page lacks the two comments.</exception>
    public static string Replace(string page, string study, string section)
    {
        int begin = page.IndexOf(Begin(study), StringComparison.Ordinal);
        int end = page.IndexOf(End(study), StringComparison.Ordinal);
        return begin >= 0 && end > begin
            ? $"{page[..begin]}{Begin(study)}\n{section.TrimEnd()}\n{page[end..]}"
            : throw new InvalidOperationException($"The page has no '{Begin(study)}' with '{End(study)}' behind it.");
    }
}
