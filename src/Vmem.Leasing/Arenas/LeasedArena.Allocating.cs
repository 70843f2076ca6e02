using Vmem.Leasing.Arenas;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing;

// Allocation and freeing. Each range carries the fence of the span that it lies in.
public sealed partial class LeasedArena<T>
{
    /// <summary>Allocates a range from the spans at hand.</summary>
    /// <param name="size">How much, in units; not 0.</param>
    /// <param name="range">The range.</param>
    /// <returns>False if the session is not valid, or nothing at hand has room. Then more is leased in the background.</returns>
    /// <exception cref="LeaseJournalException">The disk of the journal is full.</exception>
    /// <exception cref="LeaseLostException">Nothing at hand has room, and nothing will: the store has forgotten the arena.</exception>
    /// <remarks>It never waits, nor asks the store. What is leased for a request lies ready for
    /// <see cref="LeaseSessionOptions.RenewEvery"/> at least; if nobody asks again, it goes back.</remarks>
    public bool TryAllocate(T size, out LeasedRange<T> range)
    {
        if (TryAllocateAtHand(size, out range))
        {
            return true;
        }

        if (!IsClosed)
        {
            ThrowIfForgotten();
        }

        return false;
    }

    private bool TryAllocateAtHand(T size, out LeasedRange<T> range)
    {
        CallMark call = CallMark.Begin();
        try
        {
            if (_journal is { } journal)
            {
                return TryAllocateNoted(journal, size, out range);
            }

            range = default;
            return !IsClosed && Arena.TryAllocate(size, out T start) && TryLease(start, size, out range);
        }
        finally
        {
            call.End();
        }
    }

    /// <summary>Allocates a range, and waits for a lease if need be.</summary>
    /// <param name="size">How much, in units; not 0.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="cancellationToken">Ends the wait. The exception says what of the arena was free, leased and quarantined.</param>
    /// <returns>The range.</returns>
    /// <remarks>Waits while the session is suspended, and while the arena is full: until others give back, or the dead are
    /// buried.</remarks>
    /// <exception cref="LeaseLostException">The session is over, or the store has forgotten the arena.</exception>
    /// <exception cref="ArgumentException">The size is 0 or more than the whole arena has; or the constraints contradict each other, or
    /// need a phase and a boundary together, which stores cannot do.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed of.</exception>
    public ValueTask<LeasedRange<T>> AllocateAsync(T size, in RangeConstraints<T> constraints = default,
        CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        Check(constraints);
        return TryAllocate(size, constraints, out LeasedRange<T> range)
            ? ValueTask.FromResult(range)
            : new ValueTask<LeasedRange<T>>(WaitAsync(size, constraints, cancellationToken));
    }

    /// <summary>Frees a whole range.</summary>
    /// <param name="range">The range as it was allocated.</param>
    /// <param name="clean">True: nobody uses its values any more, so that another process may get them as soon as the span goes back.
    /// False: the span goes through quarantine first.</param>
    /// <exception cref="LeaseLostException">Its lease was lost meanwhile. Nothing was changed; there is nothing to free.</exception>
    /// <exception cref="ArgumentException">It is no range of this arena, or was freed before. Nothing was changed.</exception>
    public void Free(in LeasedRange<T> range, bool clean = false)
    {
        if (TryFree(range, clean))
        {
            return;
        }

        throw _lostFences.Contains(range.Fence)
            ? new LeaseLostException($"The lease {range.Fence} of arena '{Name}', with the range of {range.Size} at {range.Start}, was lost: the range may be somebody else's, and there is nothing to free.")
            : new ArgumentException($"The range of {range.Size} at {range.Start} under fence {range.Fence} is not allocated in arena '{Name}'{(_stock.Find(range.Start) is { } span && span.Fence != range.Fence ? $", where that value is leased under fence {span.Fence}" : "")}: it was freed before, or comes from another arena.", nameof(range));
    }

    /// <summary>Frees a whole range, if it is still leased.</summary>
    /// <param name="range">The range as it was allocated.</param>
    /// <param name="clean">See <see cref="Free"/>.</param>
    /// <returns>False, and nothing is changed, if its lease was lost, or it is not allocated.</returns>
    public bool TryFree(in LeasedRange<T> range, bool clean = false)
    {
        CallMark call = CallMark.Begin();
        try
        {
            return !IsClosed && _stock.Find(range.Start) is { } span && span.Fence == range.Fence && TryFree(span, range, clean);
        }
        finally
        {
            call.End();
        }
    }

    private bool TryFree(LeasedSpan<T> span, in LeasedRange<T> range, bool clean)
    {
        if (!clean && !span.IsUnclean)
        {
            if (!IsAllocated(range))
            {
                return false;
            }

            span.IsUnclean = true;                             // before the free: it may send the span back
        }

        if (_journal is { } journal)
        {
            return TryFreeNoted(journal, range);
        }

        try
        {
            Arena.Free(range.Start, range.Size);
            return true;
        }
        catch (InvalidFreeException)
        {
            return false;
        }
    }

