namespace Vmem.Tool.Reports;

/// <summary>
/// The horizontal axis of a recording's charts. A map has a column for each so many events. Where the recording has time stamps it is shown
/// over time instead: each column of the chart is an equal stretch of seconds, and has the average of what was so in it, weighed by time.
/// Without time stamps the axis counts events.
/// </summary>
internal sealed class ChartAxis
{
    // As many columns as a map has at least: less would be coarser than what was recorded.
    private const int LeastTimeColumns = 240;

    private readonly double[] _starts;

    /// <param name="trace">The recording.</param>
    /// <param name="curve">Of the lane.</param>
    /// <param name="columns">How many columns the chart has; null: as many as the map.</param>
    public ChartAxis(TraceReport trace, CurveReport curve, int? columns = null)
    {
        IsTime = curve.Seconds is not null && trace.DurationSeconds > 0;
        Length = IsTime ? trace.DurationSeconds!.Value : trace.Events;
        _starts = IsTime
            ? [.. curve.Seconds!]
            : [.. Enumerable.Range(0, curve.LiveBytes.Count).Select(point => (double)point * curve.EventsPerPoint)];
        Columns = columns ?? (IsTime ? Math.Max(_starts.Length, LeastTimeColumns) : _starts.Length);
    }

    /// <summary>Whether it is in seconds.</summary>
    public bool IsTime { get; }

    /// <summary>In seconds, or in events.</summary>
    public double Length { get; }

    public int Columns { get; }

    /// <summary>The width of a column.</summary>
    public double Step => Length / Columns;

    public string EndLabel => IsTime ? Units.Seconds(Length) : $"{Units.Count((long)Length)} events";

    /// <summary>What the charts' columns have, on average over their stretch.</summary>
    /// <param name="value">What a point of the curve, or a column of the map, has.</param>
    public double[] Average(Func<int, double> value)
    {
        var averages = new double[Columns];
        int point = 0;
        for (int column = 0; column < Columns; column++)
        {
            double from = Step * column;
            double to = Step * (column + 1);
            while (point + 1 < _starts.Length && EndOf(point) <= from)
            {
                point++;
            }

            averages[column] = Average(point, from, to, value);
        }

        return averages;
    }

    private double Average(int point, double from, double to, Func<int, double> value)
    {
        double sum = 0;
        double width = 0;
        for (int next = point; next < _starts.Length && _starts[next] < to; next++)
        {
            double part = Math.Max(0, Math.Min(to, EndOf(next)) - Math.Max(from, _starts[next]));
            sum += part * value(next);
            width += part;
        }

        return width > 0 ? sum / width : value(point);
    }

    private double EndOf(int point) => point + 1 < _starts.Length ? _starts[point + 1] : Length;
}
