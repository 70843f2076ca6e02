namespace Vmem.Tool.Reports;

/// <summary>Where an axis is labelled: at multiples of 1, 2 or 5 of a power of ten, in the unit that its end is read in.</summary>
internal static class Ticks
{
    // As many as can stand side by side on 700 pixels; arbitrary.
    private const int Most = 6;

    /// <summary>From 0 to the end of the axis.</summary>
    /// <param name="length">What the axis ends with; above 0.</param>
    /// <param name="unit">What a label counts in: 1 for events, 1024² for MiB.</param>
    /// <param name="least">What two labels are apart at least: 1 where halves have no name, as of events.</param>
    public static IEnumerable<double> Of(double length, double unit, double least = 0)
    {
        double step = Math.Pow(10, Math.Floor(Math.Log10(length / unit / Most))) * unit;
        double[] factors = [1, 2, 5, 10];
        step = Math.Max(least, step * factors.First(factor => length / (step * factor) <= Most));
        for (int tick = 0; tick * step <= length; tick++)
        {
            yield return tick * step;
        }
    }

    /// <summary>The same of bytes: at round numbers of the unit, and below one unit at powers of two, for 0.2 MiB is no round number of
    /// KiB.</summary>
    public static IEnumerable<double> OfBytes(double length)
    {
        double unit = ByteUnit(length);
        double least = length >= Most * unit ? 0 : Math.Pow(2, Math.Ceiling(Math.Log2(length / Most)));
        return Of(length, unit, Math.Max(1, least));
    }

    /// <summary>The largest power of 1024 that fits into so many bytes.</summary>
    public static double ByteUnit(double bytes)
    {
        double unit = 1;
        while (bytes >= unit * 1024)
        {
            unit *= 1024;
        }

        return unit;
    }

    /// <summary>The unit that <see cref="Units.Seconds"/> would choose.</summary>
    public static double TimeUnit(double seconds) => seconds switch { < 0.001 => 1e-6, < 1 => 0.001, < 120 => 1, < 7200 => 60, _ => 3600 };
}
