using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem;

// Claiming given places, and saying what lies in them: what a table on disk, a driver or another process says is in use already.
public sealed partial class Arena<T>
{
    /// <summary>How many pieces of a window are noted under one lock. Arbitrary.</summary>
    private const int PiecesAtATime = 64;

    /// <summary>Allocates exactly this range, or nothing (drm_mm's <c>reserve_node</c>; a fixed <c>mmap</c>).</summary>
    /// <param name="start">The first value of the range, a multiple of the quantum.</param>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <returns>False, and nothing is changed, if any of it is allocated, or outside every span and not to be imported. Then
    /// <see cref="Explain"/> with a window that is just as long says who is there.</returns>
    /// <exception cref="ArgumentException">The start is no multiple of the quantum, the size is 0 or its rounding overflows, or the range
    /// reaches past the top of the type.</exception>
    /// <remarks>
    /// <para>
    /// It fails only if the place is really not free. What quantum caches keep there, and what arenas above keep of it unused, is given up
    /// first; and a source that can give just that place is asked. The range is freed as any other. Next fit does not go on behind it.
    /// </para>
    /// <para>
    /// O(log n), and a walk over segments that no look-up has walked past yet, in steps that others come between. No index is built. A call
    /// that fails costs what any failing request does: see <see cref="ArenaOptions{T}.QuantumCacheMax"/>.
    /// </para>
    /// </remarks>
    public bool TryAllocateAt(T start, T size)
    {
        size = _space.RoundUp(size);
        _space.CheckPlace(start, size);
        return TryMeet(AskAt(start, size), out _);
    }

    /// <summary>Takes whatever is free of a window, so that nobody else gets it: holes in an address space, ranges that others
    /// own.</summary>
    /// <param name="start">The first value of the window, a multiple of the quantum.</param>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="pieces">Receives each piece that was taken, in address order; null: nobody wants to know. Called under no
    /// lock. If its <c>Add</c> throws, so does the call, and what it has not got is free again.</param>
    /// <returns>How much was taken; 0 if nothing of it was free.</returns>
    /// <exception cref="ArgumentException">The start is no multiple of the quantum, the size is 0 or its rounding overflows, or the window
    /// reaches past the top of the type.</exception>
    /// <remarks>
    /// <para>
    /// The window may overlap allocated ranges, which stay as they are, and parts outside every span, of which nothing is taken; nothing is
    /// imported. What quantum caches and arenas above keep unused is free. Each free segment in the window becomes one allocated range, as
    /// any other: <see cref="GetSegments"/> shows it, and it is freed by its start and size. To free what one call took, keep the
    /// <paramref name="pieces"/>: afterwards nothing tells them from other ranges.
    /// </para>
    /// <para>
    /// O(segments in the window), in steps that others come between: what is freed behind the step is not taken. If memory runs out, what
    /// was taken stays taken, and is among the pieces.
    /// </para>
    /// </remarks>
    public T Reserve(T start, T size, ICollection<Segment<T>>? pieces = null)
    {
        size = _space.RoundUp(size);
        _space.CheckPlace(start, size);
        _ = _space.EndDueRests();
        _space.TryRecall()?.End();
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Reserve);
        var batch = pieces is null ? [] : new Segment<T>[PiecesAtATime];
        T last = start + (size - T.One);
        T taken = T.Zero;
        Conclusion nobodys = default;
        for (bool isDone = false; !isDone;)
        {
            int count = 0;
            try
            {
                using Visit<T> visit = _caches is null ? _space.Visit(ref nobodys) : _caches.VisitDrained(ref nobodys);
                isDone = _space.TakeFree(ref start, last, batch, ref count, ref taken, site);
            }
            finally
            {
                _space.AddTo(pieces, pieces is null ? [] : batch.AsSpan(0, count));
            }
        }

