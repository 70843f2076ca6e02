using System.Numerics;
using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>What those who wait need beside the space itself. Called under no lock.</summary>
internal interface ISupply<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether there is a source to import from.</summary>
    bool CanImport { get; }

    /// <summary>Whether that is a source of somebody else's, here or below: it may take its time. Not if an arena of one thread stands
    /// between: it is asked on the thread that comes.</summary>
    bool AsksOthers { get; }

    /// <summary>Whether every free reaches the queue. Under the lock; it stays true while anybody is queued or listens.</summary>
    bool IsWatched { get; }

    /// <summary>Makes <see cref="IsWatched"/> true, for now.</summary>
    void Watch();

    /// <summary>Takes back what caches keep although somebody waits.</summary>
    /// <returns>False if they keep nothing. Else the queue has yet to be served.</returns>
    bool TryTakeBackLent(ref Conclusion end);

    /// <summary>A span in which the request would fit, also after the empty imports went back; the empty segment if there is
    /// none.</summary>
    Segment<T> Import(in Request<T> request);

    /// <summary>Why a request can never be met; null if it can.</summary>
    string? WhyNever(in Request<T> request);

    /// <summary>Why a request cannot be met now.</summary>
    FitReport<T> Explain(in Request<T> request);
}
