using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Space;

namespace Vmem;

// Spans: adding (vmem_add), removing, and giving back (vmem_qcache_reap).
public sealed partial class Arena<T>
{
    /// <summary>Adds the range [start, start + size) to the arena (vmem_add). It may end at the very top of the type.</summary>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <exception cref="ArgumentException">The span is empty, misaligned, reaches past the top of the type, overlaps a span of the arena,
    /// or would exceed the limit.</exception>
    /// <remarks>O(log spans). The span stays apart from others that it touches: no range lies in both. See
    /// <see cref="AddSpan(T, T, bool)"/>, and <see cref="OverAll"/> for every value of the type.</remarks>
    public void AddSpan(T start, T size) => _space.AddSpan(start, size, joinNeighbors: false);

    /// <summary>Adds the range [start, start + size) to the arena, if need be as a part of what it touches.</summary>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <param name="joinNeighbors">True: with the added spans that it touches, below and above, it becomes one span, in which a range may
    /// lie across the former seam. Imported spans and spans that drain stay apart, and so do two that only touch
    /// each other. False: see <see cref="AddSpan(T, T)"/>.</param>
    /// <exception cref="ArgumentException">The span is empty, misaligned, reaches past the top of the type, overlaps a span of the arena,
    /// or would exceed the limit; or it is to be joined, and is not whole pages of <see
    /// cref="ArenaOptions{T}.KindGranularity"/>.</exception>
    /// <remarks>O(log spans), and O(log n) for each index that the arena keeps. A joined span is removed as a whole, and a snapshot has it
    /// as one. To make one span longer or shorter, <see cref="TryGrowSpan"/> is enough.</remarks>
    public void AddSpan(T start, T size, bool joinNeighbors) => _space.AddSpan(start, size, joinNeighbors);

    /// <summary>Makes a span that was added longer or shorter at its end: a file that grows, a buffer that gives back its tail.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="oldSize">Its length.</param>
    /// <param name="newSize">The length it shall have, a multiple of the quantum and not 0.</param>
    /// <returns>False, and nothing is changed, if the span drains; if any of what would go is allocated; or if what
    /// would come lies in another span, or would exceed the limit.</returns>
    /// <exception cref="ArgumentException">There is no such span, or it was imported; or the new size is 0, no multiple of the quantum, or
    /// reaches past the top of the type.</exception>
    /// <remarks>O(log spans), and O(log n) for each index that the arena keeps. What quantum caches keep of the tail is given up. Those who
    /// wait are served from what comes; those who wait for what can never come any more get an
    /// <see cref="ArenaExhaustedException"/>. A span that grows until it touches another does not become one with it.</remarks>
    public bool TryGrowSpan(T start, T oldSize, T newSize)
    {
        _space.CheckSpan(start, newSize);
        return TryResizeSpan(start, oldSize, newSize, isDrained: false) ||
            (_caches is not null && newSize < oldSize && TryResizeSpan(start, oldSize, newSize, isDrained: true)) ||
            (newSize < oldSize && _space.EndDueRests() && TryResizeSpan(start, oldSize, newSize, isDrained: _caches is not null));
    }

    /// <summary>Removes a span that was added, unless anything of it is allocated.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <returns>False, and nothing is changed, while anything of it is allocated or rests.</returns>
    /// <exception cref="ArgumentException">There is no such span, it was imported (then <see cref="Reap"/> gives it back), or it holds
    /// every value of the type (<see cref="OverAll"/>).</exception>
    /// <remarks>O(log spans). Those who wait for what can never come any more get an <see cref="ArenaExhaustedException"/>.</remarks>
    public bool TryRemoveSpan(T start, T size) =>
        TryRemoveSpan(start, size, isDrained: false)
            || (_caches is not null && TryRemoveSpan(start, size, isDrained: true))
            || (_space.EndDueRests() && TryRemoveSpan(start, size, isDrained: _caches is not null));