    /// <summary>So that a wrong free leaves its span as clean as it is.</summary>
    private bool IsAllocated(in LeasedRange<T> range) => Arena.TryGetSegment(range.Start, out Segment<T> segment)
        && segment.Kind == SegmentKind.Allocated && segment.Start == range.Start && segment.Size == RoundUp(range.Size);

    private bool TryAllocate(T size, in RangeConstraints<T> constraints, out LeasedRange<T> range)
    {
        CallMark call = CallMark.Begin();
        try
        {
            if (_journal is { } journal)
            {
                return TryAllocateNoted(journal, size, constraints, out range);
            }

            range = default;
            return TryTake(size, constraints, out T start) && TryLease(start, size, out range);
        }
        finally
        {
            call.End();
        }
    }

    private bool TryTake(T size, in RangeConstraints<T> constraints, out T start) => constraints == default
        ? Arena.TryAllocate(size, out start)
        : Arena.TryAllocateConstrained(size, constraints, out start);

    /// <summary>Makes an allocated range a leased one, if it may be used at this moment; else it is freed.</summary>
    private bool TryLease(T start, T size, out LeasedRange<T> range)
    {
        T rounded = RoundUp(size);
        if (_session.IsValid && _stock.Find(start) is { IsLost: false } span)
        {
            range = new LeasedRange<T>(start, rounded, span.Fence);
            return true;
        }

        range = default;
        Drop(start, rounded);
        return false;
    }

    private void Drop(T start, T size)
    {
        try
        {
            Arena.Free(start, size);
        }
        catch (Exception gone) when (gone is InvalidFreeException or ObjectDisposedException)
        {
            // It went with its span.
        }
    }

    private T RoundUp(T size)
    {
        T rounded = size + _quantumLess1;
        return _isQuantumPowerOf2 ? rounded & ~_quantumLess1 : rounded - rounded % Arena.Quantum;
    }

    private async Task<LeasedRange<T>> WaitAsync(T size, RangeConstraints<T> constraints, CancellationToken cancellationToken)
    {
        Check(size);
        try
        {
            while (true)
            {
                Task resumed = _resumed.Task;                  // before the state is looked at
                ObjectDisposedException.ThrowIf(IsClosed, this);
                ThrowIfForgotten();
                switch (_session.State)
                {
                    case LeaseState.Suspended:
                        await resumed.WaitAsync(cancellationToken).ConfigureAwait(false);     // a loss ends it, too
                        continue;
                    case LeaseState.Lost:
                        _session.ThrowIfInvalid();
                        break;
                }

                if (await WaitOnceAsync(size, constraints, cancellationToken).ConfigureAwait(false) is { } range)
                {
                    return range;
                }
            }
        }
        catch (OperationCanceledException) when (_session.Ended.IsCancellationRequested)
        {
            _session.ThrowIfInvalid();
            throw;
        }
        catch (OperationCanceledException cancelled) when (cancellationToken.IsCancellationRequested)
        {
            string usage = _filler.Usage is { } known ? $"Nobody gave back {size} of arena '{Name}' in time: {known}. Wait longer, or use less."
                : $"The wait for {size} of arena '{Name}' was cancelled before the store said what it has.";
            throw new OperationCanceledException(usage, cancelled, cancellationToken);
        }
    }

    /// <returns>Null: whoever waits looks again whether anything may come, and waits anew.</returns>
    private async Task<LeasedRange<T>?> WaitOnceAsync(T size, RangeConstraints<T> constraints, CancellationToken cancellationToken)
    {
        WaitRound round = _barrier.EnterRound();
        try
        {
            using var any = CancellationTokenSource.CreateLinkedTokenSource(
                [cancellationToken, _session.Ended, round.Over, _forgotten.Token]);
            T start = await Arena.AllocateAsync(size, constraints, any.Token).ConfigureAwait(false);
            bool isLeased = _journal is { } journal
                ? TryLeaseNoted(journal, start, size, out LeasedRange<T> range)
                : TryLease(start, size, out range);
            return isLeased ? range : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !_session.Ended.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            round.Leave();
        }
    }

    private void Check(T size)
    {
        if (T.IsZero(size) || UInt128.CreateChecked(size) > _arena.Definition.Size)
        {
            throw new ArgumentException($"A range of {size} cannot be in arena '{Name}', which has {_arena.Definition.Size}.", nameof(size));
        }
    }

    private static void Check(in RangeConstraints<T> constraints)
    {
        if (!T.IsZero(constraints.Phase) && !T.IsZero(constraints.NoCross))
        {
            throw new ArgumentException("A phase and a boundary that must not be crossed do not go together in a leased arena: use one of them.", nameof(constraints));
        }
    }
}