        nobodys.ThrowOwnFault();
        return taken;
    }

    /// <summary>Allocates many given ranges: all of them, or, if one is not free, none. For loading what exists already.</summary>
    /// <param name="ranges">The ranges, each of kind <see cref="SegmentKind.Allocated"/>, as <see cref="GetSegments"/> of another arena
    /// gives them. In any order; sorted by their starts takes least.</param>
    /// <exception cref="ArgumentException">A range is of another kind, starts at no multiple of the quantum, has size 0, reaches past the
    /// top of the type, or overlaps another one of them. The message says which.</exception>
    /// <exception cref="ArenaExhaustedException">A range is not free: the lowest of them, the message says which and why.</exception>
    /// <remarks>
    /// <para>
    /// Each fails only as <see cref="TryAllocateAt"/> would. The ranges are claimed in steps that others come between: those may see a part
    /// of them meanwhile, also of a batch that fails in the end. That is undone, and why it failed is thrown, whatever a source throws
    /// then.
    /// </para>
    /// <para>
    /// O(n) for sorted ranges, about as long as <see cref="Restore"/> of the same; O(n log n) for others. Pooled memory for each: twice the
    /// size of a value, and for ranges that are not sorted 4 bytes more.
    /// </para>
    /// </remarks>
    public void AllocateAtMany(ReadOnlySpan<Segment<T>> ranges)
    {
        using var batch = new ClaimBatch<T>(ranges);
        AuditSite? site = _space.Auditor?.Sign(AuditCall.AllocateAt);
        int next = 0;
        try
        {
            while (next < batch.Count)
            {
                if (!_space.TryClaim(batch, ref next, site))
                {
                    ClaimOne(batch, next);
                    next++;
                }
            }
        }
        catch when (next > 0)
        {
            batch.Undo(next, _space);
            throw;
        }
    }

    private void ClaimOne(in ClaimBatch<T> batch, int place)
    {
        (T start, T size) = batch.Check(place, _space);
        Request<T> request = AskAt(start, size, batch.NoteOf(place, _space));
        if (!TryMeet(request, out _))
        {
            FitReport<T> report = Report(request.Placement);
            throw _space.Exhausted(report, $"It is range {batch.NumberOf(place)} of {batch.Count}, at {start}: {report.Sentence} None was claimed.");
        }
    }

    private Request<T> AskAt(T start, T size, RangeNote note = default) =>
        Ask(size, new RangeConstraints<T> { Min = start, Max = start + size, Tag = note.Tag, Kind = note.Kind },
        FitPolicy.InstantFit, RequestKind.Segment, AuditCall.AllocateAt);

    /// <summary>Changes the tag of a live range, of an arena that keeps tags.</summary>
    /// <param name="start">Where the range starts.</param>
    /// <param name="tag">Whatever the caller likes; 0: nothing.</param>
    /// <returns>False, and nothing is changed, if no live range starts there.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no tags: <see cref="ArenaOptions{T}.Tagged"/>.</exception>
    /// <remarks>O(1); of a range that was allocated by handle as <see cref="TryGetSegment"/>.</remarks>
    public bool SetTag(T start, ulong tag)
    {
        CheckTagged();
        _space.Approach(start);
        using Visit<T> visit = _space.Visit();
        uint index = _space.Map.Locate(start);
        bool isStart = index != 0 && _space.Map.GetSegment(index) is { Kind: SegmentKind.Allocated } segment && segment.Start == start;
        if (isStart)
        {
            _space.SetTag(index, tag);
        }

        return isStart;
    }

    /// <summary>The same of a range that is held by a handle.</summary>
    /// <param name="handle">The handle.</param>
    /// <param name="tag">Whatever the caller likes; 0: nothing.</param>
    /// <returns>False, and nothing is changed, if the handle holds nothing.</returns>
    /// <exception cref="InvalidOperationException">The arena keeps no tags: <see cref="ArenaOptions{T}.Tagged"/>.</exception>
    /// <remarks>O(1).</remarks>
    public bool SetTag(in RangeHandle<T> handle, ulong tag)
    {
        CheckTagged();
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        using Visit<T> visit = _space.Visit();
        bool isBound = _space.Map.IsBound(mine);
        if (isBound)
        {
            _space.SetTag(mine.Tag, tag);
        }

        return isBound;
    }

    private void CheckTagged()
    {
        if (!_space.IsTagged)
        {
            throw new InvalidOperationException($"Arena '{Name}' keeps no tags: ArenaOptions.Tagged is not set.");
        }
    }
}
