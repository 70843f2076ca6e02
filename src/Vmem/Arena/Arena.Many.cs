using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Many ranges of one size: batches, and all or none.
public sealed partial class Arena<T>
{
    /// <summary>Allocates as many ranges of one size as there is room for, up to the length of <paramref name="starts"/>, under the arena's
    /// policy.</summary>
    /// <param name="size">The length of each, in units; rounded up to the quantum.</param>
    /// <param name="starts">Receives the first value of each range.</param>
    /// <returns>How many were allocated; the rest of <paramref name="starts"/> is left as it was.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>The cost of as many single allocations, less the locking. If the call throws, because its source did or memory ended, none
    /// was allocated. Until it returns no other thread may write to <paramref name="starts"/>: it might be what is given back
    /// then.</remarks>
    public int TryAllocateMany(T size, Span<T> starts)
    {
        KeptCopy<T> mine = default;
        try
        {
            return TakeMany(size, starts, ref mine);
        }
        finally
        {
            mine.Dispose();
        }
    }

    /// <summary>Allocates many ranges of one size under the arena's policy; all of them or none, if so asked.</summary>
    /// <param name="size">The length of each, in units; rounded up to the quantum.</param>
    /// <param name="starts">Receives the first value of each range. What it holds after a call that returns 0 means nothing.</param>
    /// <param name="allOrNothing">Whether fewer than all are none: else see <see cref="TryAllocateMany(T, Span{T})"/>.</param>
    /// <returns>How many were allocated.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>The cost of as many single allocations, less the locking; as much again to give back what is not enough. Of an arena's own
    /// segments that is done under one lock: nobody sees it, and it does not count. Ranges of a size that quantum caches keep, and imports,
    /// are taken one by one; if there are too few, they are freed again, and count in the statistics.</remarks>
    public int TryAllocateMany(T size, Span<T> starts, bool allOrNothing)
    {
        if (!allOrNothing)
        {
            return TryAllocateMany(size, starts);
        }

        Request<T> request = Ask(_space.RoundUp(size), default, _policy, RequestKind.Segment, AuditCall.AllocateMany);
        bool isDone = size - T.One < _cachedMax ? TryTakeOneByOne(size, starts) : _space.TryTakeAll(request, starts);
        return isDone || TryTakeAllWithMore(request, starts) ? starts.Length : 0;
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

        GC.KeepAlive(this);
        end.Throw();
    }

    /// <summary>Frees many ranges by their handles: all of them, or, if one of them cannot be right, none.</summary>
    /// <param name="handles">The handles, of any sizes.</param>
    /// <exception cref="InvalidFreeException">One is the default one, stale, another arena's, or appears twice; nothing was
    /// changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for a copy of the handles; nothing was changed. Fewer at a time may
    /// do.</exception>
    /// <remarks>The cost of as many single frees, less the locking, and pooled memory for a copy of the handles.</remarks>
    public void FreeMany(ReadOnlySpan<RangeHandle<T>> handles) => _space.FreeMany(handles);

    /// <param name="size">The length of each.</param>
    /// <param name="starts">Receives them.</param>
    /// <param name="mine">Receives them, too, if there are fewer than were asked for.</param>
    private int TakeMany(T size, Span<T> starts, ref KeptCopy<T> mine)
    {
        int count = 0;
        try
        {
            if (size - T.One < _cachedMax)
            {
                while (count < starts.Length)
                {
                    if (!TryTakeLoaded(size, out T start))
                    {
                        mine.Keep(starts[..count], starts.Length);
                        if (!TryAllocateCached(size, _policy, out start))
                        {
                            break;
                        }
                    }

                    starts[count++] = start;
                }

                return count;
            }

            Request<T> request = Ask(_space.RoundUp(size), default, _policy, RequestKind.Segment, AuditCall.AllocateMany);
            _space.TakeMany(request, starts, ref count);
            while (count < starts.Length)
            {
                mine.Keep(starts[..count], starts.Length);
                if (!TryMeetWithMore(request, out Grant<T> grant))
                {
                    break;
                }

                starts[count++] = grant.Start;
                _space.TakeMany(request, starts, ref count);
            }
        }
        catch when (count > 0)
        {
            // The source threw: the caller will not learn how many there were.
            _space.Undo(mine.Items, _space.RoundUp(size));
            _space.Undo(starts[mine.Items.Length..count], _space.RoundUp(size));
            throw;
        }

        return count;
    }

    private bool TryTakeAllWithMore(in Request<T> request, Span<T> starts)
    {
        _ = _space.EndDueRests();
        _space.TryRecall()?.End();
        bool isAnswered = false;
        bool isDone = false;
        KeptCopy<T> mine = default;
        try
        {
            while (!isAnswered)
            {
                using Visit<T> visit = _caches is null ? _space.Visit() : _caches.VisitDrained(isOwnRelease: true);
                isAnswered = _space.TryTakeAllHeld(request, starts, out isDone);
                mine.Keep(isDone ? starts : [], starts.Length);
            }
        }
        catch when (isDone)
        {
            // The source would not have what the caches held: nobody will learn of these.
            _space.Undo(mine.Items, request.Size);
            _space.Undo(starts[mine.Items.Length..], request.Size);
            throw;
        }
        finally
        {
            mine.Dispose();
        }

        if (isDone || (_importer is not null && TryTakeOneByOne(request.Size, starts)))
        {
            return true;
        }

        _space.NoteFailure(request.Size);
        return false;
    }

    /// <summary>Where not all is to be had under one lock: what is taken is freed again if it is not enough.</summary>
    private bool TryTakeOneByOne(T size, Span<T> starts)
    {
        KeptCopy<T> mine = default;
        try
        {
            if (TakeMany(size, starts, ref mine) == starts.Length)
            {
                return true;
            }

            _space.TakeBackFailure();               // it is a part of one request
            if (size - T.One >= _cachedMax)
            {
                _space.FreeMany(mine.Items, _space.RoundUp(size), isTakenBack: true);
            }
            else
            {
                FreeMany(mine.Items, size);
            }

            return false;
        }
        finally
        {
            mine.Dispose();
        }
    }
}
