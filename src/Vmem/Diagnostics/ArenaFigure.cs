namespace Vmem.Diagnostics;

/// <summary>What is measured of an arena. The levels come first, then the counts, from <see cref="Allocations"/> on.</summary>
internal enum ArenaFigure
{
    Size,
    InUse,
    Cached,
    Imported,
    Resting,
    Draining,
    Free,
    LargestFree,
    Fragmentation,
    Peak,
    Segments,
    FreeSegments,
    Waiting,
    Allocations,
    Frees,
    Failures,
    Waits,
}
