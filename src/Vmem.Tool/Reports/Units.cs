using System.Globalization;

namespace Vmem.Tool.Reports;

/// <summary>Figures as people read them. Machines get them exact, in the JSON.</summary>
internal static class Units
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Three digits and a unit: "1.18 MiB".</summary>
    public static string Bytes(double bytes)
    {
        int unit = 0;
        while (bytes >= 1024 && unit < s_units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        string format = unit == 0 || bytes >= 100 ? "0" : bytes >= 10 ? "0.0" : "0.00";
        return $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {s_units[unit]}";
    }

    /// <summary>Bytes with their unit; of other values (ports, prefixes) the plain number.</summary>
    public static string Amount(double amount, bool isBytes) => isBytes ? Bytes(amount) : amount.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A round size without zeros behind the point: "4 KiB", "1.25 MiB", "100 B".</summary>
    public static string Size(ulong size, bool isBytes) => isBytes ? Trim(Bytes(size)) : Amount(size, isBytes: false);

    /// <summary>A round value at an axis: "0", "5 MiB", "2,000".</summary>
    public static string Tick(double value, bool isBytes) => value == 0 ? "0" : Trim(Amount(value, isBytes));

    /// <summary>Without zeros behind the point: "5 MiB" for "5.00 MiB", "2.5 MiB" for "2.50 MiB".</summary>
    public static string Trim(string amount)
    {
        int end = amount.IndexOf(' ', StringComparison.Ordinal);
        return end < 0 || !amount.AsSpan(0, end).Contains('.')
            ? amount
            : string.Concat(amount.AsSpan(0, end).TrimEnd('0').TrimEnd('.'), amount.AsSpan(end));
    }

    /// <summary>"7.3 %"; small ones keep a second digit.</summary>
    public static string Percent(double part)
    {
        double percent = part * 100;
        string format = percent >= 100 ? "#,0" : percent >= 1 ? "0.0" : percent == 0 ? "0" : "0.00";
        return $"{percent.ToString(format, CultureInfo.InvariantCulture)} %";
    }

    /// <summary>"1,234,567".</summary>
    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>"12.3 M/s", "45.6 k/s".</summary>
    public static string PerSecond(double count) =>
        count >= 1e6 ? $"{(count / 1e6).ToString("0.0", CultureInfo.InvariantCulture)} M/s" : $"{(count / 1e3).ToString("0.0", CultureInfo.InvariantCulture)} k/s";

    /// <summary>"25 µs", "340 ms", "12.5 s", "3.2 min", "5.0 h".</summary>
    public static string Seconds(double seconds)
    {
        (double value, string unit) = seconds switch
        {
            0 => (0, "s"),
            < 0.001 => (seconds * 1e6, "µs"),
            < 1 => (seconds * 1000, "ms"),
            < 120 => (seconds, "s"),
            < 7200 => (seconds / 60, "min"),
            _ => (seconds / 3600, "h"),
        };
        return $"{value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture)} {unit}";
    }

    public static string Nanoseconds(long nanoseconds) => $"{Count(nanoseconds)} ns";
}
