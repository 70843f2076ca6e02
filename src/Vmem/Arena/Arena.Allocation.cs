using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Allocating by address and by handle: vmem_alloc and vmem_xalloc.
public sealed partial class Arena<T>
{
    /// <summary>Allocates a range under the arena's policy (vmem_alloc with VM_NOSLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <returns>The first value of the range.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="ArenaExhaustedException">Nothing fits.</exception>
    /// <remarks>O(1) under instant fit, O(log n) otherwise.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Allocate(T size) => size - T.One < _cachedMax && TryTakeLoaded(size, out T start) ? start : AllocatePastMagazine(size);

    /// <summary>Allocates a range under the given policy.</summary>
    /// <inheritdoc cref="Allocate(T)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    public T Allocate(T size, FitPolicy policy)
    {
        if (!TryAllocate(size, policy, out T start))
        {
            ThrowExhausted(size, default);
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
        if (size - T.One < _cachedMax && TryTakeLoaded(size, out T loaded))
        {
            start = loaded;                       // a local of its own, so that it need not live in memory
            return true;
        }

        return TryAllocatePastMagazine(size, out start);
    }

    /// <summary>Allocates a range under the given policy, or returns false if nothing fits.</summary>
    /// <inheritdoc cref="TryAllocate(T, out T)" path="/*[self::returns or self::exception or self::remarks]"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="start">The first value of the range.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]     // as with handles; the caches' part would take what the JIT inlines at most
    public bool TryAllocate(T size, FitPolicy policy, out T start)
    {
        if (policy != FitPolicy.InstantFit)
        {
            Request<T>.CheckPolicy(policy);
        }

        if (size - T.One < _cachedMax)
        {
            return TryAllocateCached(size, policy, out start);
        }

        Space<T> space = _space;                  // a local: behind the lock the field would be read again
        size = space.RoundUp(size);
        return space.TryTake(size, policy, out start) || TryAllocateWithMore(size, policy, out start);
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
    /// <remarks>O(log n) when the indexes it needs are there. Best fit takes longer where few free segments of many have a place.</remarks>
    public T AllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy)
    {
        if (!TryAllocateConstrained(size, constraints, policy, out T start))
        {
            ThrowExhausted(size, constraints);
        }

        return start;
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy, or returns false if there is no such
    /// place.</summary>
    /// <inheritdoc cref="TryAllocateConstrained(T, in RangeConstraints{T}, FitPolicy, out T)"/>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, out T start) =>
        TryAllocateConstrained(size, constraints, _policy, out start);

    /// <summary>Allocates a range that satisfies constraints, under the given policy, or returns false if there is no such place.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="start">The first value of the range.</param>
    /// <returns>Whether there was a place.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the constraints contradict each other or the
    /// quantum.</exception>
    /// <remarks>O(log n) when the indexes it needs are there. Best fit takes longer where few free segments of many have a place.</remarks>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy, out T start)
    {
        bool met = TryMeet(Ask(_space.RoundUp(size), constraints, policy, RequestKind.Segment, AuditCall.AllocateConstrained),
            out Grant<T> grant);
        start = grant.Start;
        return met;
    }

    /// <summary>Allocates a range under the arena's policy, and returns a handle to it: the fastest way to free it again, and proof against
    /// stale frees.</summary>
    /// <inheritdoc cref="TryAllocateHandle(T, FitPolicy, out RangeHandle{T})"/>
    public bool TryAllocateHandle(T size, out RangeHandle<T> handle) => TryAllocateHandle(size, _policy, out handle);

    /// <summary>Allocates a range under the given policy, and returns a handle to it.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="handle">The range. Its default value is no allocation.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>
    /// O(1) under instant fit, O(log n) otherwise. The range is not entered into the table by which addresses are found:
    /// <see cref="Free(T, T)"/> and <see cref="TryGetSegment"/> know it all the same, but have to search.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]     // the space's part is inlined into it: callers need not carry that
    public bool TryAllocateHandle(T size, FitPolicy policy, out RangeHandle<T> handle)
    {
        if (policy != FitPolicy.InstantFit)
        {
            Request<T>.CheckPolicy(policy);
        }

        Space<T> space = _space;
        size = space.RoundUp(size);
        if (size - T.One < _cachedMax)            // not in line: the caches have to be told
        {
            return TryAllocateHandle(size, default, policy, out handle);
        }

        return space.TryTake(size, policy, out handle) || TryAllocateHandleWithMore(size, policy, out handle);
    }

    /// <summary>Allocates a range that satisfies constraints, under the given policy, and returns a handle to it.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="handle">The range. Its default value is no allocation.</param>
    /// <returns>Whether there was a place.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the constraints contradict each other or the
    /// quantum.</exception>
    /// <remarks>O(log n) when the indexes it needs are there. Best fit takes longer where few free segments of many have a place.</remarks>
    public bool TryAllocateHandle(T size, in RangeConstraints<T> constraints, FitPolicy policy, out RangeHandle<T> handle)
    {
        bool met = TryMeet(Ask(_space.RoundUp(size), constraints, policy, RequestKind.Handle, AuditCall.AllocateHandle),
            out Grant<T> grant);
        handle = grant.Handle;
        return met;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T AllocatePastMagazine(T size) => Allocate(size, _policy);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocatePastMagazine(T size, out T start) => TryAllocate(size, _policy, out start);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakeLoaded(T size, out T start)
    {
        int thread = ThreadNumber.Current;        // first: it is a call, and nothing is in registers yet
        MagazineCache<T>[] magazines = _magazines;
        int sizeClass = ClassOf(size);
        if ((uint)sizeClass < (uint)magazines.Length)
        {
            return magazines[sizeClass].TryTakeLoaded(thread, new RangeGuard<T>(_states, sizeClass), out start);
        }

        start = default;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ClassOf(T size) => int.CreateTruncating((size - T.One) >> _quantumShift);

    /// <summary>A request of a size that the caches keep.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateCached(T size, FitPolicy policy, out T start)
    {
        if (TryTakeLoaded(size, out start))
        {
            return true;
        }

        size = _space.RoundUp(size);
        if (_caches!.TryTake(size, out start))
        {
            if (AllocationSamples.IsOn)
            {
                _space.Sample(new Grant<T>(start, size));
            }

            GC.KeepAlive(this);
            return true;
        }

        bool met = TryMeet(new Request<T>(new Placement<T>(size, default, Quantum), policy, RequestKind.Range), out Grant<T> grant);
        start = grant.Start;
        return met;
    }

    /// <summary>A request that the segments could not meet.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateWithMore(T size, FitPolicy policy, out T start)
    {
        bool met = TryMeetWithMore(Ask(size, default, policy, RequestKind.Segment, AuditCall.Allocate), out Grant<T> grant);
        start = grant.Start;
        return met;
    }

    /// <summary>The same for a handle.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateHandleWithMore(T size, FitPolicy policy, out RangeHandle<T> handle)
    {
        bool met = TryMeetWithMore(Ask(size, default, policy, RequestKind.Handle, AuditCall.AllocateHandle), out Grant<T> grant);
        handle = grant.Handle;
        return met;
    }

    private void ThrowExhausted(T size, in RangeConstraints<T> constraints)
    {
        FitReport<T> report = Explain(size, constraints);
        T rounded = report.Size;
        string refusal = report.Fits ? "Room was found only after the request had failed."
            : report.Sentence + _importer?.WhyRefused(new Placement<T>(rounded, constraints, Quantum));
        throw _space.Exhausted(report, refusal);
    }
}
