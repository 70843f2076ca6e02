using System.Text.Json;

namespace Vmem.Benchmarks.Reports;

/// <summary>
/// Writes the reports so far as PATH.md and PATH.json, after every study: a run that is stopped leaves what it found. Each file is written
/// beside its place and moved there, so none is ever half written.
/// </summary>
internal static class ReportFiles
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static void Write(string path, IReadOnlyList<StudyReport> reports)
    {
        string stem = Path.ChangeExtension(Path.GetFullPath(path), null);
        Directory.CreateDirectory(Path.GetDirectoryName(stem)!);
        Replace(stem + ".md", MarkdownReport.Render(reports));
        Replace(stem + ".json", JsonSerializer.Serialize(reports, s_json));
    }

    private static void Replace(string path, string text)
    {
        string temporary = path + ".partial";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }
}
