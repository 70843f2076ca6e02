using System.Globalization;

namespace Vmem.Tool.Commands;

/// <summary>What numbers, times and dates of <c>vmem lease</c> say.</summary>
internal static class LeaseValues
{
    // A century, which is arbitrary. Far more is before the first date there is.
    private const int MostDays = 36_500;

    // Of ISO 8601, without a zone UTC. Nothing else is a date: "1.5" could be two.
    private static readonly string[] s_dates =
        ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK"];

    public static bool TryDate(string text, out DateTimeOffset date) =>
        DateTimeOffset.TryParseExact(text, s_dates, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out date);

    /// <exception cref="UsageException">It is none.</exception>
    public static UInt128 Number(string text) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && UInt128.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value)
        || UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
            ? value
            : throw new UsageException($"{text} is no number from 0 to 2^128 - 1: write 4711 or 0x1267");

    /// <param name="text">What was written.</param>
    /// <param name="others">What else could have been.</param>
    /// <exception cref="UsageException">It is none.</exception>
    public static TimeSpan Time(string text, string others = "")
    {
        double? unit = text.Length > 1
            ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => null }
            : null;
        return unit is { } seconds
            && double.TryParse(text.AsSpan(..^1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            && TimeSpan.FromDays(MostDays).TotalSeconds >= count * seconds
            ? TimeSpan.FromSeconds(count * seconds)
            : throw new UsageException($"{text} is no time: write 30s, 5m, 12h or 90d, and {MostDays}d at most{others}");
    }
}
