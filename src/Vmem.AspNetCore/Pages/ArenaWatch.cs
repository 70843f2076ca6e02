namespace Vmem.AspNetCore.Pages;

/// <summary>The maps of the arenas, drawn a part at a time.</summary>
/// <remarks>An arena is known by itself, weakly: views are made anew for each sample. A small one is drawn whole each time. What is left of
/// the allowance goes to the larger ones in turn, so that one of a million segments takes some intervals, and no sample costs more than
/// another.</remarks>
internal sealed class ArenaWatch(VmemPageOptions options)
{
    private const int AtFirst = 400;              // arbitrary: of most arenas that is all

    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<object, Drawing> _drawings = [];
    private int _first;                           // of the large ones, whose turn it is

    /// <summary>Goes on drawing.</summary>
    public void Update(IReadOnlyList<ArenaView> arenas)
    {
        int left = options.SegmentsEachTime;
        List<ArenaMap> large = [];
        foreach (ArenaView arena in arenas)
        {
            Drawing drawing = _drawings.GetValue(arena.Arena, _ => new Drawing(arena.CreateMap(options.Columns)));
            if (drawing.Map is { } map)
            {
                int part = Math.Clamp(left, 1, AtFirst);
                if (!map.Update(part))
                {
                    left -= part;                 // a small one has used much less, and there may be many
                    large.Add(map);
                }
            }
        }

        for (int i = 0; i < large.Count && left > 0; i++)
        {
            int share = Math.Max(AtFirst, left / (large.Count - i));
            _ = large[(_first + i) % large.Count].Update(Math.Min(share, left));
            left -= share;
        }

        _first++;
    }

    /// <summary>The map of an arena; null if it has none, or none is complete yet.</summary>
    public ArenaMap? MapOf(ArenaView arena) =>
        _drawings.TryGetValue(arena.Arena, out Drawing? drawing) && drawing.Map is { Rounds: > 0 } map ? map : null;

    private sealed record Drawing(ArenaMap? Map);
}
