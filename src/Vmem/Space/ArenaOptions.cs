using System.Diagnostics;
using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

/// <summary>How an arena behaves; fixed when it is made.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Policy}, limit {Limit}, source {Source}")]
public sealed record ArenaOptions<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The policy of the calls that name none. <see cref="FitPolicy.InstantFit"/> unless set.</summary>
    public FitPolicy Policy { get; init; }

    /// <summary>What <see cref="FitPolicy.RandomFit"/> draws its places by, for tests and replays. Null (the default): by a secret of the
    /// arena's own.</summary>
    public ulong? RandomSeed { get; init; }

    /// <summary>
    /// Keeps the indexes over free segments from the arena's beginning: by address, by size, and best fit's. Else each is built when a
    /// request first needs it, in steps between which others come; with 10^6 free segments that one request takes tens of milliseconds.
    /// False unless set.
    /// </summary>
    /// <remarks>Every allocation and free then keeps them all up to date, which costs time, and each free segment takes more memory. It is
    /// for those who must answer every request at once, and use more than instant fit. What requests with an alignment need is
    /// among it for those in <see cref="IndexedAlignments"/>.</remarks>
    public bool KeepIndexes { get; init; }

    /// <summary>With <see cref="KeepIndexes"/>: the values of <see cref="RangeConstraints{T}.Align"/>, without a phase or a boundary, whose
    /// indexes are kept, too. At most three multiples of the quantum.</summary>
    public IReadOnlyList<T> IndexedAlignments { get; init; } = [];

    /// <summary>Requests up to this size are met from quantum caches, whatever the policy (vmem_create's <c>qcache_max</c>). 0: there are
    /// none; nor are there in an audited arena (<see cref="Audit"/>), in one that delays reuse (<see cref="ReuseDelay"/>), or in one with
    /// tags or kinds (<see cref="Tagged"/>, <see cref="KindGranularity"/>).</summary>
    /// <remarks>
    /// <para>
    /// Rounded up to the quantum; at most 64 quanta, and not together with next fit, oldest fit or random fit. Such a request costs a few
    /// nanoseconds, takes no lock, and scales with the processors. What is freed stays in the caches, ready for the next request of its
    /// size: for some seconds, until <see cref="Arena{T}.Reap"/>, or until a request of any size would fail without it.
    /// </para>
    /// <para>
    /// A free of a cached size is checked like any other, unless <see cref="TrustCaller"/> is set. If two threads free one range at the
    /// very same moment, neither may be told; still nobody gets a range that another has. A range that was allocated by handle must be
    /// freed by it. Upkeep runs on a timer's thread, except
    /// where <see cref="SingleThreaded"/> is set: then nothing leaves the caches of its own accord.
    /// </para>
    /// </remarks>
    public T QuantumCacheMax { get; init; }

    /// <summary>The caller promises never to free a range of a cached size twice, nor with a wrong size, nor what is none. False unless
    /// set: every wrong free is an <see cref="InvalidFreeException"/> that changes nothing. Without quantum caches it has no
    /// effect.</summary>
    /// <remarks>It saves some nanoseconds for each pair of operations. A broken promise hands one range to two owners, or gives out
    /// what is in no span. It may be found much later, by <see cref="Arena{T}.Validate"/>.</remarks>
    public bool TrustCaller { get; init; }

    /// <summary>Where spans come from when the arena runs out. Null: the arena holds only the spans that are added to it.</summary>
    /// <remarks>Imports are multiples of the least common multiple of both quanta. If the source's own quantum is no such multiple, it must
    /// honour <see cref="RangeConstraints{T}.Align"/>, as arenas and virtual memory do, and buddy allocators do not.</remarks>
    public IArenaSource<T>? Source { get; init; }

    /// <summary>Whether other arenas may import from the source, too: then each gives back what it keeps before another fails, and one that
    /// waits hears what others give back. True unless set. An arena that is alone above a source of your own saves some hundred bytes with
    /// false. Arenas and buddy allocators always know who is above them.</summary>
    public bool SharesSource { get; init; } = true;

    /// <summary>The least that is imported at once, in units; rounded up to the quantum of arena and source. 0: as much as the request
    /// needs.</summary>
    public T MinImport { get; init; }

    /// <summary>
    /// How many units of wholly free imports are kept, so that an arena whose use swings about a boundary does not import and release at
    /// every swing. 0 (the default): one span, whatever its size. <see cref="RetainNone"/>: none, each goes back as its last range is
    /// freed. <c>T.MaxValue</c>: all of them.
    /// </summary>
    /// <remarks><see cref="Arena{T}.Reap"/> gives back what is kept, and so does a request that nothing else can meet, here or in another
    /// arena above the same source. While a request waits for room in that source, nothing is kept. With quantum caches, what nobody has
    /// needed for two intervals of their upkeep, 15 s each, goes back, too; and an import counts as free only when none of its ranges lies
    /// in a cache.</remarks>
    public T RetainedImport { get; init; }

    /// <summary>The value of <see cref="RetainedImport"/> that keeps no wholly free import, as all other implementations of Vmem
    /// do.</summary>
    /// <remarks>It is 1 unit: less than any import with a larger quantum, and with a quantum of 1 by definition.</remarks>
    public static T RetainNone => T.One;

    /// <summary>The total size that the arena may ever reach, spans and imports together. 0: no limit.</summary>
    public T Limit { get; init; }

    /// <summary>The caller promises that one thread at a time uses the arena: no lock is taken.</summary>
    public bool SingleThreaded { get; init; }

    /// <summary>Keeps for every range who allocated it, and refuses every wrong free, also of sizes that would be cached, with the story
    /// of the range; <see cref="ArenaLeak{T}"/> says who leaked.</summary>
    /// <remarks>An audited arena has no quantum caches, so that every mistake is found at once. A pair of operations costs some tens of
    /// microseconds and a record of about a hundred bytes a live range: see docs/diagnostics.md. Other arenas pay nothing.</remarks>
    public bool Audit { get; init; }

    /// <summary>Keeps a number for each range, whatever its owner likes: an owner, a kind of resource, an index into a table of his own.
    /// It is given with <see cref="RangeConstraints{T}.Tag"/> or <see cref="Arena{T}.SetTag(T, ulong)"/>. It is in
    /// <see cref="Segment{T}.Tag"/>, in snapshots, dumps and maps.</summary>
    /// <remarks>16 bytes of managed memory for each range, and requests take the longer path. There are no quantum caches then. Arenas
    /// without it pay nothing. (The tags of a recording, <see cref="RecordingTag"/>, are others: they belong to the call.)</remarks>
    public bool Tagged { get; init; }

    /// <summary>Pages of this size, a power of two, are not shared by ranges of different kinds
    /// (<see cref="RangeConstraints{T}.Kind"/>). 0: there is no such rule. Vulkan's bufferImageGranularity, for buffers and images in
    /// one block of memory.</summary>
    /// <remarks>There are no quantum caches then, and each range takes 16 bytes of managed memory. The rule holds within a span. A range
    /// without a kind may lie anywhere. A request with a kind costs a step for each free
    /// segment that is too short beside others' pages, and for each range without a kind in such a page.</remarks>
    public T KindGranularity { get; init; }

    /// <summary>The clock for time-outs, rests, audit records and the upkeep of caches.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// How long whatever is freed rests before it can be handed out again, in whichever way it is freed:
    /// <see cref="Arena{T}.FreeAfter(T, T, TimeSpan)"/> is then what every free does that names no end of its own, the end that
    /// <see cref="Arena{T}.TryExtend(T, T, T)"/> cuts off included. 0 (the default): not at all.
    /// </summary>
    /// <remarks>For ports and IDs that others may still take for their former owner. There are no quantum caches then: they would hand out
    /// at once what was freed. A free may throw <see cref="OutOfMemoryException"/>, having changed nothing.</remarks>
    public TimeSpan ReuseDelay { get; init; }

    /// <summary>Whether rests that a time would end are cut short, the oldest first and no more than it takes, before a request would fail
    /// or wait; nor does anything begin to rest for a time while a request waits. False unless set.</summary>
    /// <remarks>
    /// A rest that is cut short protects nobody: whoever may still use the range then shares it with its next owner. So set this only if a
    /// late reader is an annoyance (an address that is recycled early), never if it is damage (memory that a device still reads). Rests
    /// that a fence ends (<see cref="Arena{T}.FreeAt(T, T, ulong)"/>) are never cut short. <see cref="Arena{T}.TryAllocatePieces"/> and
    /// batches of all or nothing cut none, nor does a claim of a place of which somebody holds a part. Nor does any other request that
    /// would have no place without them, as far as a look at some thousand of them tells; above a source, where what an import leaves may
    /// help, such a request cuts all of them.
    /// </remarks>
    public bool CutRestsShort { get; init; }

    /// <summary>Called by <see cref="Arena{T}.Revoke"/> when a span is gone, under no lock, with what was live in it. What it throws is
    /// thrown by that call; the span is gone all the same. If memory ends before that, it gets what is gone by then, and the next call
    /// the rest. Null: nobody wants to know.</summary>
    public Action<ArenaRevocation<T>>? Revoked { get; init; }

    /// <summary>Called by <see cref="Arena{T}.Dispose"/> when something is still allocated, after everything has been given back. Null:
    /// nobody wants to know.</summary>
    public Action<ArenaLeak<T>>? Leaked { get; init; }

    /// <exception cref="ArgumentException">An alignment cannot have an index.</exception>
    internal void CheckIndexed(T quantum, string parameter)
    {
        IReadOnlyList<T> alignments = IndexedAlignments ?? [];
        if (alignments.Count >= AlignedIndexes.Most || alignments.Any(align => T.IsZero(align) || !Multiples<T>.Has(align, quantum))
            || alignments.Distinct().Count() != alignments.Count)
        {
            throw new ArgumentException($"IndexedAlignments must be at most {AlignedIndexes.Most - 1} different multiples of the quantum {quantum}: [{string.Join(", ", alignments)}].", parameter);
        }
    }
}
