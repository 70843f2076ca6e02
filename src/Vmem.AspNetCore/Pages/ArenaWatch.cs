namespace Vmem.AspNetCore.Pages;

/// <summary>The maps of the arenas, drawn a part at a time.</summary>
/// <remarks>An arena is known by itself, weakly: views are made anew for each sample. A small one is drawn whole each time, as long
/// as the allowance lasts: where it ends, the next sample begins. What is left of it goes to the larger ones in turn, so that one of a
/// million segments takes some intervals, and no sample costs more than another.</remarks>
internal sealed class ArenaWatch(VmemPageOptions options)
{
    private const int AtFirst = 400;              // arbitrary: of most arenas that is all

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<object, Drawing> _drawings = [];
    private int _next;                            // of all: with whom the next sample begins
    private int _nextLarge;                       // of the large ones: whose turn it is

    /// <summary>Goes on drawing.</summary>
    /// <param name="arenas">What to draw.</param>
    /// <param name="allowance">How many segments to walk at most.</param>
    public void Update(IReadOnlyList<ArenaView> arenas, int allowance)
    {
        List<ArenaMap> maps = [.. arenas.Select(MapFor).OfType<ArenaMap>()];
        List<ArenaMap> large = [];
        int left = allowance;
        int looked = 0;
        for (; looked < maps.Count && left > 0; looked++)
        {
            ArenaMap map = maps[(_next + looked) % maps.Count];
            int part = Math.Min(left, AtFirst);
            if (map.Update(part))
            {
                left -= (int)Math.Clamp(map.Segments + map.Spans, 1, part);
            }
            else
            {
                left -= part;
                large.Add(map);
            }
        }

        _next = maps.Count == 0 ? 0 : (_next + looked) % maps.Count;
        for (int i = 0; i < large.Count && left > 0; i++)
        {
            int share = Math.Max(AtFirst, left / (large.Count - i));
            _ = large[(_nextLarge + i) % large.Count].Update(Math.Min(share, left));
            left -= share;
        }

        _nextLarge = large.Count == 0 ? 0 : (_nextLarge + 1) % large.Count;
    }

    /// <summary>The map of an arena; null if it has none, or none is complete yet.</summary>
    public ArenaMap? MapOf(ArenaView arena) =>
        _drawings.TryGetValue(arena.Arena, out Drawing? drawing) && drawing.Map is { Rounds: > 0 } map ? map : null;

    private ArenaMap? MapFor(ArenaView arena) =>
        _drawings.GetValue(arena.Arena, _ => new Drawing(arena.CreateMap(options.Columns))).Map;

    private sealed record Drawing(ArenaMap? Map);
}
