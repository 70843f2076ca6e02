using System.Numerics;
using System.Runtime.InteropServices;
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
/// Then all caches are emptied at one moment. The magazines of all threads stand still and the lock is held while they go into their slabs,
/// the slabs are dissolved, and the segments are looked at. So the answer is that of one moment, and what it costs is bounded by what was
/// cached. Rejected: to empty bit by bit and to look then, as others may have put something back meanwhile; to repeat that until nothing
/// comes back may take for ever beside busy threads.
/// </para>
/// <para>
/// The upkeep gate is taken before the gates of the magazines and the arena's lock. The upkeep moves ranges from magazines to segments bit
/// by bit; with the gate none is under way unseen when another thread looks at the whole or is about to fail.
/// </para>
/// </remarks>
internal sealed class QuantumCaches<T> : ICachedRanges<T>, IUpkeepTarget, IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many of the things that went wrong are kept. Arbitrary: the first tells most.</summary>
    private const int MostFaults = 16;

    private readonly RangeSlabs<T> _slabs;
    private readonly RangeMagazines<T> _magazines;
    private readonly SlabLayer<T> _slabLayer;
    private readonly List<Magazine<T>>[] _spilled;              // by class; in use while the caches are drained
    private readonly List<string> _faults = [];   // what came out of magazines and should not have been in them
    private readonly Lock _upkeepGate = new();
    private readonly Upkeep? _upkeep;
    private readonly int _quantumShift;
    private readonly Space<T> _space;

    public QuantumCaches(Space<T> space, FitPolicy policy, int classes, TimeProvider time)
    {
        _space = space;
        _slabs = new RangeSlabs<T>(space.Map, space.Quantum, classes);
        _magazines = new RangeMagazines<T>(space.Quantum, classes);
        _slabLayer = new SlabLayer<T>(space, _slabs, policy, classes);
        _spilled = [.. _magazines.All.Select(static _ => new List<Magazine<T>>())];
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

    /// <summary>How many sizes are cached.</summary>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    public static int CountClasses(ArenaOptions<T> options, T quantum)
    {
        if (T.IsZero(options.QuantumCacheMax))
        {
            return 0;
        }

        if (options.Policy == FitPolicy.NextFit)
        {
            throw new ArgumentException("Next fit hands out a freed range as late as it can, a quantum cache as soon as it can: choose one of the two.", nameof(options));
        }

        T classes = (options.QuantumCacheMax - T.One) / quantum;
        if (classes >= T.CreateTruncating(RangeSlabs<T>.MaxClasses))
        {
            throw new ArgumentException($"QuantumCacheMax can be at most {RangeSlabs<T>.MaxClasses} quanta of {quantum}, and {options.QuantumCacheMax} is more.", nameof(options));
        }

        int count = int.CreateTruncating(classes) + 1;
        if (T.MaxValue / quantum < T.CreateSaturating(RangeSlabs<T>.SlabUnits(count)))
        {
            throw new ArgumentException($"A slab of the quantum caches would be {RangeSlabs<T>.SlabUnits(count)} quanta of {quantum}, which is more than {typeof(T).Name} holds.", nameof(options));
        }

        return count;
    }

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
            if (CouldHelp(request.Size))
            {
                Drain();
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

        using Visit<T> visit = _space.Visit();
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
            cached = Drain();
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
            _ = Drain();
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
        Invariant.Hold(_faults.Count == 0, "what comes back from the caches is in order", $"{string.Join("; ", _faults)}");
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
    void IUpkeepTarget.EndInterval() => KeepUp(static (magazines, spilled) => magazines.Tick(spilled));

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure() => KeepUp(static (magazines, spilled) => magazines.DrainDepot(spilled));

    private int ClassOf(T size) => int.CreateTruncating((size - T.One) >> _quantumShift);

    /// <summary>Whether a request might fit if the caches were empty. What is too large for any span, or for all that nobody holds, is no
    /// reason to take threads' magazines from them, unless the source could make one large import of many small ones. Frozen.</summary>
    private bool CouldHelp(T size)
    {
        T cached = CachedUnits();
        T free = Space<T>.Saturate(_space.Map.TotalSize - _space.Map.InUse, _space.Map.FreeSegments);
        return !T.IsZero(cached) && (_space.Source is not null ||
            (size <= _space.Map.LargestSpan && (free >= size || cached >= size - free)));
    }

    /// <summary>What magazines and slabs hold; never 0 while they hold anything. Frozen.</summary>
    private T CachedUnits()
    {
        MagazineTotals<T> totals = Count();
        T idle = _slabs.Idle;
        return Space<T>.Saturate(totals.Units + idle, totals.Ranges + (T.IsZero(idle) ? 0 : 1));
    }

    /// <summary>Gives everything that caches hold back to the segments. Frozen, and under the lock.</summary>
    /// <returns>How much that was.</returns>
    private T Drain()
    {
        T cached = CachedUnits();
        if (!T.IsZero(cached))
        {
            _space.NoteRoom();
        }

        try
        {
            for (int sizeClass = 0; sizeClass < _magazines.Classes; sizeClass++)
            {
                _magazines[sizeClass].Drain(_spilled[sizeClass]);
                foreach (ref Magazine<T> magazine in CollectionsMarshal.AsSpan(_spilled[sizeClass]))
                {
                    ReturnToSlabs(ref magazine, sizeClass);
                }
            }

            _slabLayer.Dissolve();
            return cached;
        }
        finally
        {
            // Emptied, unless memory ran out on the way.
            for (int sizeClass = 0; sizeClass < _magazines.Classes; sizeClass++)
            {
                _magazines[sizeClass].PutBack(_spilled[sizeClass]);
                _spilled[sizeClass].Clear();
            }
        }
    }

    /// <summary>Empties a magazine into slabs and segments. The lock is held.</summary>
    private void ReturnToSlabs(ref Magazine<T> magazine, int sizeClass)
    {
        T size = _slabs.SizeOf(sizeClass);
        for (int rounds = magazine.Rounds; rounds > 0; rounds--)
        {
            _space.Map.Reserve();
            T start = magazine.Items[rounds - 1];
            magazine = magazine with { Rounds = rounds - 1 };
            if (!_slabLayer.TryReturn(start, size, sizeClass, isFree: false))
            {
                NoteFault($"{size} at {start} was freed, and is not allocated: it was freed twice, or with a wrong size");
            }
        }
    }

    private void NoteFault(string fault)
    {
        lock (_faults)
        {
            if (_faults.Count < MostFaults)
            {
                _faults.Add(fault);
            }
        }
    }

    /// <summary>Takes what is too much out of each cache. Nobody is there to be told of an error: a source that throws is reported by
    /// <see cref="Validate"/>, and an arena that has been disposed meanwhile is none.</summary>
    private void KeepUp(Action<MagazineCache<T>, List<Magazine<T>>> collect)
    {
        try
        {
            Aftermath<T> aftermath = default;
            try
            {
                for (int sizeClass = 0; sizeClass < _magazines.Classes; sizeClass++)
                {
                    lock (_upkeepGate)
                    {
                        List<Magazine<T>> spilled = [];
                        collect(_magazines[sizeClass], spilled);
                        ReturnToSlabs(spilled, sizeClass, ref aftermath);
                    }
                }
            }
            finally
            {
                _ = _space.Settle(aftermath, isOwnRelease: false);
            }
        }
        catch (ObjectDisposedException) when (_space.HasEnded)
        {
        }
#pragma warning disable CA1031 // There is nobody to throw it at.
        catch (Exception e)
#pragma warning restore CA1031
        {
            NoteFault($"the upkeep of the caches failed: {e.Message}");
        }
    }

    /// <summary>Empties magazines one by one, so that others get at the lock in between.</summary>
    private void ReturnToSlabs(List<Magazine<T>> magazines, int sizeClass, ref Aftermath<T> aftermath)
    {
        try
        {
            for (int i = 0; i < magazines.Count; i++)
            {
                using Visit<T> visit = _space.Visit(ref aftermath);
                ReturnToSlabs(ref CollectionsMarshal.AsSpan(magazines)[i], sizeClass);
            }
        }
        finally
        {
            _magazines[sizeClass].PutBack(magazines);
        }
    }
}
