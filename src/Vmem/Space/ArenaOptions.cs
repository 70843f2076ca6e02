using System.Numerics;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>How an arena behaves; fixed when it is made.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
public sealed record ArenaOptions<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The policy of the calls that name none. <see cref="FitPolicy.InstantFit"/> unless set.</summary>
    public FitPolicy Policy { get; init; }

    /// <summary>Requests up to this size are met from quantum caches, whatever the policy (vmem_create's <c>qcache_max</c>). 0: there are
    /// none; nor are there in an audited arena (<see cref="Audit"/>).</summary>
    /// <remarks>
    /// <para>
    /// Rounded up to the quantum; at most 64 quanta, and not together with next fit. Such a request costs a few nanoseconds, takes no lock,
    /// and scales with the processors. What is freed stays in the caches, ready for the next request of its size: for some seconds, until
    /// <see cref="Arena{T}.Reap"/>, or until a request of any size would fail without it.
    /// </para>
    /// <para>
    /// A free of a cached size is not checked: who frees twice, or with a wrong size, is found later by <see cref="Arena{T}.Validate"/>, or
    /// at once with <see cref="Audit"/>. A range that was allocated by handle must be freed by it. Upkeep runs on a timer's thread, except
    /// where
    /// <see cref="SingleThreaded"/> is set: then nothing leaves the caches of its own accord.
    /// </para>
    /// </remarks>
    public T QuantumCacheMax { get; init; }

    /// <summary>Where spans come from when the arena runs out. Null: the arena holds only the spans that are added to it.</summary>
    /// <remarks>Imports are multiples of the least common multiple of both quanta. If the source's own quantum is no such multiple, it must
    /// honour <see cref="RangeConstraints{T}.Align"/>, as arenas and virtual memory do, and buddy allocators do not.</remarks>
    public IArenaSource<T>? Source { get; init; }

    /// <summary>The least that is imported at once, in units; rounded up to the quantum of arena and source. 0: as much as the request
    /// needs.</summary>
    public T MinImport { get; init; }

    /// <summary>
    /// How many units of wholly free imports are kept, so that an arena whose use swings about a boundary does not import and release at
    /// every swing. 0 (the default): one span, whatever its size. <see cref="Arena{T}.Reap"/> gives all of them back, and so does a request
    /// that nothing else can meet, here or in another arena above the same arena. With quantum caches, what nobody has needed for two
    /// intervals of their upkeep, 15 s each, goes back, too.
    /// </summary>
    public T RetainedImport { get; init; }

    /// <summary>The total size that the arena may ever reach, spans and imports together. 0: no limit.</summary>
    public T Limit { get; init; }

    /// <summary>The caller promises that one thread at a time uses the arena: no lock is taken.</summary>
    public bool SingleThreaded { get; init; }

    /// <summary>Keeps for every range who allocated it, and refuses every wrong free, also of sizes that would be cached, with the story
    /// of the range; <see cref="ArenaLeak{T}"/> says who leaked.</summary>
    /// <remarks>An audited arena has no quantum caches, so that every mistake is found at once. A pair of operations costs some tens of
    /// microseconds and a record of about a hundred bytes a live range: see docs/diagnostics.md. Other arenas pay nothing.</remarks>
    public bool Audit { get; init; }

    /// <summary>The clock for time-outs, audit records and the upkeep of caches.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Called by <see cref="Arena{T}.Dispose"/> when something is still allocated, after everything has been given back. Null:
    /// nobody wants to know.</summary>
    public Action<ArenaLeak<T>>? Leaked { get; init; }
}
