using System.Globalization;
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

                Console.WriteLine($"  {metric.Name,-24}{Value(metric, point),9} {metric.Unit,-13} {string.Join(' ', tags)}");
            }
        }

        return ExportResult.Success;
    }

    /// <summary>Counters and up-down counters are whole numbers; a gauge, as of fragmentation, is none.</summary>
    private static string Value(Metric metric, in MetricPoint point) => metric.MetricType switch
    {
        MetricType.DoubleGauge => point.GetGaugeLastValueDouble().ToString("P1", CultureInfo.InvariantCulture),
        MetricType.LongGauge => point.GetGaugeLastValueLong().ToString("N0", CultureInfo.InvariantCulture),
        _ => point.GetSumLong().ToString("N0", CultureInfo.InvariantCulture),
    };
}
