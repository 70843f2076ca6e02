using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Segments;

namespace Vmem;

/// <summary>Quantum caches in front of the segments.</summary>
/// <remarks>
/// <para>
/// A request of at most <see cref="ArenaOptions{T}.QuantumCacheMax"/> is met, in this order, from the thread's magazines, the depot, a slab,
/// a new slab, a segment of its own, an import; and before it fails, everything that any cache holds is given back to the segments and
/// looked at again. So is any other request before it fails.
/// </para>
/// <para>
/// Locks, always in this order: the one for those who move ranges from caches to segments, so that none is under way unseen when another
/// thread looks at the whole or is about to fail; the gates of the caches (all of them, frozen, for those who look at the whole); the
/// arena's lock. Nobody goes from a magazine to a slab with a gate in hand, and sources are called with none of the three.
/// </para>
/// </remarks>
public sealed partial class Arena<T> : IUpkeepTarget
{
    private readonly QuantumCaches<T>? _caches;
    private readonly Upkeep? _upkeep;
    private readonly Lock _emptying = new();
    private readonly List<Magazine<T>>[] _spilled = [];         // by class; in use while somebody is emptying
    private readonly List<string> _faults = [];   // what came out of magazines and should not have been in them

    /// <summary>Requests up to this size meet what stands in front of the segments, caches or an audit; 0: nothing does. Compared with size − 1, so that 0 is
    /// out of bounds.</summary>
    private T _frontMax;
    private readonly MagazineCache<T>[] _magazines = [];        // those of _caches, by class; none in an audited arena
    private readonly int _quantumShift;
    private T _idlePlus1 = T.One;                 // what slabs hold and nobody does, plus 1: see NotePeak

