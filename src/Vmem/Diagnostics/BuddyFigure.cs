namespace Vmem.Diagnostics;

/// <summary>What is measured of a buddy allocator. The levels come first, then the counts, from <see cref="Allocations"/> on.</summary>
internal enum BuddyFigure
{
    Size,
    InUse,
    Free,
    LargestFree,
    Fragmentation,
    Peak,
    Blocks,
    Allocations,
    Frees,
    Failures,
}
