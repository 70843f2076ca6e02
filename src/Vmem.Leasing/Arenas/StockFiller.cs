using System.Numerics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Arenas;

/// <summary>The task that keeps the stock of a leased arena: it leases what is missing and gives back what is not needed.</summary>
/// <remarks>
/// It works until there is nothing more to do, then waits to be woken. All that is missing is asked for in one call, so that a program
/// which uses spans up faster than the store's disk can flush gets several for one flush. If the store has no room, or does not answer, it
/// tries again after <see cref="LeaseSessionOptions.RenewEvery"/> in any case: a notice is only a hint (R9). A request whose answer was
/// lost is repeated under its number (R11).
/// </remarks>
internal sealed partial class StockFiller<T>(LeaseSession session, LeaseArena arena, SpanGrid grid, SpanStock<T> stock, WakeSignal wake,
    ILeaseHolder holder, LostFences lost, LossBarrier barrier, Action forget)
    : IAsyncDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<LeaseRequest> _requests = [];    // of unknown outcome, or about to be sent
    private SpanSeek<T>? _sought;                          // for whom they are
    private Task _filling = Task.CompletedTask;
    private LeaseUsage? _usage;

    /// <summary>What the store had when it last had no room; null if it has given since.</summary>
    public LeaseUsage? Usage => Volatile.Read(ref _usage);

    /// <summary>Fills the stock once, and goes on in the background.</summary>
    public async Task StartAsync()
    {
        await FillAsync().ConfigureAwait(false);
        _filling = DetachedTask.Start(FillForeverAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _filling.ConfigureAwait(false);
        AbandonAll();
        stock.AnswerAll(forEver: true);
        _stop.Dispose();
    }

    /// <summary>Whatever fails is reported, and it goes on: else those who wait in the arena would wait for ever.</summary>
    private async Task FillForeverAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await WaitAsync().ConfigureAwait(false);
                await FillAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
            }
            catch (Exception fault)
            {
                session.NoteFault(fault);
            }
        }
    }

    /// <summary>Waits by the session's clock. If that fails, by the system's: without any this would go round at once, for ever.</summary>
    private async Task WaitAsync()
    {
        try
        {
            await wake.WaitAsync(session.Options.RenewEvery, session.Time, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (!_stop.IsCancellationRequested)
        {
            session.NoteFault(fault);
            await wake.WaitAsync(session.Options.RenewEvery, TimeProvider.System, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task FillAsync()
    {
        try
        {
            bool isMore = true;
            while (isMore)                                     // neither the needs nor the seeks keep the others waiting
            {
                isMore = await StepAsync().ConfigureAwait(false);
                isMore |= await AnswerSeekAsync().ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (!_stop.IsCancellationRequested)
        {
            if (fault is LeaseDefinitionException)             // of these the outcome is known
            {
                AbandonAll();
                stock.AnswerAll(forEver: false);
            }

            stock.AnswerTried();

            session.NoteFault(fault);
            if (fault is LeaseDefinitionException)
            {
                await TryLookForArenaAsync().ConfigureAwait(false);
            }
        }
    }

    /// <param name="effort">What is tried for a need with constraints.</param>
    /// <returns>Whether there may be more to do.</returns>
    private async Task<bool> StepAsync(NeedEffort effort = NeedEffort.WholeSpan)
    {
        stock.ReturnSurplus(session.Time, session.Options.RenewEvery);
        foreach (LeasedSpan<T> span in stock.TakeReturned(all: false))
        {
            await session.ReturnAsync(span.Holding, !span.IsUnclean).ConfigureAwait(false);
        }

        if (!session.IsValid || _isForgotten)
        {
            return false;                                      // woken when it is valid again
        }

        bool isUrgent = false;
        if (_requests.Count == 0)
        {
            T room = stock.Room;
            _requests.AddRange(stock.Missing(effort == NeedEffort.Elsewhere, room, out isUrgent)
                .Select(need => need.ToRequest(arena, session.Instance, grid, effort, UInt128.CreateChecked(room))));
            _sought = null;
            if (_requests.Count == 0)
            {
                return false;
            }
        }

        bool isExact = !_requests[0].IsUnconstrained;
        (bool hasCome, bool lacksRoom) = await AskAsync().ConfigureAwait(false);
        if (!lacksRoom)
        {
            return hasCome && _requests.Count == 0;
        }

        if (isExact && effort == NeedEffort.WholeSpan)
        {
            return await StepAsync(NeedEffort.Least).ConfigureAwait(false);
        }

        return await SweepAsync(isUrgent).ConfigureAwait(false)
            || (isExact && await StepAsync(NeedEffort.Elsewhere).ConfigureAwait(false));
    }

    /// <summary>Asks the store for all that is in the list, and puts what comes into the stock.</summary>
    private async Task<(bool HasCome, bool LacksRoom)> AskAsync()
    {
        bool hasCome = false;
        bool lacksRoom = false;
        (LeaseVerdict Verdict, Holding? Holding)[] outcomes = await session.GrantManyAsync([.. _requests], holder, arena.Name, _stop.Token)
            .ConfigureAwait(false);
        if (Array.Exists(outcomes, static outcome => outcome.Holding is not null))
        {
            await barrier.PassAsync(_stop.Token).ConfigureAwait(false);
        }

        int asked = 0;
        foreach ((LeaseVerdict verdict, Holding? holding) in outcomes)
        {
            // A request stays until its span lies in the stock: what there was no memory for is asked for again, and is the same span.
            if (holding is { Claim: { } claim })
            {
                stock.Add(new LeasedSpan<T>(T.CreateChecked(claim.Start), T.CreateChecked(claim.Size), holding), _sought);
                hasCome = true;
                if (lost.Contains(claim.Fence))                // after it was held, and before it lay in the stock: nobody found it there
                {
                    holder.Lose(holding, "It was lost as it came.");
                }
            }

            lacksRoom |= verdict == LeaseVerdict.NoRoom;
            if (verdict == LeaseVerdict.SessionNotLive)
            {
                asked++;                                       // asked for again, after a renewal
                continue;
            }

            if (verdict == LeaseVerdict.OnHold)
            {
                session.Abandon(_requests[asked]);             // the server that is no more may have granted it
            }

            _requests.RemoveAt(asked);                         // before others run: a span that lies in the stock is not asked for again
            if (holding is not null)
            {
                stock.Notify();
            }
        }

        if (hasCome)
        {
            Volatile.Write(ref _usage, null);
        }

        return (hasCome, lacksRoom);
    }

    private async Task<bool> SweepAsync(bool isUrgent)
    {
        UInt128 freed = await session.AskAsync((store, token) => store.SweepAsync(arena.Id, token), _stop.Token).ConfigureAwait(false);
        if (freed > 0)
        {
            session.Call(() => LeaseMetrics.Reclaimed(arena.Name));
            return true;
        }

        if (isUrgent || Usage is null)
        {
            Volatile.Write(ref _usage, await session.AskAsync((store, token) => store.GetUsageAsync(arena.Id, token), _stop.Token)
                .ConfigureAwait(false));
        }

        return false;
    }

    private void AbandonAll()
    {
        _requests.ForEach(session.Abandon);
        _requests.Clear();
    }
}
