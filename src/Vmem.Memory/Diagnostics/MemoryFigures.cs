namespace Vmem.Memory.Diagnostics;

/// <summary>What is measured of a heap. The levels come first, then the counts, from <see cref="Allocations"/> on.</summary>
internal enum HeapFigure
{
    Reserved,
    Committed,
    Held,
    InUse,
    Cached,
    LiveBlocks,
    Resident,
    Dirty,
    Allocations,
    Frees,
    Failures,
    Decommitted,
}

/// <summary>What is measured of a context. The levels come first, then the counts, from <see cref="ClientsCreated"/> on.</summary>
internal enum ContextFigure
{
    Size,
    InUse,
    Free,
    LargestFree,
    Fragmentation,
    Peak,
    Dirty,
    Clients,
    ClientsCreated,
    Decommitted,
}

/// <summary>What is measured of the clients of one name. All of them are levels.</summary>
internal enum ClientFigure
{
    Held,
    InUse,
    Quota,
    Failures,
}

/// <summary>What is measured of a pool. The levels come first, then the counts, from <see cref="Rents"/> on.</summary>
internal enum PoolFigure
{
    Outstanding,
    Rents,
    Leaks,
}
