namespace Vmem.AspNetCore.Pages;

/// <summary>A map in a line: a digit a column, which says how many eighths of it are not free.</summary>
internal static class MapDigits
{
    /// <summary>8 only if nothing of a column is free, and 0 only if all of it is.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="digits">Receives as many digits, in ASCII.</param>
    public static void Write(ReadOnlySpan<ArenaMapColumn> columns, Span<byte> digits)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            float free = columns[i].Free;
            int eighths = free >= 1 ? 0 : free <= 0 ? 8 : Math.Clamp((int)Math.Round(8 * (1 - free)), 1, 7);
            digits[i] = (byte)('0' + eighths);
        }
    }
}
