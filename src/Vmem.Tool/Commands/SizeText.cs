using System.Globalization;

namespace Vmem.Tool.Commands;

/// <summary>Sizes as people type them: "4096", "64K", "64M", "2G", "1T" (powers of 1024; "KiB" and "KB" mean the same).</summary>
internal static class SizeText
{
    public static bool TryParse(string text, out ulong size)
    {
        size = 0;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        ReadOnlySpan<char> number = digits < 0 ? text : text.AsSpan(0, digits);
        ReadOnlySpan<char> unit = digits < 0 ? default : text.AsSpan(digits);
        int shift = unit.ToString().ToUpperInvariant() switch
        {
            "" or "B" => 0,
            "K" or "KB" or "KIB" => 10,
            "M" or "MB" or "MIB" => 20,
            "G" or "GB" or "GIB" => 30,
            "T" or "TB" or "TIB" => 40,
            _ => -1,
        };
        if (shift < 0
            || !ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count)
            || count > ulong.MaxValue >> shift)
        {
            return false;
        }

        size = count << shift;
        return true;
    }
}
