using System.Diagnostics;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>How an object cache behaves; fixed when it is made.</summary>
[DebuggerDisplay("magazines of {LeastRounds} to {MostRounds}")]
public sealed record ObjectCacheOptions
{
    /// <summary>
    /// How many objects a magazine holds to begin with: one of 1, 3, 7, 15, 31, 47, 63, 95 and 143, or the next larger of them. A thread
    /// keeps at most two magazines. Few for large objects, of which few should lie idle. 15 unless set.
    /// </summary>
    public int LeastRounds { get; init; } = 15;

    /// <summary>How far magazines grow when threads wait for each other at the depot; as <see cref="LeastRounds"/>, and no less than it.
    /// 143 unless set.</summary>
    public int MostRounds { get; init; } = 143;

    /// <summary>Finds objects that are returned twice or were never rented, and tells the story of each. A pair of calls then costs some
    /// microseconds and takes a lock; other caches pay nothing.</summary>
    public bool Audit { get; init; }

    /// <summary>
    /// The caller promises never to return an object twice. False, the default: each is looked for in the two magazines of the thread that
    /// returns it, and one that lies there is an <see cref="InvalidReturnException"/> that changes nothing. True saves some nanoseconds a
    /// return.
    /// </summary>
    /// <remarks>A broken promise hands one object to two users. Without the promise that still happens where another thread returned the
    /// object first, where it has gone to the depot since, or while statistics are taken: only <see cref="Audit"/> finds that.</remarks>
    public bool TrustCaller { get; init; }

    /// <summary>The clock for the upkeep and for audit records.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told when a callback of the cache has thrown on a thread of the upkeep, where nobody else would hear of it. Called once for
    /// each upkeep, with the first exception; what it throws itself is ignored.</summary>
    public Action<Exception>? UpkeepFailed { get; init; }
}