    /// <summary>Drains a span, whether added or imported: from now on nothing is given from it, and it goes when the last range of it is
    /// freed, or at once if it is empty. An import goes back to its source.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <returns>Whether a span begins there; also if it drains already. False of a span that holds every value of the type
    /// (<see cref="OverAll"/>), which stays.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory to take note of that. Nothing has changed; or, if there was not even
    /// memory to undo it, the span drains, and another call brings that to its end.</exception>
    /// <remarks>
    /// <para>
    /// What nobody holds of the span is <see cref="ArenaStatistics{T}.Draining"/>, of kind <see cref="SegmentKind.Draining"/>: no request
    /// gets it, no live range grows into it, and nothing is moved or claimed there. The span counts for
    /// <see cref="ArenaOptions{T}.Limit"/> until it goes. Ranges in it live on: they can be freed, split, made shorter and moved out, for
    /// which <see cref="PlanDefragmentation(DefragmentationBudget{T})"/> makes a plan. What rests in it keeps it until the rest ends.
    /// </para>
    /// <para>
    /// Quantum caches give back what they hold of the span, and take in nothing of it; as long as any span drains, frees of cached sizes
    /// take a longer path. Arenas that import from this one give back what they keep unused, now and whenever an import that lies in the
    /// span becomes empty. They may still give from it what they have: their owners drain it in turn. Another call asks them once more.
    /// </para>
    /// <para>
    /// Those who wait for what can never come any more get an <see cref="ArenaExhaustedException"/>. O(segments of the span), in steps that
    /// others come between: they may be given something of it until the call returns. <see cref="StopDraining"/> undoes it.
    /// </para>
    /// </remarks>
    public bool TryDrainSpan(T start)
    {
        _ = _space.EndDueRests();
        Conclusion end = default;
        Conclusion nobodys = default;
        bool isNew = false;
        try
        {
            bool drains = TryBeginDrain(start, ref end, out isNew);
            end.Throw();
            if (!drains)
            {
                return false;
            }

            _space.TurnSpan(start, ref nobodys);
        }
        catch when (isNew)
        {
            _space.GiveUpDrain(start);
            throw;
        }

        nobodys.Take(_space, static space => space.TryRecall()?.End());         // what arenas above keep of it
        nobodys.ThrowOwnFault();
        return true;
    }

    /// <summary>Undoes <see cref="TryDrainSpan"/>: what is free of the span can be had again.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <returns>False if no span begins there that drains: perhaps it is gone.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory to take note of that. Nothing has changed; or the span drains no more, and
    /// another call brings that to its end.</exception>
    /// <remarks>O(segments of the span), in steps that others come between. Those who wait are served.</remarks>
    public bool StopDraining(T start)
    {
        Conclusion nobodys = default;
        bool hasDrained = _space.TryEndDrain(start, ref nobodys);
        _space.TurnSpan(start, ref nobodys);      // also what another call, which threw, did not come to
        nobodys.ThrowOwnFault();
        return hasDrained;
    }

    /// <summary>Drains a span, as <see cref="TryDrainSpan"/> does: nothing more is given from it, and it goes back when it is empty. For
    /// who knows that the span is there.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <exception cref="ArgumentException">There is no such span, or it holds every value of the type.</exception>
    /// <exception cref="OutOfMemoryException">See <see cref="TryDrainSpan"/>.</exception>
    /// <remarks>O(segments of the span), in steps that others come between.</remarks>
    public void Retire(T start, T size)
    {
        using (_space.Visit())
        {
            if (_space.Map.FindSpan(start, out T spanStart, out T spanSize) == 0 || spanStart != start || spanSize != size)
            {
                throw new ArgumentException($"Arena '{_space.Name}' has no span of {size} at {start}.", nameof(start));
            }
        }

        _ = TryDrainSpan(start);                  // if it has gone meanwhile, that was what was asked for
    }

