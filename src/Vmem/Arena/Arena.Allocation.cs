using System.Runtime.CompilerServices;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Allocating by address: vmem_alloc and vmem_xalloc.
public sealed partial class Arena<T>
{
    private T _peakLess1;                         // the most that was in use, less 1, so that "every value of the type" does not wrap
    private long _allocations;
    private long _failures;

    /// <summary>Allocates a range under the arena's policy (vmem_alloc with VM_NOSLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <returns>The first value of the range.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="ArenaExhaustedException">Nothing fits.</exception>
    /// <remarks>O(1) under instant fit, O(log n) otherwise.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Allocate(T size) => size - T.One < _frontMax && TryTakeLoaded(size, out T start) ? start : AllocateSlowly(size);

    /// <summary>Allocates a range under the given policy.</summary>
    /// <inheritdoc cref="Allocate(T)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    public T Allocate(T size, FitPolicy policy)
    {
        if (!TryAllocate(size, policy, out T start))
        {
            ThrowExhausted(RoundUp(size), default);
        }

        return start;
    }

    /// <summary>Allocates a range under the arena's policy, or returns false if nothing fits.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="start">The first value of the range.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>O(1) under instant fit, O(log n) otherwise.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(T size, out T start)
    {
        if (size - T.One < _frontMax && TryTakeLoaded(size, out T loaded))
        {
            start = loaded;                       // a local of its own, so that it need not live in memory
            return true;
        }

        return TryAllocateSlowly(size, out start);
    }

