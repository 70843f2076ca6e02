using System.Text.Json;

namespace Vmem.AspNetCore.Pages;

/// <summary>Draws the maps of the arenas, and keeps their history: while somebody looks, and while nobody does.</summary>
/// <remarks>
/// While somebody looks, a row of the history is what he has just been shown. While nobody does, there is only one row a step, and the
/// allowance for it is that of the intervals that were left out, up to <see cref="MostIntervals"/>: so a large arena is drawn anew as
/// often as with a viewer. Not for two threads at a time.
/// </remarks>
internal sealed class MapRecorder(VmemPageOptions options)
{
    private const int MostIntervals = 5;          // arbitrary: 100,000 segments, a millisecond in all

    private readonly ArenaWatch _watch = new(options);
    private readonly MapHistory _history = new(options);

    /// <summary>How many rows the history ever had.</summary>
    public long Rows => _history.Count;

    /// <summary>The map of an arena; null if it has none, or none is complete yet.</summary>
    public ArenaMap? MapOf(ArenaView arena) => _watch.MapOf(arena);

    /// <summary>Goes on drawing for a viewer.</summary>
    public void Show(IReadOnlyList<ArenaView> arenas)
    {
        _watch.Update(arenas, options.SegmentsEachTime);
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
            double intervals = Math.Clamp(options.HistoryStep / options.Interval, 1, MostIntervals);
            _watch.Update(admitted, (int)Math.Min(int.MaxValue, options.SegmentsEachTime * intervals));
            _history.Add(admitted, _watch);
        }
    }

    /// <summary>Writes the history.</summary>
    public void WriteHistory(Utf8JsonWriter json) => _history.Write(json, VmemProcess.Arenas);
}
