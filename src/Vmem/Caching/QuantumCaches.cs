using System.Numerics;
using Vmem.Checks;
using Vmem.Lifetimes;
using Vmem.Ranges;
using Vmem.Recording;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>An arena's quantum caches: magazines over slabs, and slabs over segments (the paper's §4.4.4).</summary>
/// <remarks>
/// <para>
/// A request of at most <see cref="ArenaOptions{T}.QuantumCacheMax"/> is met from the thread's magazines, the depot, a slab, or a new slab,
/// in this order. Before any request fails, everything that the caches hold goes back to the segments (<see cref="TryTakeDrained"/>).
/// </para>
/// <para>
/// The upkeep gate is taken before the gates of the magazines and the arena's lock. The upkeep moves ranges from magazines to segments bit
/// by bit; with the gate none is under way unseen when another thread looks at the whole or is about to fail.
/// </para>
/// </remarks>
internal sealed partial class QuantumCaches<T> : ICachedRanges<T>, IUpkeepTarget, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly RangeSlabs<T> _slabs;
    private readonly RangeStates<T>? _states;
    private readonly TableKeeper _tables;
    private readonly RangeMagazines<T> _magazines;
    private readonly SlabLayer<T> _slabLayer;
    private readonly CacheDrain<T> _drain;
    private readonly CacheWatch<T> _watch;
    private readonly Gate _upkeepGate = new();
    private readonly Upkeep? _upkeep;
    private readonly int _quantumShift;
    private readonly Space<T> _space;
    private HandleMarks<T>? _handles;             // null until a handle holds a range of a cached size

    /// <param name="space">What is below.</param>
    /// <param name="policy">How slabs are placed.</param>
    /// <param name="classes">How many sizes are cached.</param>
    /// <param name="trustsCaller">Whether frees are not checked.</param>
    /// <param name="time">The clock of the upkeep.</param>
    public QuantumCaches(Space<T> space, FitPolicy policy, int classes, bool trustsCaller, TimeProvider time)
    {
        _space = space;
        _slabs = new RangeSlabs<T>(space.Map, space.Quantum, classes);
        _tables = new TableKeeper(space, _slabs);
        _states = trustsCaller ? null : new RangeStates<T>(space.Quantum, RangeSlabs<T>.SlabUnits(classes));
        _magazines = new RangeMagazines<T>(classes, _states, () => _upkeep?.Wake());
        _slabLayer = new SlabLayer<T>(space, _slabs, _states, policy, classes);
        _watch = new CacheWatch<T>(space);
        _drain = new CacheDrain<T>(space, _slabs, _slabLayer, _magazines, _watch);
        _quantumShift = int.CreateTruncating(T.Log2(space.Quantum));
        Max = _slabs.SizeOf(classes - 1);
        _upkeep = space.IsShared ? Upkeep.Start(this, time, callsOthers: space.Source is not null) : null;
    }

    /// <summary>The largest size that is cached.</summary>
    public T Max { get; }

    /// <summary>The size of a slab, which it is also aligned to.</summary>
    public T SlabSize => _slabs.SlabSize;

    /// <summary>The magazines to take from and return to without a call, by class. None if a class takes a division.</summary>
    public MagazineCache<T>[] Magazines => T.IsPow2(_space.Quantum) ? _magazines.All : [];

    /// <summary>The magazines to return to without a call, by class; none if a class takes a division.</summary>
    public MagazineCache<T>[] Returns => T.IsPow2(_space.Quantum) ? _magazines.Returns : [];

    /// <summary>What frees are checked against; null: the caller is trusted.</summary>
    public RangeStates<T>? States => _states;

    public long BookkeepingBytes => _slabs.Bytes + (_states?.Bytes ?? 0);

    /// <summary>Whether magazines or slabs may hold anything. Under the lock; else a hint.</summary>
    public bool MayHold => !T.IsZero(_slabs.Idle) || _magazines.MayHold;

    /// <summary>A range from the thread's other magazine, or with a full one from the depot.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    public bool TryTake(T size, out T start) => _magazines.TryTake(ClassOf(size), size, out start);

    /// <summary>Whether a request may be met by a range that the caches keep.</summary>
    public bool Serves(in Request<T> request) => request.Kind == RequestKind.Range && request.Size <= Max;

    /// <summary>A range from a slab or a new slab, or a segment of its own. Only for a request that the caches serve.</summary>
    /// <param name="request">The request.</param>
    /// <param name="grant">What was taken.</param>
    /// <param name="mayBeDrained">Whether caches may hold something; if not, nothing but an import can help.</param>
    public bool TryTake(in Request<T> request, out Grant<T> grant, out bool mayBeDrained)
    {
        using Visit<T> visit = _space.Visit();
        _space.Map.Reserve();
        mayBeDrained = true;
        int sizeClass = ClassOf(request.Size);
        if (_slabLayer.TryTake(sizeClass, request.Size, mayAdd: !_magazines[sizeClass].IsClosed, out T start))
        {
            _ = _states?.TryNote(start, sizeClass, _slabs.Count);
            grant = new Grant<T>(start, request.Size);
            return true;
        }

        if (_space.TryTakeHeld(request, out grant))
        {
            _ = _states?.TryNote(grant.Start, sizeClass, _slabs.Count);
            return true;
        }

        mayBeDrained = MayHold;
        return false;
    }

    /// <summary>Whether a request could be met by a slab, if there were room for one.</summary>
    public bool WantsSlab(in Request<T> request) => Serves(request) && !_magazines[ClassOf(request.Size)].IsClosed;

    /// <summary>The last resort of a request. False if nothing fits at a moment at which no cache holds anything.</summary>
    /// <remarks>If no cache may hold anything, the lock is that moment: none can be drained meanwhile. Else those that may are frozen, and
    /// the others must still hold nothing when the lock has been taken. The first way is for speed alone: requests that fail one after the
    /// other do not wait for an upkeep.</remarks>
    public bool TryTakeDrained(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        try
        {
            if (!MayHold)
            {
                using Visit<T> visit = _space.Visit(isOwnRelease: true);
                if (_space.TryTakeHeld(request, out grant) || !MayHold)
                {
                    return !grant.IsEmpty;
                }
            }

            using (Visit<T> visit = _space.VisitFilled(isOwnRelease: true))
            {
                if (!_magazines.MayHoldUnfrozen)
                {
                    return TryTakeDrainedHeld(request, out grant);
                }
            }

            using Visit<T> whole = _space.VisitFrozen(isOwnRelease: true);         // a cache has come to hold something meanwhile
            return TryTakeDrainedHeld(request, out grant);
        }
        catch when (!grant.IsEmpty)
        {
            // The source would not have an import back: the caller will not learn of what it got.
            _space.Undo(ref grant);
            throw;
        }
    }

    private bool TryTakeDrainedHeld(in Request<T> request, out Grant<T> grant)
    {
        if (_drain.CouldHelp(request.Size))
        {
            _ = _drain.Drain(evenIfShort: false);
            _magazines.Close();
            _watch.NoteShortage();
        }

        return _space.TryTakeHeld(request, out grant);
    }

    /// <summary>Takes the lock with everything frozen, and nothing in the caches.</summary>
    public Visit<T> VisitDrained(bool isOwnRelease) => Drained(_space.VisitFrozen(isOwnRelease));

    /// <summary>The same, but what is thrown when the lock has been given back is taken by <paramref name="end"/>.</summary>
    public Visit<T> VisitDrained(ref Conclusion end, bool isOwnRelease = false) => Drained(_space.VisitFrozen(ref end, isOwnRelease));

    private Visit<T> Drained(Visit<T> visit)
    {
        try
        {
            _ = _drain.Drain(evenIfShort: true);
            return visit;
        }
        catch
        {
            visit.Dispose();
            throw;
        }
    }

    /// <summary>Forgets all empty magazines.</summary>
    public void DropEmpty() => _magazines.DropEmpty();

    /// <summary>Makes a range of a cached size a segment of its own: it is to change its size. Frozen, and under the lock.</summary>
    /// <returns>False if there is no memory.</returns>
    /// <exception cref="InvalidFreeException">It lies in a magazine.</exception>
    public bool TryMakeSegment(T start, T size)
    {
        if (_magazines.Contains(start, ClassOf(size)))
        {
            throw AlreadyCached(start, size);
        }

        if (_states?.IsWithCaller(start, ClassOf(size)) == true)
        {
            _states.Forget(start);                // else there is no such range, which the segments will say
        }

        return _slabLayer.TryMakeSegment(start, ClassOf(size));
    }

    /// <summary>Other magazines take the place of these, recorded or not, which know the spans that drain. Frozen and drained.</summary>
    /// <param name="layer">What <see cref="CreateLayer"/> made.</param>
    public void MoveTo(MagazineLayer<T> layer) => _magazines.MoveTo(layer, _watch.IsOn, _space.Withheld.All);

    /// <summary>Magazines for <see cref="MoveTo"/>.</summary>
    public MagazineLayer<T> CreateLayer(ArenaRecorder<T>? recorder) => _magazines.CreateLayer(recorder);

    /// <inheritdoc/>
    public void Freeze(bool isWhole)
    {
        _upkeepGate.Enter();
        _magazines.Freeze(isWhole);
    }

    /// <inheritdoc/>
    public void Thaw()
    {
        _magazines.Thaw();
        _upkeepGate.Exit();
    }

    /// <inheritdoc/>
    public void CutUp(uint slab) => _slabLayer.CutUp(slab);

    /// <inheritdoc/>
    public void NoteDraining()
    {
        _magazines.SetWithheld(_space.Withheld.All);
        if (_handles is null || _space.Map.HandleSegments == 0)
        {
            _magazines.WatchNone();
        }
    }

    /// <inheritdoc/>
    public void WakeUpkeep() => _upkeep?.Wake();

    /// <inheritdoc/>
    public void SlabMoved(uint slab, uint tag) => _slabs.SetTag(slab, tag);

    /// <inheritdoc/>
    public T IdleOf(uint slab) => _slabs.IdleOf(slab);

    /// <inheritdoc/>
    public (T Start, T Size, bool IsOut) RangeAt(uint slab, T value) => _slabs.RangeAt(slab, value);

    /// <summary>Ends the caches. Frozen, and under the lock.</summary>
    public void End()
    {
        _magazines.End();
        _tables.End();
    }

    /// <summary>Ends the upkeep. Under no lock.</summary>
    public void Dispose() => _upkeep?.Dispose();

    private int ClassOf(T size) =>
        int.CreateTruncating(T.IsPow2(_space.Quantum) ? (size - T.One) >> _quantumShift : (size - T.One) / _space.Quantum);
}
