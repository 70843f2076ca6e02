using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Lending;
using Vmem.Lifetimes;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Recording;
using Vmem.Resting;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>All of an arena that changes under its lock: the segments, what is imported, the counts, and what follows a change.</summary>
/// <remarks>
/// <para>
/// A stay under the lock is a <see cref="Visit{T}"/>. Three operations have none, because nothing can follow them: the good fit of an
/// allocation by address or by handle, and a free that has no <see cref="Sequel"/>. These also have no <c>finally</c>. Once the reserve is
/// there nothing in them throws, and locals that no handler can see stay in registers.
/// </para>
/// <para>
/// Locks are taken in this order: the upkeep gate of the caches, the gates of their magazines, this lock. Sources, watchers and streams are
/// called with none of them held.
/// </para>
/// <para>This type does not know what stands in front of it or above it: see <see cref="ICachedRanges{T}"/> and
/// <see cref="IWatcher{T}"/>.</para>
/// </remarks>
internal sealed partial class Space<T> : IBorrower
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly bool _isShared;
    private readonly T _quantumMask;              // all bits if the quantum is no power of two: then every size goes the long way
    private readonly ImportLedger<T>? _imports;
    private readonly TableKeeper _tables;
    private readonly ArenaOptions<T> _options;
    private IWatcher<T>? _watcher;
    private ArenaLock _lock;
    private Sequel _sequel;
    private bool _mayTakeGoodFit;                 // nothing has to be told of what is taken, and no empty import would be used up
    private bool _hasEnded;
    private bool _isSampled;                      // somebody wants to see some of the allocations
    private bool _isAging;                        // the upkeep of the caches knows of empty imports
    private Aftermath<T> _aftermath;              // of the visit under way
    private Tally<T> _tally = new();
    private long _removals;
    private Rests<T>? _rests;                     // none before anything rests

    /// <summary>Makes a space without a span.</summary>
    /// <param name="name">The arena's name, for messages.</param>
    /// <param name="quantum">The unit of allocation.</param>
    /// <param name="options">The arena's options.</param>
    public Space(string name, T quantum, ArenaOptions<T> options)
    {
        Name = name;
        Quantum = quantum;
        _quantumMask = T.IsPow2(quantum) ? quantum - T.One : T.MaxValue;
        _isShared = !options.SingleThreaded;
        _options = options;
        Auditor = options.Audit ? new Auditor<T>(options.TimeProvider) : null;
        _imports = options.Source is null ? null : Join(options.Source);
        _sequel = (Source is null ? Sequel.None : Sequel.Imports) | (Auditor is null ? Sequel.None : Sequel.Audit) |
            (options.ReuseDelay == TimeSpan.Zero ? Sequel.None : Sequel.Rest);
        if (!T.IsZero(options.KindGranularity) && !T.IsPow2(options.KindGranularity))
        {
            throw new ArgumentException($"KindGranularity must be a power of two, and {options.KindGranularity} is none.", nameof(options));
        }

        KindGranularity = options.KindGranularity;
        IsTagged = options.Tagged;
        Map = new SegmentMap<T>(quantum, IsTagged || HasKinds, KindGranularity) { RandomSeed = options.RandomSeed };
        _tables = new TableKeeper(this, Map);
        if (options.Policy == FitPolicy.OldestFit)
        {
            Map.KeepFreedOrder();
        }

        if (options.KeepIndexes)
        {
            Map.KeepIndexes(options.Policy, options.IndexedAlignments);
        }

        _isSampled = _isShared && AllocationSamples.IsOn;
        UpdateGoodFit();
    }

    public string Name { get; }

    public T Quantum { get; }

    /// <summary>Whether ranges have tags.</summary>
    public bool IsTagged { get; }

    /// <summary>Whether ranges of different kinds keep clear of each other.</summary>
    public bool HasKinds => !T.IsZero(KindGranularity);

    /// <summary>The page that ranges of different kinds do not share; 0: they may share any.</summary>
    public T KindGranularity { get; }

    /// <summary>The most that there may be, spans and imports together; 0: no limit.</summary>
    public T Limit => _options.Limit;

    /// <summary>Where spans come from; null: nowhere. What somebody else wrote is seen through a <see cref="SharedSource{T}"/>.</summary>
    public IArenaSource<T>? Source => _imports?.Source;

    /// <summary>The same as the options named it.</summary>
    public IArenaSource<T>? NamedSource => _options.Source;

    /// <summary>Who wants to know of what is revoked.</summary>
    public Action<ArenaRevocation<T>>? Revoked => _options.Revoked;

    public SegmentMap<T> Map { get; }

    /// <summary>Keeps who allocated and who freed; null if nobody does.</summary>
    public Auditor<T>? Auditor { get; }

    /// <summary>The quantum caches in front of the segments; null: there are none.</summary>
    public ICachedRanges<T>? Caches { get; set; }

    /// <summary>Whether ranges may go through quantum caches. Not in an audited arena, so that each mistake is found at once; not where a
    /// free must rest; and not where something is kept about each range: a cached one has no place for it.</summary>
    public bool MayCache => Auditor is null && !DelaysReuse && Map.Notes is null;

    private bool DelaysReuse => (_sequel & Sequel.Rest) != 0;

    private FreeCheck<T> Check => new(this);

    /// <summary>Whether more than one thread may come.</summary>
    public bool IsShared => _isShared;

    /// <summary>Whether the arena has been disposed.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded);

    /// <summary>Whether a request waits, here or above. A hint where the lock is not held.</summary>
    public bool IsWatched => ((Sequel)Volatile.Read(ref Unsafe.As<Sequel, byte>(ref _sequel)) & Sequel.Watchers) != 0;

    /// <summary>Whether the visit under way has left nothing to do.</summary>
    public bool HasNothingToFollow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _aftermath.IsNothing;
    }

    /// <summary>Takes the lock to read figures, and changes nothing: a collector of metrics may read a single-threaded arena, which has no
    /// lock, while it works.</summary>
    public void BeginReading() => EnterRaw();

    /// <summary>Ends <see cref="BeginReading"/>.</summary>
    public void EndReading() => Exit();

    /// <summary>Asserts that the current thread holds the lock. A single-threaded arena has none.</summary>
    [Conditional("DEBUG")]
    public void AssertHeld()
    {
        if (_isShared)
        {
            _lock.AssertHeld();
        }
    }

    /// <summary>Asserts that the current thread does not hold the lock: others are called.</summary>
    [Conditional("DEBUG")]
    public void AssertNotHeld()
    {
        if (_isShared)
        {
            _lock.AssertNotHeld();
        }
    }

    /// <summary>There is somebody to be told of room that comes and goes. Of several, the first one counts.</summary>
    /// <returns>Who is told.</returns>
    public IWatcher<T> Tell(IWatcher<T> watcher) => Interlocked.CompareExchange(ref _watcher, watcher, null) ?? watcher;

    /// <summary>Whether anybody waits or listens has changed. The lock is held.</summary>
    public void SetWatched(bool isWatched)
    {
        AssertHeld();
        _sequel = isWatched ? _sequel | Sequel.Watchers : _sequel & ~Sequel.Watchers;
    }

    /// <summary>The arena ends: whoever comes from now on is refused. The lock is held.</summary>
    /// <returns>False if it has ended already.</returns>
    public bool TryEnd()
    {
        AssertHeld();
        return !_hasEnded && (_hasEnded = true);
    }

    /// <summary>Gives the tables back, after <see cref="TryEnd"/>. The lock is held.</summary>
    public void ReleaseTables()
    {
        AssertHeld();
        _tables.End();
        _rests?.Release();
    }

    /// <summary>A request that nothing could meet has failed. Under no lock.</summary>
    public void NoteFailure(T size)
    {
        _tally.NoteFailure(1);
        if (VmemEvents.Log.Wants(VmemEvents.Keywords.Failures))
        {
            VmemEvents.Log.AllocationFailed(Name, double.CreateChecked(size));
        }
    }

    /// <summary>A request that was counted as failed waits instead, or was a part of another.</summary>
    public void TakeBackFailure() => _tally.NoteFailure(-1);

    /// <summary>A single-threaded arena does not join a shared source: it would be asked on a thread that it was promised would not
    /// come.</summary>
    private ImportLedger<T> Join(IArenaSource<T> source)
    {
        IArenaSource<T> seen = _isShared && _options.SharesSource && source is not ILoanSource ? SharedSource<T>.Of(source) : source;
        bool joins = seen is ILoanSource { Borrowers.IsShared: var isShared } && (_isShared || !isShared);
        return new ImportLedger<T>(seen, _options.RetainedImport, joins ? new Membership(((ILoanSource)seen).Borrowers) : null, this);
    }

    private void UpdateGoodFit() =>
        _mayTakeGoodFit = (_sequel & (Sequel.Audit | Sequel.Recording)) == 0 && (_imports is null || _imports.EmptySpans == 0) &&
            !Map.IsAllFree && Map.Notes is null && !_isSampled;
}
