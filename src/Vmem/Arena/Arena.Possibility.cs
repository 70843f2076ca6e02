using Vmem.Importing;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Waiting;

namespace Vmem;

// What can never be met is not waited for.
//
// A request is possible if it has a place in some span, were everything free; or if an import could be as large as the limit leaves beside
// the spans that were added, and the source could give it. A source that is an arena could if that is possible in it, and if there is a
// place for the request itself in its spans or further below, as an import around a narrow window need not hold one; of any other source
// it is assumed.
// So an error is always right, and a wait for the impossible remains possible only for a source that never gives. Asked only when a call
// would wait, and again of everybody queued when a span is removed, here or in an arena below, or takes up what the limit left for imports.
public sealed partial class Arena<T>
{
    private long _removals;

    /// <summary>Changes whenever something goes that a request may have counted on: a span, or headroom under the limit.</summary>
    private long Removals => Volatile.Read(ref _removals) + ((_source as Arena<T>)?.Removals ?? 0);

    private void CheckPossible(in Placement<T> placement, in RangeConstraints<T> constraints, bool wasCountedAsFailure)
    {
        if (wasCountedAsFailure)
        {
            Enter();
            _failures--;
            Exit();
        }

        if (!IsPossible(placement, constraints))
        {
            throw new ArgumentException(NeverFits(placement.Size));
        }
    }

    private string NeverFits(T size) => $"Arena '{Name}' will never have such a place for {size}, whatever is freed{(_source is null ? "" : " or imported")}: to wait would be to wait for ever.";

    private bool IsPossible(in Placement<T> placement, in RangeConstraints<T> constraints)
    {
        T headroom = T.MaxValue;
        Enter();
        try
        {
            if (_map.HasPlaceInSpans(placement))
            {
                return true;
            }

            if (_source is null)
            {
                return false;
            }

            if (!T.IsZero(_limit))
            {
                T added = _map.TotalSize - _map.Imported;
                headroom = added < _limit ? _limit - added : T.Zero;
            }
        }
        finally
        {
            Exit();
        }

        if (_source is Arena<T> below && !below.CouldHold(placement))
        {
            return false;
        }

        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            if (ImportAsk<T>.TryMake(step, placement, constraints, _importUnit, _sourceQuantum, _minImport, out ImportAsk<T> ask) &&
                ask.Size <= headroom && (_source is not Arena<T> parent || parent.CouldGive(ask)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether there is a place in some span here or below.</summary>
    private bool CouldHold(in Placement<T> placement)
    {
        Enter();
        bool holds = _map.HasPlaceInSpans(placement);
        Exit();
        return holds || (_source is Arena<T> below ? below.CouldHold(placement) : _source is not null);
    }

    private bool CouldGive(in ImportAsk<T> ask) => IsPossible(new Placement<T>(RoundUp(ask.Size), ask.Constraints, Quantum), ask.Constraints);

    /// <summary>Fails those who wait for what has become impossible. Not to be called under the lock.</summary>
    private void FailTheImpossible()
    {
        List<Waiter<T>> waiters = [];
        EnterRaw();
        for (Waiter<T>? waiter = _queue.Head; waiter is not null; waiter = waiter.Next)
        {
            waiters.Add(waiter);
        }

        Exit();
        bool any = false;
        foreach (Waiter<T> waiter in waiters)
        {
            any |= FailIfImpossible(waiter);
        }

        if (any)
        {
            Serve(echo: false);
        }
    }

    private bool FailIfImpossible(Waiter<T> waiter)
    {
        Exception failure;
        try
        {
            if (IsPossible(waiter.Placement, waiter.Constraints))
            {
                return false;
            }

            FitReport<T> report = Explain(waiter.Placement.Size, waiter.Constraints);
            failure = new ArenaExhaustedException(
                Name, UInt128.CreateTruncating(report.Size), UInt128.CreateTruncating(report.Free), UInt128.CreateTruncating(report.LargestFree), report.Failure, $"What it waited for has gone. {NeverFits(report.Size)}");
        }
        catch (ObjectDisposedException disposed)
        {
            failure = disposed;                   // this arena, which has failed all its waiters, or its source
        }

        EnterRaw();
        bool left = TryFail(waiter, failure);
        _failures += left ? 1 : 0;
        Exit();
        if (left)
        {
            Conclude(waiter);
        }

        return left;
    }
}
