using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Resting;
using Vmem.Space;

namespace Vmem;

// Freeing and resizing: vmem_free and vmem_xfree.
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

    /// <summary>Frees many ranges of one size: all of them, or, if one of them cannot be right, none. Ranges of a size that the quantum
    /// caches keep are freed one by one, as <see cref="Free(T, T)"/> does, up to the first that cannot be right.</summary>
    /// <param name="starts">The first value of each.</param>
    /// <param name="size">The length of each; anything that rounds to the same number of quanta as the request did.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">One is not allocated, has another size, appears twice, or was allocated by handle; nothing
    /// was changed, unless quantum caches keep the size: then those before it are free.</exception>
    /// <remarks>
    /// The cost of as many single frees, less the locking. First every range leaves the table of live segments, which finds any mistake, a
    /// double one included, and is undone if there is one; only then are they freed. What a source throws is thrown when all are free.
    /// </remarks>
    public void FreeMany(ReadOnlySpan<T> starts, T size)
    {
        if (size - T.One >= _cachedMax)
        {
            _space.FreeMany(starts, _space.RoundUp(size));
            return;
        }

        T rounded = _space.RoundUp(size);
        Conclusion end = default;
        foreach (T start in starts)
        {
            if (!TryReturnLoaded(start, size, out ThreadMagazines<T>? mine)
                && mine?.TryPutBack(new RangeGuard<T>(_states, ClassOf(size)), start) != true)
            {
                _caches!.Free(start, rounded, ref end);
            }
        }

        end.Throw();
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
}
