using System.Globalization;

namespace Vmem.Benchmarks.Reports;

/// <summary>Numbers as the cells of tables, the same on every machine's locale.</summary>
internal static class Cells
{
    public const string Nothing = "–";

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Nanoseconds(double value) =>
        double.IsNaN(value) ? Nothing : value.ToString(value >= 100 ? "N0" : "0.0", CultureInfo.InvariantCulture);

    public static string Nanoseconds(double? value) => value is { } known ? Nanoseconds(known) : Nothing;

    public static string Fixed(double value, int digits) =>
        double.IsNaN(value) ? Nothing : value.ToString("F" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    public static string Percent(double fraction) => Fixed(100 * fraction, 2) + " %";

    /// <summary>10^n where the number is a power of ten.</summary>
    public static string Power(long value)
    {
        int power = 0;
        long rest = value;
        for (; rest >= 10 && rest % 10 == 0; rest /= 10)
        {
            power++;
        }
        return rest == 1 && power >= 3 ? string.Create(CultureInfo.InvariantCulture, $"10^{power}") : Count(value);
    }
}
