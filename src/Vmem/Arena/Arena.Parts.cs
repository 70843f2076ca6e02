using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Resting;
using Vmem.Space;

namespace Vmem;

// Parts of allocated ranges; moving them; and freeing without a size, or many handles.
public sealed partial class Arena<T>
{
    /// <summary>Frees the range that begins at a value, whatever its size.</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <exception cref="InvalidFreeException">No allocated range begins there; nothing was changed.</exception>
    /// <remarks>
    /// A look-up and a free, each under the lock. <see cref="Free(T, T)"/> is faster, and finds a wrong size, too.
    /// O(1) for a range that was allocated by address; else as <see cref="TryGetSegment"/>. A range of a size that quantum caches keep is
    /// found in its slab, so a value at which none of its ranges begins is refused. What lies in a magazine, freed already, is refused,
    /// too, unless <see cref="ArenaOptions{T}.TrustCaller"/> is set.
    /// </remarks>
    public void Free(T start)
    {
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Free);
        T size;
        bool isFound;
        do
        {
            using Visit<T> visit = _space.Visit();
            isFound = _space.TryFindSize(start, site, out size);
        }
        while (!isFound);
        Free(start, size);
    }

    /// <summary>Whether an allocated range begins at a value: whether <see cref="Free(T)"/> would be right.</summary>
    /// <param name="start">The value.</param>
    /// <returns>False also for a value inside a range, and for what lies in a quantum cache.</returns>
    /// <remarks>As <see cref="TryGetSegment"/>, which also tells what holds a value.</remarks>
    public bool IsAllocated(T start) =>
        TryGetSegment(start, out Segment<T> segment) && segment.Kind == SegmentKind.Allocated && segment.Start == start;

    /// <summary>Makes two ranges of an allocated one, each to be freed by itself. Nothing is moved.</summary>
    /// <param name="start">The first value of the range.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="at">The first value of the second range: a multiple of the quantum, inside the range.</param>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or <paramref name="at"/> is no multiple of the quantum
    /// or not inside.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for another boundary tag; nothing was changed.</exception>
    /// <remarks>O(1) for a range that was allocated by address; else as <see cref="TryGetSegment"/>. The second counts as an allocation. A
    /// handle stays with the first range, and the second is freed by address. A range of a size that quantum caches keep becomes a segment
    /// of its own first, for which the caches of all threads stand still. There is no joining: two ranges that touch stay two.</remarks>
    public void Split(T start, T size, T at)
    {
        size = _space.RoundUp(size);
        if (!Multiples<T>.Has(at, Quantum) || at <= start || at - start >= size)
        {
            throw new ArgumentException($"A range is split at a multiple of the quantum {Quantum} inside it, and {at} is none of {size} at {start}.", nameof(at));
        }

        AuditSite? site = _space.Auditor?.Sign(AuditCall.Split);
        Conclusion nobodys = default;
        for (bool isDone = false; !isDone;)
        {
            using Visit<T> visit = VisitRange(start, size, ref nobodys);
            isDone = _space.TrySplit(start, size, at, site);
        }

        nobodys.ThrowOwnFault();
    }

    /// <summary>Frees a part of an allocated range: its beginning, its end, or something in between. What is left of it on either side is
    /// an allocated range of its own.</summary>
    /// <param name="start">The first value of the range.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="partStart">The first value that is freed, a multiple of the quantum.</param>
    /// <param name="partSize">How much is freed; rounded up to the quantum.</param>
    /// <exception cref="ArgumentException">A size is 0 or its rounding overflows, or the part begins at no multiple of the quantum or is
    /// not inside the range.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for another boundary tag; nothing was changed.</exception>
    /// <remarks>One step: nobody sees it half done. As <see cref="Split"/>, of which it counts as one for each side that is left, and a
    /// free. A handle stays with what begins at its start; if that is freed, it is stale, and the rest is freed by address. In an audited
    /// arena either call may have allocated the range.</remarks>
    public void FreePart(T start, T size, T partStart, T partSize)
    {
        size = _space.RoundUp(size);
        partSize = _space.RoundUp(partSize, nameof(partSize));
        if (!Multiples<T>.Has(partStart, Quantum) || partStart < start || partStart - start >= size ||
            partSize > size - (partStart - start))
        {
            throw new ArgumentException($"A part begins at a multiple of the quantum {Quantum} and lies inside its range: {partSize} at {partStart} is no part of {size} at {start}.", nameof(partStart));
        }

        AuditSite? site = _space.Auditor?.Sign(AuditCall.FreePart);
        RestUntil until = _space.UntilReuse;
        Conclusion nobodys = default;
        for (bool isDone = false; !isDone;)
        {
            using Visit<T> visit = VisitRange(start, size, ref nobodys);
            isDone = _space.TryFreePart(start, size, partStart, partSize, until, site);
        }

        nobodys.Take(_space, static space => space.SetRestTimer());
        nobodys.ThrowOwnFault();
    }

    /// <summary>Gives an allocated range another place, in one step: nobody else gets the old one before, or sees neither. Moving the
    /// content is the caller's business.</summary>
    /// <param name="start">The first value of the range.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="newStart">The first value that it shall have, a multiple of the quantum. The places may overlap.</param>
    /// <returns>False, and nothing is changed, if the new place is not free, the range itself aside, or lies beside another kind.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the new place begins at no multiple of the quantum
    /// or reaches past the top of the type.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for another boundary tag; nothing was changed.</exception>
    /// <remarks>Both places are looked up as in <see cref="TryAllocateAt"/>; nothing is imported, and what arenas above keep is not asked
    /// for. Counts neither as an allocation nor as a free, and what it leaves does not rest
    /// (<see cref="ArenaOptions{T}.ReuseDelay"/>). A range that a handle held is freed by its new address afterwards, and the handle
    /// is stale.</remarks>
    public bool TryMove(T start, T size, T newStart)
    {
        size = _space.RoundUp(size);
        _space.CheckPlace(newStart, size);
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Move);
        return TryMove(start, size, newStart, site, isDrained: false) ||
            (_caches is not null && TryMove(start, size, newStart, site, isDrained: true)) ||
            (_space.EndDueRests() && TryMove(start, size, newStart, site, isDrained: _caches is not null));
    }

    private bool TryMove(T start, T size, T newStart, AuditSite? site, bool isDrained)
    {
        Conclusion nobodys = default;
        bool? done = null;
        while (done is null)
        {
            using Visit<T> visit = isDrained ? _caches!.VisitDrained(ref nobodys) : VisitRange(start, size, ref nobodys);
            done = _space.TryMove(start, size, newStart, site);
        }

        nobodys.ThrowOwnFault();
        return done.Value;
    }

    /// <summary>Takes the lock with a range at hand that is a segment, also if it was a slab's.</summary>
    private Visit<T> VisitRange(T start, T size, ref Conclusion end)
    {
        if (size - T.One >= _cachedMax)
        {
            return _space.Visit(ref end);
        }

        Visit<T> visit = _space.VisitFrozen(ref end);
        try
        {
            return _caches!.TryMakeSegment(start, size) ? visit
                : throw new InsufficientMemoryException("There is no memory to divide a slab of a quantum cache.");
        }
        catch
        {
            visit.Dispose();
            throw;
        }
    }
}
