using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Resting;
using Vmem.Space;

namespace Vmem;

// Freeing and resizing: vmem_free and vmem_xfree; and freeing later, after a time, or when whoever may still use the range has done.
public sealed partial class Arena<T>
{
    /// <summary>Frees a range (vmem_free).</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated; nothing was changed. Not found of a size that quantum caches
    /// keep where <see cref="ArenaOptions{T}.TrustCaller"/> is set.</exception>
    /// <remarks>O(1), and O(log n) more for each index that the arena keeps. The range is coalesced with its free neighbours at once,
    /// unless a quantum cache keeps it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(T start, T size)
    {
        if (size - T.One >= _cachedMax)
        {
            FreeSegment(start, size);
        }
        else if (!TryReturnLoaded(start, size, out ThreadMagazines<T>? mine))
        {
            FreePastMagazine(start, size, mine);
        }
    }

    /// <summary>Frees a range that was allocated under constraints (vmem_xfree).</summary>
    /// <inheritdoc cref="Free(T, T)"/>
    public void FreeConstrained(T start, T size)
    {
        size = _space.RoundUp(size);
        _caches?.ForgetFreed(start, size);
        _space.Free(start, size, AuditCall.FreeConstrained);
    }

    /// <summary>Frees a range by its handle.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <remarks>O(1), without a look-up by address, and O(log n) more for each index that the arena keeps.</remarks>
    public void Free(in RangeHandle<T> handle)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        _space.Free(mine);
    }

    /// <summary>Makes an allocated range longer or shorter without moving it.</summary>
    /// <param name="start">The first value of the range.</param>
    /// <param name="oldSize">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="newSize">The length it shall have, rounded up to the quantum.</param>
    /// <returns>False, and nothing is changed, if what follows the range is not free, too short, or beside another kind. Shrinking
    /// succeeds, unless there is no memory for the boundary tag of what becomes free, or for its rest.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated.</exception>
    /// <remarks>O(1), and O(log n) more for each index that the arena keeps. A handle to the range stays good, though its
    /// <see cref="RangeHandle{T}.Size"/> does not follow. A range of a size that quantum caches keep becomes a segment of its own first,
    /// for which the caches of all threads stand still.</remarks>
    public bool TryExtend(T start, T oldSize, T newSize)
    {
        oldSize = _space.RoundUp(oldSize, nameof(oldSize));
        newSize = _space.RoundUp(newSize, nameof(newSize));
        return TryResize(start, oldSize, newSize, isDrained: false) ||
            (_caches is not null && newSize > oldSize && TryResize(start, oldSize, newSize, isDrained: true)) ||
            (_space.EndDueRests() && TryResize(start, oldSize, newSize, isDrained: _caches is not null));
    }

    /// <summary>Makes a range that a handle holds longer or shorter without moving it.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave, or an earlier call of this one.</param>
    /// <param name="newSize">The length it shall have, rounded up to the quantum.</param>
    /// <param name="extended">The same handle with its size as it is afterwards. The given one stays good, though its
    /// <see cref="RangeHandle{T}.Size"/> does not follow; a free by either ends both.</param>
    /// <returns>False, and nothing is changed, if what follows the range is not free, too short, or beside another kind. Shrinking
    /// succeeds, unless there is no memory for the boundary tag of what becomes free, or for its rest.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's.</exception>
    /// <remarks>O(1), without a look-up by address, and O(log n) more for each index that the arena keeps.</remarks>
    public bool TryExtend(in RangeHandle<T> handle, T newSize, out RangeHandle<T> extended)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        newSize = _space.RoundUp(newSize, nameof(newSize));
        bool done = TryResize(mine, newSize, isDrained: false) || (_caches is not null && TryResize(mine, newSize, isDrained: true)) ||
            (_space.EndDueRests() && TryResize(mine, newSize, isDrained: _caches is not null));
        extended = done ? new RangeHandle<T>(mine.Start, newSize, mine.Tag, mine.Generation) : mine;
        return done;
    }

    private bool TryResize(in RangeHandle<T> handle, T newSize, bool isDrained)
    {
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Extend);
        RestUntil until = _space.UntilReuse;
        Conclusion nobodys = default;
        bool? done = null;
        while (done is null)
        {
            using Visit<T> visit = isDrained ? _caches!.VisitDrained(ref nobodys) : _space.Visit(ref nobodys);
            done = _space.TryResize(handle, newSize, until, site);
        }

        nobodys.Take(_space, static space => space.SetRestTimer());
        nobodys.ThrowOwnFault();
        return done.Value;
    }

    /// <param name="start">The first value of the range.</param>
    /// <param name="oldSize">Its length, rounded.</param>
    /// <param name="newSize">The length it shall have, rounded.</param>
    /// <param name="isDrained">Whether the caches are drained first: what follows the range may lie in one.</param>
    private bool TryResize(T start, T oldSize, T newSize, bool isDrained)
    {
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Extend);
        RestUntil until = _space.UntilReuse;
        bool isCached = oldSize - T.One < _cachedMax;
        Conclusion nobodys = default;
        bool? done = null;
        while (done is null)
        {
            using Visit<T> visit = isDrained ? _caches!.VisitDrained(ref nobodys) : isCached ? _space.VisitFrozen(ref nobodys)
                : _space.Visit(ref nobodys);
            done = isCached && !_caches!.TryMakeSegment(start, oldSize) ? false
                : _space.TryResize(start, oldSize, newSize, until, site);
        }

        nobodys.Take(_space, static space => space.SetRestTimer());
        nobodys.ThrowOwnFault();
        return done.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReturnLoaded(T start, T size, out ThreadMagazines<T>? mine)
    {
        int thread = ThreadNumber.Current;
        MagazineCache<T>[] magazines = _returns;
        int sizeClass = ClassOf(size);
        mine = (uint)sizeClass < (uint)magazines.Length ? magazines[sizeClass].Of(thread) : null;
        return mine is not null && mine.TryPush(new RangeGuard<T>(_states, sizeClass), start);
    }

    /// <summary>While others wait, a thread puts back what it has just taken: a method of its own, without the frame of the rest.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreePastMagazine(T start, T size, ThreadMagazines<T>? mine)
    {
        if (mine is null || !mine.TryPutBack(new RangeGuard<T>(_states, ClassOf(size)), start))
        {
            FreeCached(start, size);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeCached(T start, T size)
    {
        _caches!.Free(start, _space.RoundUp(size));
        GC.KeepAlive(this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSegment(T start, T size)
    {
        Space<T> space = _space;
        space.Free(start, space.RoundUp(size));
    }

    /// <summary>Frees a range for its caller now, and for others after a delay: until then it <em>rests</em>.</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="delay">How long it rests; 0: not at all. Whatever <see cref="ArenaOptions{T}.ReuseDelay"/> says.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows; or the delay is negative, as an infinite one
    /// is: what has no known end rests for a fence.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated, or it rests already; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>
    /// <para>
    /// What rests is neither free nor in use (<see cref="ArenaStatistics{T}.Resting"/>, <see cref="SegmentKind.Resting"/>): no request gets
    /// it, its span cannot be removed and does not go back to its source, and freeing it again is an error. When the arena is disposed, it
    /// is no leak. Requests that wait get it when the time has come, by a timer of <see cref="ArenaOptions{T}.TimeProvider"/>,
    /// whose precision is that of the rest. Rests end in the order of their ends. While the timer is set it keeps the arena alive.
    /// </para>
    /// <para>
    /// A single-threaded arena has no timer. Rests whose time has come end there at the next request that fails without them, and at every
    /// call that looks at the arena, which they also do in an arena whose timer is late.
    /// </para>
    /// <para>
    /// O(1) if no range rests longer by then, else O(log n) in those that rest; so is the end, which costs what a free does beside. In an
    /// arena with quantum caches a range of a cached size becomes a segment of its own first, for which the caches of all threads stand
    /// still. No managed memory after the first call.
    /// </para>
    /// </remarks>
    public void FreeAfter(T start, T size, TimeSpan delay) =>
        _space.Rest(start, _space.RoundUp(size), _space.UntilAfter(delay), AuditCall.FreeAfter);

    /// <summary>The same for a range that a handle holds. The handle is stale from now on.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <param name="delay">How long it rests.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>As <see cref="FreeAfter(T, T, TimeSpan)"/>, without a look-up by address.</remarks>
    public void FreeAfter(in RangeHandle<T> handle, TimeSpan delay)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        _space.Rest(mine, _space.UntilAfter(delay), AuditCall.FreeAfter);
    }

    /// <summary>Frees a range for its caller now, and for others when a fence is completed: until then it <em>rests</em>.</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="fence">The number of a frame, an epoch, or a point of a timeline. One that is completed already frees at once.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated, or it rests already; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>
    /// As <see cref="FreeAfter(T, T, TimeSpan)"/>, but it takes <see cref="CompleteFence"/> to end the rest; no time does, nor does
    /// <see cref="ArenaOptions{T}.CutRestsShort"/>. Fences may be said in any order: O(1) if none that a range rests for is higher, else
    /// O(log n). A request that waits for such a range waits until somebody completes the fence.
    /// </remarks>
    public void FreeAt(T start, T size, ulong fence) =>
        _space.Rest(start, _space.RoundUp(size), _space.UntilFence(fence), AuditCall.FreeAt);

    /// <summary>The same for a range that a handle holds. The handle is stale from now on.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <param name="fence">The fence that ends the rest.</param>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>As <see cref="FreeAt(T, T, ulong)"/>, without a look-up by address.</remarks>
    public void FreeAt(in RangeHandle<T> handle, ulong fence)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        _space.Rest(mine, _space.UntilFence(fence), AuditCall.FreeAt);
    }

    /// <summary>Says that a fence, and every lower one, is completed: what rests for them becomes free, the lowest fence first, and of one
    /// fence what was freed first.</summary>
    /// <param name="fence">The fence. A lower one than that of an earlier call changes nothing.</param>
    /// <remarks>The cost of as many frees, in steps between which others come. Requests that wait are served.</remarks>
    public void CompleteFence(ulong fence) => _space.CompleteFence(fence);
}