    /// <summary>How many sizes are cached.</summary>
    private static int CountClasses(ArenaOptions<T> options, T quantum)
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakeLoaded(T size, out T start)
    {
        int thread = ThreadNumber.Current;        // first: it is a call, and nothing is in registers yet
        MagazineCache<T>[] magazines = _magazines;
        int sizeClass = ClassOf(size);
        if ((uint)sizeClass < (uint)magazines.Length)
        {
            return magazines[sizeClass].TryTakeLoaded(thread, out start);
        }

        start = default;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReturnLoaded(T start, T size)
    {
        int thread = ThreadNumber.Current;
        MagazineCache<T>[] magazines = _magazines;
        int sizeClass = ClassOf(size);
        return (uint)sizeClass < (uint)magazines.Length && magazines[sizeClass].TryReturnLoaded(thread, start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ClassOf(T size) => int.CreateTruncating((size - T.One) >> _quantumShift);

    /// <summary>A request that the thread's loaded magazine could not meet.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateInFront(T size, FitPolicy policy, out T start)
    {
        if (_audit is not null)
        {
            return TryAllocateSigned(RoundUp(size), policy, out start);
        }

        int sizeClass = ClassOf(size);
        size = RoundUp(size);
        QuantumCaches<T> caches = _caches!;
        if (caches[sizeClass].TryTake(out start))
        {
            GC.KeepAlive(this);
            return true;
        }

        if (TryTakeBelow(sizeClass, size, policy, out start))
        {
            return true;
        }

        T slab = caches.Slabs.SlabSize;
        var aligned = new RangeConstraints<T> { Align = slab };
        return (_source is not null && !caches.IsSuspended && TryImportFor(new Placement<T>(slab, aligned, Quantum), aligned) && TryTakeBelow(sizeClass, size, policy, out start)) ||
            TryAllocateBehind(size, policy, out start);
    }

    /// <summary>A range that the thread's loaded magazine had no room for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeInFront(T start, T size)
    {
        if (_audit is not null)
        {
            FreeSigned(start, RoundUp(size), AuditCall.Free);
            return;
        }

        int sizeClass = ClassOf(size);
        if (!_caches![sizeClass].TryReturn(start))
        {
            FreeBelow(start, RoundUp(size), sizeClass);
        }

        GC.KeepAlive(this);
    }

    /// <summary>A range from a slab, or a segment of its own; what the arena has now, without an import.</summary>
    private bool TryTakeBelow(int sizeClass, T size, FitPolicy policy, out T start)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        EnterForChange();
        try
        {
            if (slabs.TryTake(sizeClass, out start) || (!_caches.IsSuspended && TryAddSlab(sizeClass) && slabs.TryTake(sizeClass, out start)))
            {
                NoteIdle();
                NoteAllocation();
                return true;
            }

            uint free = _map.Find(policy, size, out start);
            if (free == 0)
            {
                return false;
            }

            _ = Claim(free, start, size, policy, byHandle: false);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    private bool TryAddSlab(int sizeClass)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        T length = slabs.LengthOf(sizeClass);
        uint free = _policy == FitPolicy.InstantFit
            ? _map.FindAligned(length, slabs.SlabSize, out T start)
            : _map.FindConstrained(_policy, new Placement<T>(length, new RangeConstraints<T> { Align = slabs.SlabSize }, Quantum), out start);
        if (free == 0)
        {
            return false;
        }

        slabs.Reserve();
        if (_source is not null)
        {
            NoteImportUsed(free);
        }

        uint tag = _map.Carve(free, start, length);
        _map.Enlist(tag);
        slabs.Add(tag, start, sizeClass);
        return true;
    }

    /// <summary>Frees a range of a cached size past the magazines: into its slab, or as the segment that it is.</summary>
    private void FreeBelow(T start, T size, int sizeClass)
    {
        List<Segment<T>>? releases = null;
        Enter();
        try
        {
            _map.Reserve();
            if (!TryPutBelow(start, size, sizeClass, ref releases))
            {
                _ = FindUnlisted(start, size);
            }

            if (_caches!.IsSuspended)
            {
                Dissolve(ref releases);
            }
        }
        finally
        {
            Exit();
            ReleaseAndServe(releases);
        }
    }

    /// <summary>Puts a range into its slab, or frees the segment that it is. The lock is held; the map has its reserve.</summary>
    /// <returns>False, and nothing is changed, if there is no such range.</returns>
    private bool TryPutBelow(T start, T size, int sizeClass, ref List<Segment<T>>? releases)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        uint slab = slabs.Find(start);
        uint tag;
        if (slab != 0 && slabs.IsOut(slab, start, sizeClass))
        {
            bool empty = slabs.Put(slab, start);
            tag = empty ? Delist(slabs.Remove(slab)) : 0;
            NoteIdle();
        }
        else
        {
            tag = _map.FindLive(start);
            tag = tag == 0 ? TakeFromHandle(start, size) : _map.SlabOf(tag) != 0 ? 0 : _map.Delist(start, size);
            if (tag == 0)
            {
                return false;
            }
        }

        if (tag != 0)
        {
            FreeDelisted(tag, ref releases);
        }

        return true;
    }

    /// <summary>A range that was allocated by handle may be freed by address, too.</summary>
    private uint TakeFromHandle(T start, T size)
    {
        uint tag = _map.Locate(start, buildIndex: false);
        if (tag == 0 || !_map.IsByHandle(tag) || _map.GetSegment(tag) != new Segment<T>(start, size, SegmentKind.Allocated))
        {
            return 0;
        }

        _map.Unbind(tag);
        return tag;
    }

    private uint Delist(uint tag)
    {
        Segment<T> segment = _map.GetSegment(tag);
        return _map.Delist(segment.Start, segment.Size);
    }

    /// <summary>Makes segments of all slabs that have a range to give. The lock is held.</summary>
    private void Dissolve(ref List<Segment<T>>? releases)
    {
        RangeSlabs<T> slabs = _caches!.Slabs;
        for (int sizeClass = 0; sizeClass < _caches.Classes; sizeClass++)
        {
            for (uint slab = slabs.First(sizeClass); slab != 0; slab = slabs.First(sizeClass))
            {
                _ = Cut(slab, ref releases);
            }
        }
    }

    /// <summary>Cuts the last range off a slab: it becomes a segment of its own if it is out, else free space. The lock is held.</summary>
    /// <returns>False if the slab is gone.</returns>
    private bool Cut(uint slab, ref List<Segment<T>>? releases)
    {
        _map.Reserve();
        bool remains = _caches!.Slabs.Cut(slab, out uint freed);
        NoteIdle();
        if (freed != 0)
        {
            FreeDelisted(freed, ref releases);
        }

        return remains;
    }

    /// <summary>A range that is to change its size must be a segment of its own. The lock is held.</summary>
    private void LeaveSlab(T start, T size, ref List<Segment<T>>? releases)
    {
        uint slab = _caches is not null && size - T.One < _frontMax ? _caches.Slabs.Find(start) : 0;
        bool remains = slab != 0 && _caches!.Slabs.IsOut(slab, start, ClassOf(size));
        while (remains)
        {
            remains = Cut(slab, ref releases);
        }
    }

    /// <summary>Gives everything that caches hold back to the segments.</summary>
    /// <returns>How much that was, in units.</returns>
    private T EmptyCaches() => EmptyCaches(out _);

    /// <summary>Gives everything that caches hold back to the segments, and imports that are empty then to the source.</summary>
    /// <param name="released">How much went back to the source.</param>
    /// <returns>How much the caches held.</returns>
    private T EmptyCaches(out T released)
    {
        released = T.Zero;
        if (_caches is null)
        {
            return T.Zero;
        }

        T cached = T.Zero;
        List<Segment<T>>? releases = null;
        try
        {
            lock (_emptying)
            {
                _caches.Drain(_spilled);
                Enter();
                cached = _caches.Slabs.Idle;
                Exit();
                int sizeClass = 0;
                try
                {
                    for (; sizeClass < _spilled.Length; sizeClass++)
                    {
                        cached += PutBelow(_spilled[sizeClass], sizeClass, ref releases);
                    }
                }
                finally
                {
                    for (sizeClass++; sizeClass < _spilled.Length; sizeClass++)
                    {
                        _caches[sizeClass].PutBack(_spilled[sizeClass]);
                        _spilled[sizeClass].Clear();
                    }
                }

                Enter();
                try
                {
                    Dissolve(ref releases);
                    cached -= _caches.Slabs.Idle;
                }
                finally
                {
                    Exit();
                }
            }
        }
        finally
        {
            if (releases is not null)
            {
                foreach (Segment<T> span in releases)
                {
                    released += span.Size;
                }
            }

            if (!T.IsZero(cached) || releases is not null)
            {
                ReleaseAndServe(releases, echo: true);
            }
        }

        return cached;
    }

    /// <summary>
    /// The last resort of a request: the caches are emptied and the segments looked at, until there is a moment at which nothing fits and no
    /// cache holds anything.
    /// </summary>
    private bool TryClaimFromCaches(in Placement<T> placement, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        while (true)
        {
            _ = EmptyCaches();
            EnterFrozen();
            try
            {
                _map.Reserve();
                if (TryClaim(placement, policy, byHandle, out start, out handle))
                {
                    return true;
                }

                if (_caches!.Count().Ranges == 0 && T.IsZero(_caches.Slabs.Idle))
                {
                    return false;
                }
            }
            finally
            {
                ExitFrozen();
            }
        }
    }

    /// <summary>Empties magazines of one size into slabs and segments, and gives them back to the cache: empty, unless memory ran out on
    /// the way.</summary>
    /// <returns>How much there was, in units.</returns>
    private T PutBelow(List<Magazine<T>> magazines, int sizeClass, ref List<Segment<T>>? releases)
    {
        T held = T.Zero;
        try
        {
            for (int i = 0; i < magazines.Count; i++)
            {
                Enter();
                try
                {
                    held += _map.InUse - _caches!.Slabs.Idle;
                    PutBelow(ref CollectionsMarshal.AsSpan(magazines)[i], sizeClass, ref releases);
                    held -= _map.InUse - _caches.Slabs.Idle;
                }
                finally
                {
                    Exit();
                }
            }
        }
        finally
        {
            _caches![sizeClass].PutBack(magazines);
            magazines.Clear();
        }

        return held;
    }

    /// <summary>Empties a magazine. The lock is held.</summary>
    private void PutBelow(ref Magazine<T> magazine, int sizeClass, ref List<Segment<T>>? releases)
    {
        T size = _caches!.Slabs.SizeOf(sizeClass);
        for (int rounds = magazine.Rounds; rounds > 0; rounds--)
        {
            _map.Reserve();
            T start = magazine.Items[rounds - 1];
            magazine = magazine with { Rounds = rounds - 1 };
            if (!TryPutBelow(start, size, sizeClass, ref releases))
            {
                NoteFault($"{size} at {start} was freed, and is not allocated: it was freed twice, or with a wrong size");
            }
        }
    }

    private void NoteFault(string fault)
    {
        lock (_faults)
        {
            _faults.Add(fault);
        }
    }

    /// <summary>What follows when ranges have left the caches: imports that are empty go back, and those who wait are served. Not to be
    /// called under the lock.</summary>
    private void ReleaseAndServe(List<Segment<T>>? releases, bool echo = false)
    {
        try
        {
            ReleaseAll(releases);
        }
        finally
        {
            if (Volatile.Read(ref _followed))
            {
                RoomMayHaveCome(echo);
            }
        }
    }

    /// <summary>From now until <see cref="ResumeCaches"/> the caches hold nothing and keep nothing: every free reaches the segments. Calls
    /// nest. Not to be called under the lock.</summary>
    private void SuspendCaches()
    {
        if (_caches is null)
        {
            return;
        }

        _caches.Suspend();
        try
        {
            _ = EmptyCaches();
        }
        catch (ObjectDisposedException) when (_disposed)
        {
            // Whoever waits will be told so in another place.
        }
    }

    /// <summary>Ends one <see cref="SuspendCaches"/>.</summary>
    private void ResumeCaches() => _caches?.Resume();

    /// <inheritdoc/>
    void IUpkeepTarget.EndInterval() => Tend(static (arena, sizeClass) =>
    {
        var spilled = new List<Magazine<T>>();
        arena._caches![sizeClass].Tick(spilled);
        return spilled;
    });

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure() => Tend(static (arena, sizeClass) =>
    {
        var spilled = new List<Magazine<T>>();
        arena._caches![sizeClass].DrainDepot(spilled);
        return spilled;
    });

    /// <summary>Nobody is there to be told of an error: a source that throws is reported by <see cref="Validate"/>, and an arena that has
    /// been disposed meanwhile is none.</summary>
    private void Tend(Func<Arena<T>, int, List<Magazine<T>>> collect)
    {
        try
        {
            List<Segment<T>>? releases = null;
            try
            {
                for (int sizeClass = 0; sizeClass < _caches!.Classes; sizeClass++)
                {
                    lock (_emptying)
                    {
                        _ = PutBelow(collect(this, sizeClass), sizeClass, ref releases);
                    }
                }
            }
            finally
            {
                ReleaseAndServe(releases);
            }
        }
        catch (ObjectDisposedException) when (_disposed)
        {
        }
        catch (Exception e)
        {
            NoteFault($"the upkeep of the caches failed: {e.Message}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteIdle() => _idlePlus1 = _caches!.Slabs.Idle + T.One;
}
