using System.Numerics;
using Vmem.Checks;
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
internal sealed class QuantumCaches<T> : ICachedRanges<T>, IUpkeepTarget, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly RangeSlabs<T> _slabs;
    private readonly RangeMagazines<T> _magazines;
    private readonly SlabLayer<T> _slabLayer;
    private readonly CacheDrain<T> _drain;
    private readonly Lock _upkeepGate = new();
    private readonly Upkeep? _upkeep;
    private readonly int _quantumShift;
    private readonly Space<T> _space;
    private volatile bool _isSuspendedForSource;

    public QuantumCaches(Space<T> space, FitPolicy policy, int classes, TimeProvider time)
    {
        _space = space;
        _slabs = new RangeSlabs<T>(space.Map, space.Quantum, classes);
        _magazines = new RangeMagazines<T>(space.Quantum, classes);
        _slabLayer = new SlabLayer<T>(space, _slabs, policy, classes);
        _drain = new CacheDrain<T>(space, _slabs, _slabLayer, _magazines);
        _quantumShift = int.CreateTruncating(T.TrailingZeroCount(space.Quantum));
        Max = _slabs.SizeOf(classes - 1);
        _upkeep = space.IsShared ? Upkeep.Start(this, time) : null;
    }

    /// <summary>The largest size that is cached.</summary>
    public T Max { get; }

    /// <summary>The size of a slab, which it is also aligned to.</summary>
    public T SlabSize => _slabs.SlabSize;

    /// <summary>What a new slab needs.</summary>
    public Placement<T> SlabPlacement => _slabLayer.Placement;

    /// <summary>The magazines to take from and return to without a call, by class.</summary>
    public MagazineCache<T>[] Magazines => _magazines.All;

    public long BookkeepingBytes => _slabs.Bytes;

    /// <summary>Whether magazines or slabs may hold anything. Under the lock; else a hint.</summary>
    public bool MayHold => !T.IsZero(_slabs.Idle) || _magazines.MayHold;

    /// <summary>A range from the thread's other magazine, or with a full one from the depot.</summary>
    /// <returns>False if there is none: it must come from below.</returns>
    public bool TryTake(T size, out T start) => _magazines.TryTake(ClassOf(size), size, out start);

    /// <summary>Whether a request may be met by a range that the caches keep.</summary>
    public bool Serves(in Request<T> request) => request.Kind == RequestKind.Range && request.Size <= Max;

    /// <summary>A range from a slab or a new slab, or a segment of its own. Only for a request that the caches serve.</summary>
    public bool TryTake(in Request<T> request, out Grant<T> grant)
    {
        using Visit<T> visit = _space.Visit();
        _space.Map.Reserve();
        if (_slabLayer.TryTake(ClassOf(request.Size), request.Size, mayAdd: !_magazines.IsSuspended, out T start))
        {
            grant = new Grant<T>(start, request.Size);
            return true;
        }

        return _space.TryTakeHeld(request, out grant);
    }

    /// <summary>Whether a request could be met by a slab, if there were room for one.</summary>
    public bool WantsSlab(in Request<T> request) => Serves(request) && !_magazines.IsSuspended;

    /// <summary>The last resort of a request. False if nothing fits at a moment at which no cache holds anything.</summary>
    public bool TryTakeDrained(in Request<T> request, out Grant<T> grant)
    {
        grant = default;
        try
        {
            using Visit<T> visit = _space.VisitFrozen(isOwnRelease: true);
            if (_drain.CouldHelp(request.Size))
            {
                _ = _drain.Drain();
            }

            return _space.TryTakeHeld(request, out grant);
        }
        catch when (!grant.IsEmpty)
        {
            _space.TakeBack(grant);               // the source would not have an import back: the caller will not learn of what it got
            throw;
        }
    }

    /// <summary>Frees a range after the thread's loaded magazine had no room for it.</summary>
    public void Free(T start, T size)
    {
        int sizeClass = ClassOf(size);
        if (_magazines.TryReturn(sizeClass, start))
        {
            return;
        }

        using (Visit<T> visit = _space.Visit())
        {
            _space.Map.Reserve();
            if (!_slabLayer.TryReturn(start, size, sizeClass, isFree: true))
            {
                _space.CheckFree(start, size);
            }

            if (_magazines.IsSuspended)
            {
                _slabLayer.Dissolve();
            }
        }

        ResumeForSource();
    }

    /// <summary>Gives everything that the caches hold back to the segments, and imports that are empty then to the source.</summary>
    /// <param name="released">How much went back to the source.</param>
    /// <returns>How much the caches held.</returns>
    public T Drain(out T released)
    {
        Aftermath<T> aftermath = default;
        T cached;
        try
        {
            using Visit<T> visit = _space.VisitFrozen(ref aftermath);
            cached = _drain.Drain();
        }
        finally
        {
            released = _space.Settle(aftermath, isOwnRelease: true);
        }

        return cached;
    }

    /// <summary>Takes the lock with everything frozen, and nothing in the caches.</summary>
    public Visit<T> VisitDrained(bool isOwnRelease)
    {
        Visit<T> visit = _space.VisitFrozen(isOwnRelease);
        try
        {
            _ = _drain.Drain();
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
    /// <exception cref="InvalidFreeException">It lies in a magazine.</exception>
    public void MakeSegment(T start, T size)
    {
        if (size > Max)
        {
            return;
        }

        if (_magazines.Contains(start, ClassOf(size)))
        {
            throw _space.WrongFree(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a quantum cache.");
        }

        _slabLayer.MakeSegment(start, ClassOf(size));
    }

    /// <summary>From now until <see cref="Resume"/> the caches hold nothing and keep nothing: every free reaches the segments. Calls nest.
    /// Not to be called under the lock.</summary>
    public void Suspend()
    {
        _magazines.Suspend();
        try
        {
            _ = Drain(out _);
        }
        catch (ObjectDisposedException) when (_space.HasEnded)
        {
            // The requests that wait are told so in another place.
        }
        catch
        {
            _magazines.Resume();
            throw;
        }
    }

    /// <summary>Ends one <see cref="Suspend"/>.</summary>
    public void Resume() => _magazines.Resume();

    /// <inheritdoc/>
    public void GiveBack()
    {
        AttendSource();
        if (MayHold)
        {
            _ = Drain(out _);
        }
    }

    /// <summary>While somebody waits for room in the source, nothing is cached, until a free finds that nobody does any more. Whoever comes
    /// to wait asks those who had imports by then; who imports later calls this. Not to be called under the lock.</summary>
    public void AttendSource()
    {
        if (!_space.IsWanted || Interlocked.Exchange(ref _isSuspendedForSource, true))
        {
            return;
        }

        try
        {
            Suspend();
        }
        catch
        {
            _isSuspendedForSource = false;
            throw;
        }
    }

    private void ResumeForSource()
    {
        if (_isSuspendedForSource && !_space.IsWanted && Interlocked.Exchange(ref _isSuspendedForSource, false))
        {
            Resume();
        }
    }

    /// <summary>Other magazines take the place of these, recorded or not. Frozen and drained.</summary>
    /// <param name="layer">What <see cref="CreateLayer"/> made.</param>
    public void MoveTo(MagazineLayer<T> layer) => _magazines.MoveTo(layer);

    /// <summary>Magazines for <see cref="MoveTo"/>.</summary>
    public MagazineLayer<T> CreateLayer(ArenaRecorder<T>? recorder) => _magazines.CreateLayer(recorder);

    /// <inheritdoc/>
    public void Freeze()
    {
        _upkeepGate.Enter();
        try
        {
            _magazines.Freeze();
        }
        catch
        {
            _upkeepGate.Exit();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Thaw()
    {
        _magazines.Thaw();
        _upkeepGate.Exit();
    }

    /// <inheritdoc/>
    public (T Start, T Size, bool IsOut) RangeAt(uint slab, T value) => _slabs.RangeAt(slab, value);

    /// <summary>What the magazines hold and have done. Frozen.</summary>
    public MagazineTotals<T> Count() => _magazines.Count();

    /// <summary>The ranges that callers hold: segments, those of slabs that are out instead of the slabs, less what lies in magazines.
    /// Frozen, and under the lock.</summary>
    public long LiveRanges(in MagazineTotals<T> totals) => _space.Map.LiveSegments - _slabs.Count + _slabs.RangesOut - totals.Ranges;

    /// <summary>What callers see: a slab is the ranges in it, and what lies in a cache is nobody's. Frozen, and under the lock.</summary>
    public CallersView<T> View() => new(_space, _slabs, _magazines, Max);

    /// <summary>Every invariant of the magazines and the slabs, and that what magazines hold is allocated. Frozen, and under the
    /// lock.</summary>
    public void Validate()
    {
        _slabs.Validate();
        _magazines.Validate();
        foreach ((T start, int sizeClass) in _magazines.Contents())
        {
            uint slab = _slabs.Find(start);
            uint tag = _space.Map.Locate(start, buildIndex: false);
            bool isKnown = (slab != 0 && _slabs.IsOut(slab, start, sizeClass)) ||
                (tag != 0 && _space.Map.SlabOf(tag) == 0 &&
                    _space.Map.GetSegment(tag) == new Segment<T>(start, _slabs.SizeOf(sizeClass), SegmentKind.Allocated));
            Invariant.Hold(isKnown, "what a magazine holds is allocated", $"{_slabs.SizeOf(sizeClass)} at {start} is not: it was freed wrongly; ArenaOptions.Audit finds by whom");
        }

        Invariant.Hold(_space.Idle == _slabs.Idle, "the arena knows what slabs hold idle", $"{_space.Idle}, and {_slabs.Idle}");
        _drain.Validate();
    }

    /// <summary>Ends the caches. Frozen, and under the lock.</summary>
    public void End()
    {
        _magazines.End();
        _slabs.Dispose();
    }

    /// <summary>Ends the upkeep. Under no lock.</summary>
    public void Dispose() => _upkeep?.Dispose();

    /// <inheritdoc/>
    void IUpkeepTarget.EndInterval() => _drain.KeepUp(_upkeepGate, static (magazines, spilled) => magazines.Tick(spilled));

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure() => _drain.KeepUp(_upkeepGate, static (magazines, spilled) => magazines.DrainDepot(spilled));

    private int ClassOf(T size) => int.CreateTruncating((size - T.One) >> _quantumShift);
}