    /// <summary>Takes a lost import away at once, whatever lives in it: the source has taken it back, or a lease has ended. Nothing is
    /// released to the source.</summary>
    /// <param name="start">The first value of the import.</param>
    /// <param name="size">Its length.</param>
    /// <returns>False if the arena has no span there. Should one be on its way, from a call of the source that has begun, it is not added;
    /// if nobody needs it any more, it goes back to the source as ever.</returns>
    /// <exception cref="ArgumentException">The span there is another, or was added; or the arena has no source.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to bring it to its end. Nothing more is given from the span, and it does
    /// not go to the source: call again. <see cref="ArenaOptions{T}.Revoked"/> has got what was gone by then, and gets the rest in that
    /// call.</exception>
    /// <remarks>
    /// <para>
    /// When the call returns, the span is gone, and with it what quantum caches held of it, what rested, and every live range.
    /// <see cref="ArenaOptions{T}.Revoked"/> gets these; imports of arenas above are among them, whose owners revoke in turn. In
    /// statistics they count as freed. Those who wait are served elsewhere, or told if that can never be. What the source throws meanwhile,
    /// as it gets back what caches held elsewhere, is thrown when all that is done.
    /// </para>
    /// <para>
    /// A later free of such a range is refused (<see cref="InvalidFreeReason.Revoked"/>), also of a size that caches keep. The last 64
    /// spans are remembered, each until its place is imported again. From then on a free by address cannot be told from one of the new
    /// owner's. A free by handle can: so those who lease hold handles.
    /// </para>
    /// <para>
    /// O(segments of the span), in steps that others come between, and O(n log n) in all rests for each step that meets some. As long as
    /// anything is remembered, frees of cached sizes take a longer path.
    /// </para>
    /// </remarks>
    public bool Revoke(T start, T size)
    {
        if (!_space.TryBeginRevoke(start, size))
        {
            return false;
        }

        List<Segment<T>> lost = [];
        ArenaRevocation<T> revocation = new(_space.Name, start, size, lost);
        AuditSite? site = _space.Auditor?.Sign(AuditCall.Revoke);
        Conclusion end = default;
        bool isGone = false;
        try
        {
            do
            {
                if (TryBeginDrain(start, ref end, out _))
                {
                    _space.TurnSpan(start, ref end);
                }
            }
            while (!_space.TryRevoke(start, lost, site, ref end));
            isGone = true;
        }
        finally
        {
            if (isGone || lost.Count > 0)         // without memory for the rest, what is gone is told all the same
            {
                end.Take((_space.Revoked, revocation), static it => it.Revoked?.Invoke(it.revocation));
            }
        }

        end.Throw();
        return true;
    }

    /// <summary>Empties the quantum caches, gives all wholly free imports back to the source, and memory of the tables that is not needed
    /// to the system (vmem_qcache_reap).</summary>
    /// <returns>How much went back: to the source, or, in an arena without one, from the caches to the free segments.</returns>
    /// <remarks>O(spans), and O(1) for each range and slab of the caches.</remarks>
    public T Reap()
    {
        T released = T.Zero;
        Conclusion end = default;
        _ = _space.EndDueRests(ref end);
        T drained = _caches is null ? T.Zero : _caches.Drain(out released, ref end);
        _caches?.DropEmpty();
        released += _space.DetachEmpty(ref end);
        _space.Trim();
        end.Throw();
        return _importer is null ? drained : released;
    }

    private bool TryResizeSpan(T start, T oldSize, T newSize, bool isDrained)
    {
        Conclusion nobodys = default;
        bool isDone;
        using (isDrained ? _caches!.VisitDrained(ref nobodys) : _space.Visit(ref nobodys))
        {
            isDone = _space.TryGrowSpan(start, oldSize, newSize);
        }

        nobodys.ThrowOwnFault();
        return isDone;
    }

    private Visit<T> VisitDrained(ref Conclusion end)
    {
        Visit<T> visit = _caches is null ? _space.Visit(ref end, isOwnRelease: true) : _caches.VisitDrained(ref end, isOwnRelease: true);
        _space.NoteRoom();
        return visit;
    }

    private void MoveTo(MagazineLayer<T> layer)
    {
        _caches!.MoveTo(layer);
        _magazines = layer.Recorder is null ? _caches.Magazines : [];
        _returns = layer.Recorder is null ? _caches.Returns : [];
    }

    private bool TryBeginDrain(T start, ref Conclusion end, out bool isNew)
    {
        isNew = false;
        using (_space.Visit())
        {
            if (!_space.CanDrain(start) || _space.Map.Drains(start))
            {
                return _space.CanDrain(start);
            }
        }

        using Visit<T> visit = VisitDrained(ref end);
        MagazineLayer<T>? layer = _caches?.CreateLayer(_space.Recorder);       // before anything changes
        if (!_space.CanDrain(start))
        {
            return false;
        }

        isNew = _space.TryBeginDrain(start);
        if (isNew && layer is not null)
        {
            MoveTo(layer);
        }

        return true;
    }

    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <param name="isDrained">Whether the caches are drained first: what keeps the span may lie in one.</param>
    private bool TryRemoveSpan(T start, T size, bool isDrained)
    {
        Conclusion nobodys = default;
        bool isDone;
        using (isDrained ? _caches!.VisitDrained(ref nobodys) : _space.Visit(ref nobodys))
        {
            isDone = _space.TryRemoveSpan(start, size);
        }

        nobodys.ThrowOwnFault();
        return isDone;
    }
}
