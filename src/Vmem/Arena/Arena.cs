using System.Diagnostics;
using System.Numerics;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Importing;
using Vmem.Lending;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Recording;
using Vmem.Segments;
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
/// and all constraints are O(log n) in the number of free segments, through an index that is built when first needed: in steps, between
/// which other threads have their turn; and it goes when nobody asks for it any more. Meanwhile instant fit and freeing keep it, in
/// O(log n). A request fails only if nothing fits. After warm-up, allocating and freeing take no managed memory, but for what waits, throws
/// or is audited.
/// </para>
/// <para>
/// An arena may be used by several threads at once, unless <see cref="ArenaOptions{T}.SingleThreaded"/> is set. Its tables lie in native
/// memory, which <see cref="Dispose"/> or the finaliser gives back.
/// </para>
/// </remarks>
/// <typeparam name="T">The integer type: <c>byte</c>, <c>ushort</c>, <c>uint</c>, <c>ulong</c>, <c>nuint</c> or <c>UInt128</c>; all its
/// values can be handed out, 0 and the very top included.</typeparam>
[DebuggerDisplay("{Name,nq}: {_space.Map.InUse} of {_space.Map.TotalSize} allocated, {Policy}")]
public sealed partial class Arena<T> : INotifyingArenaSource<T>, IListed<ArenaView>, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly ArenaOptions<T> s_defaults = new();

    private readonly Space<T> _space;
    private readonly QuantumCaches<T>? _caches;
    private readonly Importer<T>? _importer;
    private readonly FitPolicy _policy;
    private readonly TimeProvider _time;
    private readonly Action<ArenaLeak<T>>? _leaked;
    private readonly MeteredEntry _metered;
    private readonly int _quantumShift;
    private WaitingRoom<T>? _room;                // none before the first request waits, or somebody listens

    /// <summary>Requests up to this size look into the thread's loaded magazine first; 0: there are none. Compared with size − 1, so that
    /// 0 is out of bounds.</summary>
    private readonly T _cachedMax;
    private readonly RangeStates<T>? _states;     // what frees of those are checked against; null: the caller is trusted
    private MagazineCache<T>[] _magazines = [];   // those of _caches, by class; none while the arena is recorded
    private MagazineCache<T>[] _returns = [];     // the same to return to; those of sizes that a handle holds take nothing

    /// <summary>Makes an arena without a span: add some, or let it import.</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="quantum">The unit of allocation (vmem_create's <c>quantum</c>); powers of two cost no division.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is 0, or an option makes no sense.</exception>
    public Arena(string name, T quantum, ArenaOptions<T>? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (T.IsZero(quantum))
        {
            throw new ArgumentException("The quantum must not be 0.", nameof(quantum));
        }

        options ??= s_defaults;
        Request<T>.CheckPolicy(options.Policy, nameof(options));
        if (options.ReuseDelay < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.ReuseDelay, "ReuseDelay must not be negative.");
        }

        options.CheckIndexed(quantum, nameof(options));
        T sourceQuantum = options.Source is null ? quantum : Importer<T>.CheckQuantum(options.Source.Quantum, quantum, nameof(options));
        _policy = options.Policy;
        _time = options.TimeProvider;
        _leaked = options.Leaked;
        _quantumShift = int.CreateTruncating(T.TrailingZeroCount(quantum));
        int classes = CachedSizes<T>.Count(options, quantum);
        _space = new Space<T>(name, quantum, options);
        if (classes > 0 && _space.MayCache)
        {
            _caches = new QuantumCaches<T>(_space, _policy, classes, options.TrustCaller, _time);
            _states = _caches.States;
            _space.Caches = _caches;
            _magazines = _caches.Magazines;
            _returns = _caches.Returns;
            _cachedMax = _caches.Max;
        }

        _importer = _space.Source is null ? null : new Importer<T>(_space, _space.Source!, sourceQuantum, options.MinImport,
            _caches?.SlabSize ?? T.Zero);
        ArenaList.Add(this, out _metered);
    }

    /// <summary>Makes an arena with a first span (vmem_create with <c>base</c> and <c>size</c>).</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <param name="quantum">The unit of allocation; powers of two cost no division.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The quantum is 0, an option makes no sense, or the span is empty, misaligned,
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
        Conclusion end = default;
        WaitQueue<T> waiters = default;
        ArenaLeak<T>? leak = null;
        ArenaRecorder<T>? recorder;
        WaitingRoom<T>? room;
        using (_space.VisitFrozen(evenEnded: true))
        {
            if (!_space.TryEnd())
            {
                return;
            }

            room = _room;
            end.Take(() => waiters = room?.FailAll() ?? default);
            end.Take(() => leak = _leaked is null && !VmemEvents.Log.Wants(VmemEvents.Keywords.Leaks) ? null : DescribeLeak());
            end.Take(() => _caches?.End());
            recorder = _space.Recorder;
            _space.SetRecorder(null);
        }

        Leave(ref end);
        room?.CompleteAll(waiters, ref end);
        _space.ReleaseImports(ref end);
        end.Take(_space, static space =>
        {
            using Visit<T> visit = space.VisitEvenEnded();
            space.ReleaseTables();
        });
        room?.NotifyListeners(ref end);
        end.Take(() => recorder?.End());
        if (leak is not null && VmemEvents.Log.Wants(VmemEvents.Keywords.Leaks))
        {
            VmemEvents.Log.ArenaLeaked(Name, double.CreateChecked(leak.Size), leak.Ranges);
        }

        if (leak is { } found && _leaked is not null)
        {
            end.Take(() => _leaked(found with { Report = _space.Auditor is null ? null : Census(evenEnded: true) }));
        }

        end.Throw();
    }

    /// <summary>Nobody calls an arena that has ended: no clock, no source, no list.</summary>
    private void Leave(ref Conclusion end)
    {
        end.Take(_space.EndRestTimer);
        end.Take(() => _caches?.Dispose());
        end.Take(_space.Leave);
        end.Take(() => ArenaMetrics.Arenas.Remove(_metered));
    }

    // The order in which a request is met; the first that succeeds ends it. Nothing else decides it. Calls that are common begin with the
    // first steps in line: the thread's loaded magazine, the depot, a good fit of the segments.
    private bool TryMeet(in Request<T> request, out Grant<T> grant)
    {
        bool mayBeDrained = true;
        return (Serves(request) ? _caches!.TryTake(request, out grant, out mayBeDrained)         // a slab, a new slab, segments
                : _space.TryTake(request, out grant))            // segments
            || TryMeetWithMore(request, out grant, mayBeDrained);
    }

    // The rest of the order, after what is at hand was found to have no place. An arena above asks for one pass at a time.
    private bool TryMeetWithMore(in Request<T> request, out Grant<T> grant, bool mayBeDrained = true)
    {
        if (_space.EndDueRests() && _space.TryTake(request, out grant))        // what rests no longer
        {
            return true;
        }

        if (_importer is null && !_space.Lends)
        {
            return (mayBeDrained && TryTakeDrained(request, out grant)) || TryTakeCutShort(request, out grant) || Fail(request, out grant);
        }

        grant = default;
        bool isThorough = request.Terms.Pass == ImportPass.Thorough;
        long releases = isThorough ? -1 : _space.Releases;
        return (!isThorough && TryTakeImported(request, out grant))         // the source, without the lock
            || (request.Terms.Pass != ImportPass.Gentle && (TryMeetThoroughly(request, releases, out grant) ||
                TryTakeCutShort(request, out grant) || Fail(request, out grant)));
    }

    // What is kept for speed goes back, here and above, and the source is asked to do the same.
    private bool TryMeetThoroughly(in Request<T> request, long releases, out Grant<T> grant)
    {
        grant = default;
        Recall? recall = _space.TryRecall();                 // what arenas above keep
        try
        {
            return TryTakeDrained(request, out grant)            // every magazine and slab, at one moment
                || (_importer is not null && _importer.MayHaveMore(releases) &&
                    _importer.TryTakeImported(request, ImportPass.Thorough, out grant));
        }
        finally
        {
            EndAttempt(ref grant, recall);
        }
    }

    // What rests for a time, if the options say so; and what the source can make of that.
    private bool TryTakeCutShort(in Request<T> request, out Grant<T> grant) =>
        _space.TryTakeCutShort(request, out grant, out bool hasCut)
            || (hasCut && _importer is not null && TryMeetThoroughly(request, releases: -1, out grant));

    private bool Serves(in Request<T> request) => _caches is not null && _caches.Serves(request);

    private bool TryTakeImported(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        if (_importer is null)
        {
            return false;
        }

        try
        {
            return (_caches is not null && _caches.WantsSlab(request) && (!_importer.TryAttachForSlab(request) ||
                    _caches.TryTake(request, out grant, out _)))           // else others took all of it
                ? !grant.IsEmpty : _importer.TryTakeImported(request, ImportPass.Gentle, out grant);
        }
        finally
        {
            EndAttempt(ref grant);
        }
    }

    private bool TryTakeDrained(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        return _caches is not null ? _caches.TryTakeDrained(request, out grant) : _space.Lends && _space.TryTake(request, out grant);
    }

    /// <summary>What follows when others were asked. If that throws, the caller will not learn of what it got, and it is taken
    /// back.</summary>
    private void EndAttempt(ref Grant<T> grant, Recall? recall = null)
    {
        Conclusion end = default;
        end.Take(recall, static recall => recall?.End());
        end.Take(_caches, static caches => caches?.AttendSource());
        try
        {
            end.Throw();
        }
        catch when (!grant.IsEmpty)
        {
            _space.Undo(ref grant);
            throw;
        }
    }

    private bool Fail(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        _space.NoteFailure(request.Size);
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
        RangeNote note = _space.NoteOf(constraints);
        return new Request<T>(new Placement<T>(size, constraints, Quantum, note.Kind), policy, kind, _space.Auditor?.Sign(call),
            note: note);
    }

    /// <summary>Where requests wait. Of two threads that make it, the first decides which it is.</summary>
    /// <remarks>A single-threaded arena above a shared source does not listen to it: it would be served on a thread that it was promised
    /// would not come. Its owner calls <see cref="RetryWaiters"/>.</remarks>
    private WaitingRoom<T> Room()
    {
        if (_room is null)
        {
            bool listens = _space.IsShared || _space.Source is ILoanSource { Borrowers.IsShared: false };
            WaitingRoom<T> room = new(this, listens ? _space.Source as INotifyingArenaSource<T> : null, _time);
            room.Open(_space);
            _room = (WaitingRoom<T>)_space.Tell(room);
        }

        return _room;
    }
}
