using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Quantum caches in front of the segments.
//
// A request of at most ArenaOptions.QuantumCacheMax is met, in this order, from the thread's magazines, the depot, a slab,
// a new slab, a segment of its own, an import; and before it fails, everything that any cache holds is given back to the segments and
// looked at again. So is any other request before it fails.
//
// Locks, always in this order: the one for the upkeep, which moves ranges from caches to segments bit by bit, so that none is under way
// unseen when another thread looks at the whole or is about to fail; the gates of the caches (all of them, frozen, for those who look at
// the whole); the arena's lock. An operation on one range never holds two of them, and sources are called with none.
public sealed partial class Arena<T> : IUpkeepTarget
{
    private readonly QuantumCaches<T>? _caches;
    private readonly Upkeep? _upkeep;
    private readonly Lock _tending = new();
    private readonly List<Magazine<T>>[] _spilled = [];         // by class; in use while somebody empties the caches, under the lock
    private readonly List<string> _faults = [];   // what came out of magazines and should not have been in them

    /// <summary>Requests up to this size meet what stands in front of the segments, caches or an audit; 0: nothing does. Compared with
    /// size − 1, so that 0 is out of bounds.</summary>
    private T _frontMax;
    private MagazineCache<T>[] _magazines = [];   // those of _caches, by class; none in an audited or recorded arena
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
        if (caches.TryTake(sizeClass, size, out start))
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
        if (!_caches!.TryReturn(sizeClass, start))
        {
            FreeBelow(start, RoundUp(size), sizeClass);
        }

        GC.KeepAlive(this);
    }
}
