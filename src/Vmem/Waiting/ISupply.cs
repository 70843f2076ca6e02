using System.Numerics;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>What those who wait need beside the space itself. Called under no lock.</summary>
internal interface ISupply<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether there is a source to import from.</summary>
    bool CanImport { get; }

    /// <summary>Changes whenever something goes that a request may have counted on.</summary>
    long Removals { get; }

    /// <summary>From now on every free reaches the segments, and with them the queue. Calls nest.</summary>
    void SuspendCaches();

    /// <summary>Ends one <see cref="SuspendCaches"/>.</summary>
    void ResumeCaches();

    /// <summary>What arenas above keep and nobody uses comes back.</summary>
    void TakeBackKept();

    /// <summary>A span in which the request would fit, also after the empty imports went back; the empty segment if there is
    /// none.</summary>
    Segment<T> Import(in Request<T> request);

    /// <summary>Why a request can never be met; null if it can.</summary>
    string? WhyNever(in Request<T> request);

    /// <summary>Why a request cannot be met now.</summary>
    FitReport<T> Explain(in Request<T> request);
}
