using System.Numerics;

namespace Vmem.Diagnostics;

/// <summary>The figures of arenas as numbers of metrics.</summary>
internal static class ArenaFigures
{
    /// <summary>One of an arena's figures. What 64 bits do not hold reads as the most that they do.</summary>
    public static long Of<T>(this ArenaFigure figure, in ArenaStatistics<T> figures, int waiting)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => figure switch
        {
            ArenaFigure.Size => long.CreateSaturating(figures.TotalSize),
            ArenaFigure.InUse => long.CreateSaturating(figures.InUse),
            ArenaFigure.Cached => long.CreateSaturating(figures.Cached),
            ArenaFigure.Resting => long.CreateSaturating(figures.Resting),
            ArenaFigure.Draining => long.CreateSaturating(figures.Draining),
            ArenaFigure.Imported => long.CreateSaturating(figures.Imported),
            ArenaFigure.Free => long.CreateSaturating(figures.Free),
            ArenaFigure.LargestFree => long.CreateSaturating(figures.LargestFree),
            ArenaFigure.Fragmentation => (long)(figures.Fragmentation * 1e6),
            ArenaFigure.Peak => long.CreateSaturating(figures.PeakInUse),
            ArenaFigure.Segments => figures.LiveSegments,
            ArenaFigure.FreeSegments => figures.FreeSegments,
            ArenaFigure.Waiting => waiting,
            ArenaFigure.Allocations => figures.Allocations,
            ArenaFigure.Frees => figures.Frees,
            ArenaFigure.Failures => figures.Failures,
            ArenaFigure.Waits => figures.Waits,
            _ => 0,
        };
}