    /// <summary>Allocates a range under the given policy, or returns false if nothing fits.</summary>
    /// <inheritdoc cref="TryAllocate(T, out T)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="start">The first value of the range.</param>
    public bool TryAllocate(T size, FitPolicy policy, out T start)
    {
        if (policy != FitPolicy.InstantFit)
        {
            CheckPolicy(policy, nameof(policy));
        }

        if (size - T.One < _frontMax)
        {
            return TryTakeLoaded(size, out start) || TryAllocateInFront(size, policy, out start);
        }

        return TryAllocateBehind(RoundUp(size), policy, out start);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T AllocateSlowly(T size) => Allocate(size, _policy);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateSlowly(T size, out T start) => TryAllocate(size, _policy, out start);

    /// <summary>Allocates from the segments, past whatever stands in front of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryAllocateBehind(T size, FitPolicy policy, out T start)
    {
        EnterForChange();
        if (policy == FitPolicy.InstantFit && _sureFirst)
        {
            uint tag = _map.TakeSure(size, out start);
            if (tag != 0)
            {
                _map.Enlist(tag);
                NoteAllocation();
                Exit();
                return true;
            }
        }

        return TryAllocateInOrder(size, policy, byHandle: false, out start, out _);
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy (vmem_xalloc).</summary>
    /// <inheritdoc cref="AllocateConstrained(T, in RangeConstraints{T}, FitPolicy)"/>
    public T AllocateConstrained(T size, in RangeConstraints<T> constraints) => AllocateConstrained(size, constraints, _policy);

    /// <summary>Allocates a range that satisfies constraints, under the given policy (vmem_xalloc).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <returns>The first value of the range.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the constraints contradict each other or the
    /// quantum.</exception>
    /// <exception cref="ArenaExhaustedException">No place satisfies the constraints.</exception>
    /// <remarks>O(log n), and one step more for each free segment of the window that is long enough but badly placed.</remarks>
    public T AllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy)
    {
        if (!TryAllocateConstrained(size, constraints, policy, out T start))
        {
            ThrowExhausted(RoundUp(size), constraints);
        }

        return start;
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy, or returns false if there is no such
    /// place.</summary>
    /// <inheritdoc cref="TryAllocateConstrained(T, in RangeConstraints{T}, FitPolicy, out T)"/>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, out T start) => TryAllocateConstrained(size, constraints, _policy, out start);

    /// <summary>Allocates a range that satisfies constraints, under the given policy, or returns false if there is no such place.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="start">The first value of the range.</param>
    /// <returns>Whether there was a place.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the constraints contradict each other or the
    /// quantum.</exception>
    /// <remarks>O(log n), and one step more for each free segment of the window that is long enough but badly placed.</remarks>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy, out T start) =>
        TryAllocatePlaced(size, constraints, policy, byHandle: false, out start, out _);

    /// <summary>Whatever instant fit's common case does not cover: the other policies, and an arena that is full or imports. The lock is
    /// held, and is given back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateInOrder(T size, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        try
        {
            uint free = _map.Find(policy, size, out start);
            if (free != 0)
            {
                handle = Claim(free, start, size, policy, byHandle);
                return true;
            }

            if (_source is null && _caches is null)
            {
                handle = default;
                _failures++;
                return false;
            }
        }
        finally
        {
            Exit();
        }

        return TryClaimImporting(new Placement<T>(size, default, Quantum), default, policy, byHandle, out start, out handle);
    }

    /// <summary>A constrained request, for its address or for a handle.</summary>
    /// <param name="size">The request.</param>
    /// <param name="constraints">By value: the caller's variable may change between the check and the use.</param>
    /// <param name="policy">Which place is taken.</param>
    /// <param name="byHandle">Whether for a handle.</param>
    /// <param name="start">The place.</param>
    /// <param name="handle">The handle, if for one.</param>
    private bool TryAllocatePlaced(T size, RangeConstraints<T> constraints, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        size = RoundUp(size);
        CheckConstraints(size, constraints);
        CheckPolicy(policy, nameof(policy));
        return _audit is null
            ? TryAllocatePlacedBehind(size, constraints, policy, byHandle, out start, out handle)
            : TryAllocatePlacedSigned(size, constraints, policy, byHandle, out start, out handle);
    }

    /// <summary>A constrained request that is well formed.</summary>
    private bool TryAllocatePlacedBehind(T size, in RangeConstraints<T> constraints, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        var placement = new Placement<T>(size, constraints, Quantum);
        EnterForChange();
        try
        {
            if (TryClaim(placement, policy, byHandle, out start, out handle))
            {
                return true;
            }

            if (_source is null && _caches is null)
            {
                _failures++;
                return false;
            }
        }
        finally
        {
            Exit();
        }

        return TryClaimImporting(placement, constraints, policy, byHandle, out start, out handle);
    }

    /// <summary>Finds a place and takes it, for its address or for a handle. The lock is held.</summary>
    private bool TryClaim(in Placement<T> placement, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        uint free = _map.FindConstrained(policy, placement, out start);
        handle = free == 0 ? default : Claim(free, start, placement.Size, policy, byHandle);
        return free != 0;
    }

    /// <summary>Takes a place that was found, for its address or for a handle; the handle is the default one in the first case. The lock is
    /// held.</summary>
    private RangeHandle<T> Claim(uint free, T start, T size, FitPolicy policy, bool byHandle)
    {
        if (!_map.HasReserve)
        {
            _map.Reserve();                       // a span that was just attached has used some
        }

        if (_audit is not null)
        {
            return ClaimAudited(free, start, size, policy, byHandle);
        }

        uint tag = Take(free, start, size, policy);
        if (byHandle)
        {
            return new RangeHandle<T>(start, size, tag, _map.Bind(tag));
        }

        _map.Enlist(tag);
        return default;
    }

    /// <summary>Allocates part of a free segment, and counts it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Take(uint free, T start, T size, FitPolicy policy)
    {
        if (_noted)
        {
            NoteTaken(free, start, size);
        }

        uint tag = _map.Carve(free, start, size);
        if (policy == FitPolicy.NextFit)
        {
            _map.SetRotor(start + size);
        }

        NoteAllocation();
        return tag;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteAllocation()
    {
        _allocations++;
        NotePeak();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NotePeak()
    {
        T inUseLess1 = _map.InUse - _idlePlus1;
        if (inUseLess1 > _peakLess1)
        {
            _peakLess1 = inUseLess1;
        }
    }
}
