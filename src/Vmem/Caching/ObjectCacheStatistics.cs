using System.Diagnostics;

namespace Vmem;

/// <summary>What an object cache holds and has done; every figure is exact at the time of the call.</summary>
/// <remarks><c>Constructed = Destructed + Rented + Cached</c> and <c>Rents = Returns + Rented</c>, always.</remarks>
[DebuggerDisplay("{Rented} rented, {Cached} cached, {Rents} rents")]
public readonly record struct ObjectCacheStatistics
{
    /// <summary>Objects that the constructor has made.</summary>
    public long Constructed { get; init; }

    /// <summary>Objects that the cache has let go, each of them handed to the destructor or about to be.</summary>
    public long Destructed { get; init; }

    /// <summary>Objects that are out now. One that its user has lost counts for ever.</summary>
    public long Rented { get; init; }

    /// <summary>Objects that lie in magazines, ready for use.</summary>
    public long Cached { get; init; }

    /// <summary>How often an object was rented.</summary>
    public long Rents { get; init; }

    /// <summary>How often an object was returned, or discarded.</summary>
    public long Returns { get; init; }

    /// <summary>How often a thread came to the depot, where threads meet.</summary>
    public long DepotTouches { get; init; }

    /// <summary>Full magazines in the depot.</summary>
    public int FullMagazines { get; init; }

    /// <summary>Empty magazines in the depot.</summary>
    public int EmptyMagazines { get; init; }

    /// <summary>How many objects a new magazine holds.</summary>
    public int MagazineRounds { get; init; }

    /// <summary>Pairs of magazines, one for each thread that uses the cache; those of ended threads wait for new threads.</summary>
    public int Threads { get; init; }

    /// <summary>How often an upkeep ended in an exception of a callback.</summary>
    public long UpkeepFailures { get; init; }
}
