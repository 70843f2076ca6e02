using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vmem.Tool.Reports;

/// <summary>The report as JSON, without reflection: the tool can be trimmed and compiled ahead of time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(ReplayReport))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    public static void Write(ReplayReport report, Stream stream)
    {
        JsonSerializer.Serialize(stream, report, Default.ReplayReport);
        stream.WriteByte((byte)'\n');
    }
}
