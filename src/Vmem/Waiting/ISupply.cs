using System.Numerics;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>What those who wait need beside the space itself. Called under no lock.</summary>
internal interface ISupply<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether there is a source to import from.</summary>
    bool CanImport { get; }

    /// <summary>Whether every free reaches the queue. Under the lock; it stays true while anybody is queued or listens.</summary>
    bool IsWatched { get; }

    /// <summary>Makes <see cref="IsWatched"/> true, for now.</summary>
    void Watch();

    /// <summary>The head does not fit: what caches keep although somebody waits is taken back, and the queue is served again.</summary>
    void TakeBackLent();

    /// <summary>A span in which the request would fit, also after the empty imports went back; the empty segment if there is
    /// none.</summary>
    Segment<T> Import(in Request<T> request);

    /// <summary>Why a request can never be met; null if it can.</summary>
    string? WhyNever(in Request<T> request);

    /// <summary>Why a request cannot be met now.</summary>
    FitReport<T> Explain(in Request<T> request);
}
