namespace Vmem.AspNetCore.Pages;

/// <summary>What the map of one arena looked like in the last rows of the history.</summary>
/// <remarks>The arena is known weakly. Rows lie in a ring, by their numbers in the history; a row of 0 digits is one in which the arena had
/// no map.</remarks>
/// <param name="arena">The arena.</param>
/// <param name="columns">How many digits a row has at most.</param>
/// <param name="first">The number of its first row.</param>
internal sealed class ArenaRows(object arena, int columns, long first)
{
    private readonly WeakReference<object> _arena = new(arena);
    private readonly byte[] _digits = new byte[MapHistory.Rows * columns];
    private readonly int[] _lengths = new int[MapHistory.Rows];

    /// <summary>How many bytes its rows take.</summary>
    /// <param name="columns">How many digits a row has at most.</param>
    public static int BytesOf(int columns) => MapHistory.Rows * (columns + sizeof(int));

    /// <summary>The number of the first row that there ever was.</summary>
    public long First => first;

    /// <summary>The arena; null: it is gone.</summary>
    public object? Arena => _arena.TryGetTarget(out object? target) ? target : null;

    /// <summary>Draws a row over the one that was the oldest.</summary>
    public void Set(long row, ReadOnlySpan<ArenaMapColumn> map)
    {
        int place = (int)(row % MapHistory.Rows);
        _lengths[place] = map.Length;
        MapDigits.Write(map, _digits.AsSpan(place * columns, map.Length));
    }

    /// <summary>The digits of a row: one of the last ones, and not before <see cref="First"/>.</summary>
    public ReadOnlySpan<byte> Of(long row)
    {
        int place = (int)(row % MapHistory.Rows);
        return _digits.AsSpan(place * columns, _lengths[place]);
    }
}
