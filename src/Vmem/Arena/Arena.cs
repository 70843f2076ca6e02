using System.Numerics;
using Vmem.Caching;
using Vmem.Diagnostics;
using Vmem.Importing;
using Vmem.Lending;
using Vmem.Ranges;
using Vmem.Recording;
using Vmem.Space;
using Vmem.Waiting;

namespace Vmem;

/// <summary>
/// A set of integers, handed out as ranges: the arena of Bonwick &amp; Adams' Vmem ("Magazines and Vmem: Extending the Slab Allocator to
/// Many CPUs and Arbitrary Resources", USENIX 2001).
/// </summary>
/// <remarks>
/// <para>
/// An arena consists of <em>spans</em>, ranges that were added to it or imported from its source. Each span is divided into
/// <em>segments</em>, allocated or free, described by <em>boundary tags</em> that are kept apart from the resource, so that it may be
/// anything: memory, file extents, IDs, ports, addresses. All sizes are multiples of the arena's <em>quantum</em>; requests are rounded up.
/// </para>
/// <para>
/// Instant fit and freeing are O(1) whatever the number of segments, and no operation ever pauses to rebuild a table. The other policies
/// and all constraints are O(log n) in the number of free segments, through an index that is built (O(n), once) when first needed; a
/// constrained request also looks at each free segment of its window that is long enough and badly placed. A request fails only if nothing
/// fits. After warm-up no operation allocates managed memory.
/// </para>
/// <para>
/// An arena may be used by several threads at once, unless <see cref="ArenaOptions{T}.SingleThreaded"/> is set. Its tables lie in native
/// memory, which <see cref="Dispose"/> or the finaliser gives back.
/// </para>
/// </remarks>
/// <typeparam name="T">The integer type: <c>byte</c>, <c>ushort</c>, <c>uint</c>, <c>ulong</c>, <c>nuint</c> or <c>UInt128</c>; all its
/// values can be handed out, 0 and the very top included.</typeparam>
public sealed partial class Arena<T> : INotifyingArenaSource<T>, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Space<T> _space;
    private readonly QuantumCaches<T>? _caches;
    private readonly Importer<T>? _importer;
    private readonly Possibility<T> _possibility;
    private readonly WaitingRoom<T> _room;
    private readonly FitPolicy _policy;
    private readonly TimeProvider _time;
    private readonly Action<ArenaLeak<T>>? _leaked;
    private readonly MeteredEntry _metered;
    private readonly int _quantumShift;

    /// <summary>Requests up to this size look into the thread's loaded magazine first; 0: there are none. Compared with size − 1, so that
    /// 0 is out of bounds.</summary>
    private readonly T _cachedMax;
    private MagazineCache<T>[] _magazines = [];   // those of _caches, by class; none while the arena is recorded

    /// <summary>Makes an arena without a span: add some, or let it import.</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="quantum">The unit of allocation, a power of two (vmem_create's <c>quantum</c>).</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is not a power of two, or an option makes no sense.</exception>
    public Arena(string name, T quantum, ArenaOptions<T>? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!T.IsPow2(quantum))
        {
            throw new ArgumentException($"The quantum must be a power of two, and {quantum} is none.", nameof(quantum));
        }

        options ??= new ArenaOptions<T>();
        Request<T>.CheckPolicy(options.Policy, nameof(options));
        T sourceQuantum = options.Source is null ? quantum : Importer<T>.CheckQuantum(options.Source.Quantum, nameof(options));
        _policy = options.Policy;
        _time = options.TimeProvider;
        _leaked = options.Leaked;
        _quantumShift = int.CreateTruncating(T.TrailingZeroCount(quantum));
        int classes = CachedSizes<T>.Count(options, quantum);
        _room = new WaitingRoom<T>(this, NotifyingSource(options), _time);
        _space = new Space<T>(name, quantum, options, _room);
        _room.Open(_space);
        if (classes > 0 && !options.Audit)        // audited, each range is a segment, so that each mistake is found at once
        {
            _caches = new QuantumCaches<T>(_space, _policy, classes, _time);
            _space.Caches = _caches;
            _magazines = _caches.Magazines;
            _cachedMax = _caches.Max;
        }

        _importer = options.Source is null ? null : new Importer<T>(_space, options.Source, sourceQuantum, options.MinImport,
            _caches?.SlabSize ?? T.Zero);
        _possibility = new Possibility<T>(_space, _importer);
        _metered = ArenaMetrics.Arenas.Add(this);
    }

    /// <summary>Makes an arena with a first span (vmem_create with <c>base</c> and <c>size</c>).</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <param name="quantum">The unit of allocation, a power of two.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is not a power of two, an option makes no sense, or the span is empty, misaligned,
    /// or reaches past the top of the type.</exception>
    public Arena(string name, T start, T size, T quantum, ArenaOptions<T>? options = null)
        : this(name, quantum, options)
    {
        try
        {
            AddSpan(start, size);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The arena's name.</summary>
    public string Name => _space.Name;

    /// <summary>The unit of allocation: every range starts at a multiple of it and is a multiple of it long.</summary>
    public T Quantum => _space.Quantum;

    /// <summary>The policy of the calls that name none.</summary>
    public FitPolicy Policy => _policy;

    /// <summary>
    /// Ends every wait with an <see cref="ObjectDisposedException"/>, gives all imports back to the source, leaked ranges included, and the
    /// tables back to the system; ends a recording, which waits for its stream; reports the leaks to <see cref="ArenaOptions{T}.Leaked"/>.
    /// Idempotent. Every other member throws <see cref="ObjectDisposedException"/> afterwards.
    /// </summary>
    public void Dispose()
    {
        Aftermath<T> imports = default;
        ArenaLeak<T>? leak;
        WaitQueue<T> waiters;
        ArenaRecorder<T>? recorder;
        using (_space.VisitFrozen(evenEnded: true))
        {
            if (!_space.TryEnd())
            {
                return;
            }

            waiters = _room.FailAll();
            recorder = _space.Recorder;
            _space.SetRecorder(null);
            foreach (Segment<T> span in _space.ImportedSpans(emptyOnly: false))
            {
                imports.Release(span);
            }

            leak = _leaked is null ? null : DescribeLeak();
            _caches?.End();
            _space.Map.Dispose();
        }

        _caches?.Dispose();
        _space.Leave();
        ArenaMetrics.Arenas.Remove(_metered);
        try
        {
            _room.CompleteAll(waiters);
        }
        finally
        {
            try
            {
                _ = imports.ReleaseSpans(_space.Source);
            }
            finally
            {
                TellEnd(recorder, leak);
            }
        }
    }

    // The order in which a request is met; the first that succeeds ends it. Nothing else decides it. Calls that are common begin with the
    // first steps in line: the thread's loaded magazine, the depot, a good fit of the segments.
    private bool TryMeet(in Request<T> request, out Grant<T> grant) =>
        TryTakeAtHand(request, out grant) || TryMeetWithMore(request, out grant);

    // The rest of the order, after what is at hand was found to have no place.
    private bool TryMeetWithMore(in Request<T> request, out Grant<T> grant)
    {
        long releases = _space.Releases;
        return TryTakeImported(request, out grant)               // the source, without the lock
            || TryMeetThoroughly(request, releases, out grant)
            || Fail(out grant);
    }

    // What is kept for speed goes back, here and above, and the source is asked to do the same.
    private bool TryMeetThoroughly(in Request<T> request, long releases, out Grant<T> grant)
    {
        grant = default;
        Recall? recall = _space.TryRecall();                 // what arenas above keep
        try
        {
            return TryTakeDrained(request, out grant)            // every magazine and slab, at one moment
                || (MayImportMore(releases) && _importer!.TryTakeImported(request, isThorough: true, out grant));
        }
        finally
        {
            EndRecall(recall, request, grant);
        }
    }

    private bool TryTakeAtHand(in Request<T> request, out Grant<T> grant) =>
        Serves(request) ? _caches!.TryTake(request, out grant)   // a slab, a new slab, segments
            : _space.TryTake(request, out grant);                // segments

    private bool Serves(in Request<T> request) => _caches is not null && _caches.Serves(request);

    private bool TryTakeImported(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        if (_importer is null)
        {
            return false;
        }

        bool met = _caches is not null && _caches.WantsSlab(request) ? _importer.TryAttachForSlab(request) && _caches.TryTake(request, out grant)
            : _importer.TryTakeImported(request, isThorough: false, out grant);
        try
        {
            _caches?.AttendSource();
            return met;
        }
        catch when (met)
        {
            TakeBack(request, grant);
            throw;
        }
    }

    private bool TryTakeDrained(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        return _caches is not null ? _caches.TryTakeDrained(request, out grant) : _space.Lends && _space.TryTake(request, out grant);
    }

    private void EndRecall(Recall? recall, in Request<T> request, in Grant<T> grant)
    {
        try
        {
            recall?.End();
        }
        catch when (!grant.IsEmpty)
        {
            TakeBack(request, grant);
            throw;
        }
    }

    /// <summary>The caller will not learn of what it got.</summary>
    private void TakeBack(in Request<T> request, in Grant<T> grant)
    {
        if (Serves(request))
        {
            _caches!.Free(grant.Start, grant.Size);
        }
        else
        {
            _space.TakeBack(grant);
        }
    }

    /// <summary>Gives empty imports back: keeping them must not make a request fail. Then there is a reason to ask the source once more: it
    /// has got something back, maybe already since it was asked, or it is an arena that has not looked for all it could give.</summary>
    private bool MayImportMore(long releases) =>
        _importer is not null && (!T.IsZero(_space.DetachEmpty()) || _space.Releases != releases || _importer.AsksArena);

    private bool Fail(out Grant<T> grant)
    {
        grant = default;
        _space.NoteFailure();
        return false;
    }

    /// <summary>A request that is well formed, signed if the arena is audited. To be called under no lock.</summary>
    /// <param name="size">The size, rounded.</param>
    /// <param name="constraints">By value: the caller's variable may change between the check and the use.</param>
    /// <param name="policy">Which place is taken.</param>
    /// <param name="kind">What the caller gets.</param>
    /// <param name="call">Which call it is, for an audit.</param>
    private Request<T> Ask(T size, RangeConstraints<T> constraints, FitPolicy policy, RequestKind kind, AuditCall call)
    {
        Request<T>.CheckConstraints(size, constraints, Quantum);
        Request<T>.CheckPolicy(policy);
        return new Request<T>(new Placement<T>(size, constraints, Quantum), policy, kind, _space.Auditor?.Sign(call));
    }

    /// <summary>A single-threaded arena above a shared one does not listen to it: it would be served on a thread that it was promised would
    /// not come. Its owner calls <see cref="RetryWaiters"/>.</summary>
    private static INotifyingArenaSource<T>? NotifyingSource(ArenaOptions<T> options) =>
        !options.SingleThreaded || options.Source is Arena<T> { _space.IsShared: false } ? options.Source as INotifyingArenaSource<T>
            : null;

    /// <summary>Tells listeners, the recording and the leak's callback of the arena's end. One that throws does not keep it from the
    /// others.</summary>
    private void TellEnd(ArenaRecorder<T>? recorder, ArenaLeak<T>? leak)
    {
        try
        {
            _room.NotifyListeners();
        }
        finally
        {
            try
            {
                recorder?.End();
            }
            finally
            {
                if (leak is not null)
                {
                    _leaked!(leak with { Report = _space.Auditor is null ? null : Census(evenEnded: true) });
                }
            }
        }
    }
}
