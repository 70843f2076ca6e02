using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Vmem.Samples;

/// <summary>Prints what any exporter of OpenTelemetry is given, a line a value: the console exporter takes seven, and shows the
/// time.</summary>
internal sealed class LineExporter : BaseExporter<Metric>
{
    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (Metric metric in batch)
        {
            foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
            {
                List<string> tags = [];
                foreach (KeyValuePair<string, object?> tag in point.Tags)
                {
                    tags.Add($"{tag.Key}={tag.Value}");
                }

                Console.WriteLine($"  {metric.Name,-24}{point.GetSumLong(),9:N0} {metric.Unit,-13} {string.Join(' ', tags)}");
            }
        }

        return ExportResult.Success;
    }
}
