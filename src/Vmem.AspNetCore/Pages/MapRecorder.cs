using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>Draws the maps of the arenas, and keeps their history: while somebody looks, and while nobody does.</summary>
/// <remarks>
/// A sample for a viewer that comes when a row of the history is due is that row. Where none comes in time there is only the row. The
/// allowance grows with the time: a sample has at most an interval's, and a row that of the intervals that were left out, up to
/// <see cref="MostIntervals"/>. So a large arena is drawn anew as often without a viewer as with one, and a row beside a viewer's samples
/// adds nothing to what is walked. Not for two threads at a time.
/// </remarks>
internal sealed class MapRecorder(VmemPageOptions options)
{
    private const int MostIntervals = 5;          // arbitrary: 100,000 segments, a millisecond in all

    private readonly ArenaWatch _watch = new(options);
    private readonly MapHistory _history = new(options);
    private long? _updated;                       // when it was drawn last

    /// <summary>How many rows the history ever had.</summary>
    public long Rows => _history.Count;

    /// <summary>The map of an arena; null if it has none, or none is complete yet.</summary>
    public ArenaMap? MapOf(ArenaView arena) => _watch.MapOf(arena);

    /// <summary>Goes on drawing for a viewer.</summary>
    public void Show(IReadOnlyList<ArenaView> arenas)
    {
        _watch.Update(arenas, TakeAllowance(mostIntervals: 1));
        if (_history.IsDue)
        {
            _history.Add(_history.Admit(arenas), _watch);
        }
    }

    /// <summary>Goes on drawing for the history alone, unless there was a row just now.</summary>
    public void Record()
    {
        if (_history.IsDue)
        {
            IReadOnlyList<ArenaView> admitted = _history.Admit(VmemProcess.Arenas);
            _watch.Update(admitted, TakeAllowance(MostIntervals));
            _history.Add(admitted, _watch);
        }
    }

    /// <summary>Writes the history.</summary>
    public void WriteHistory(Utf8JsonWriter json) => _history.Write(json, VmemProcess.Arenas);

    /// <summary>How many segments may be walked, for the time since it was drawn last.</summary>
    private int TakeAllowance(int mostIntervals)
    {
        long now = options.TimeProvider.GetTimestamp();
        double intervals = _updated is { } last ? options.TimeProvider.GetElapsedTime(last, now) / options.Interval : mostIntervals;
        _updated = now;
        return (int)Math.Min(int.MaxValue, options.SegmentsEachTime * Math.Clamp(intervals, 0, mostIntervals));
    }
}
