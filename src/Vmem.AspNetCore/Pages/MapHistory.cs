using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>What the maps of the arenas looked like over the last minutes: a row of each at every step.</summary>
/// <remarks>
/// <para>
/// It is bounded. An arena has <see cref="Rows"/> rows of a byte a column and four more, and there are as many arenas as fit into
/// <see cref="MostBytes"/>: 514 with 64 columns, one with 30,000, and none with more than 34,948. Those that came first stay, and make room
/// when they are gone. Of those that come in the same step the first by name are taken. What draws the maps (<see cref="ArenaWatch"/>)
/// takes memory of its own.
/// </para>
/// <para>
/// Rejected: a history in each browser, as it was. It began when the page was opened, which mostly is when something has happened.
/// Rejected: all figures. A collector of metrics keeps those for weeks; what it cannot have is the map.
/// </para>
/// <para>Not for two threads at a time.</para>
/// </remarks>
internal sealed class MapHistory(VmemPageOptions options)
{
    /// <summary>How many rows are kept. Arbitrary: ten minutes of five seconds each.</summary>
    public const int Rows = 120;

    /// <summary>What all rows take at most. Arbitrary.</summary>
    public const int MostBytes = 4 << 20;

    private readonly long[] _times = new long[Rows];            // by row, as the ring has them
    private List<ArenaRows> _arenas = [];

    /// <summary>How many rows there ever were; the last one has the number before it.</summary>
    public long Count { get; private set; }

    /// <summary>Whether a row is due: a step has passed since the last one. Viewers and timers come a moment early or late.</summary>
    public bool IsDue => IsKept && (Count == 0
        || options.TimeProvider.GetElapsedTime(_times[(Count - 1) % Rows]) >= options.HistoryStep * 0.9);

    /// <summary>Whether there is to be a history.</summary>
    private bool IsKept => options.HistoryStep != Timeout.InfiniteTimeSpan;

    /// <summary>Those of the arenas that have a history. The others do not fit.</summary>
    /// <remarks>What is gone makes room for what is new. O(arenas).</remarks>
    public IReadOnlyList<ArenaView> Admit(IReadOnlyList<ArenaView> arenas)
    {
        Dictionary<object, ArenaRows> known = IndexByArena();
        int most = IsKept ? MostBytes / ArenaRows.BytesOf(options.Columns) : 0;
        int room = most - arenas.Count(view => known.ContainsKey(view.Arena));
        List<ArenaRows> kept = [];
        List<ArenaView> admitted = [];
        foreach (ArenaView view in arenas)
        {
            if (known.TryGetValue(view.Arena, out ArenaRows? rows) || room-- > 0)
            {
                kept.Add(rows ?? new ArenaRows(view.Arena, options.Columns, Count));
                admitted.Add(view);
            }
        }

        _arenas = kept;
        return admitted;
    }

    /// <summary>Adds a row of each arena that was admitted, as it is drawn now.</summary>
    public void Add(IReadOnlyList<ArenaView> admitted, ArenaWatch watch)
    {
        for (int i = 0; i < admitted.Count; i++)
        {
            _arenas[i].Set(Count, watch.MapOf(admitted[i]) is { } map ? map.Columns : default);
        }

        _times[Count % Rows] = options.TimeProvider.GetTimestamp();
        Count++;
    }

    /// <summary>All rows, the oldest first; of each arena those since it came.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="arenas">The arenas as they are listed now.</param>
    public void Write(Utf8JsonWriter json, IReadOnlyList<ArenaView> arenas)
    {
        Dictionary<object, ArenaRows> known = IndexByArena();
        long oldest = Math.Max(0, Count - Rows);
        json.WriteStartObject();
        json.WriteNumber("row", Count);
        json.WriteStartArray("secondsAgo");
        for (long row = oldest; row < Count; row++)
        {
            json.WriteNumberValue(Math.Round(options.TimeProvider.GetElapsedTime(_times[row % Rows]).TotalSeconds, 1));
        }

        json.WriteEndArray();
        json.WriteStartArray("arenas");
        foreach (ArenaView view in arenas)
        {
            if (known.TryGetValue(view.Arena, out ArenaRows? rows))
            {
                WriteRows(json, SampleWriter.IdOf(view), rows, Math.Max(oldest, rows.First));
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private Dictionary<object, ArenaRows> IndexByArena()
    {
        Dictionary<object, ArenaRows> known = new(ReferenceEqualityComparer.Instance);
        foreach (ArenaRows rows in _arenas)
        {
            if (rows.Arena is { } arena)
            {
                known.Add(arena, rows);
            }
        }

        return known;
    }

    private void WriteRows(Utf8JsonWriter json, string id, ArenaRows rows, long first)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteStartArray("rows");
        for (long row = first; row < Count; row++)
        {
            json.WriteStringValue(rows.Of(row));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
