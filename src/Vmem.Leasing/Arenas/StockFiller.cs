using System.Numerics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Arenas;

/// <summary>The task that keeps the stock of a leased arena: it leases what is missing and gives back what is not needed.</summary>
/// <remarks>
/// It works until there is nothing more to do, then waits to be woken. If the store has no room, or does not answer, it tries again after
/// <see cref="LeaseSessionOptions.RenewEvery"/> in any case: a notice is only a hint (R9). A request whose answer was lost is repeated
/// under its number (R11).
/// </remarks>
internal sealed class StockFiller<T>(LeaseSession session, LeaseArena arena, T spanSize, SpanStock<T> stock, WakeSignal wake,
    ILeaseHolder holder)
    : IAsyncDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly CancellationTokenSource _stop = new();
    private readonly UInt128 _spanSize = UInt128.CreateChecked(spanSize);
    private LeaseRequest? _request;                        // of unknown outcome, or about to be sent
    private Task _filling = Task.CompletedTask;
    private LeaseUsage? _usage;

    /// <summary>What the store had when it last had no room; null if it has given since.</summary>
    public LeaseUsage? Usage => Volatile.Read(ref _usage);

    /// <summary>Fills the stock once, and goes on in the background.</summary>
    public async Task StartAsync()
    {
        await FillAsync().ConfigureAwait(false);
        _filling = FillForeverAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _filling.ConfigureAwait(false);
        if (_request is { } request)
        {
            session.Abandon(request);
        }

        _stop.Dispose();
    }

    private async Task FillForeverAsync()
    {
        try
        {
            while (true)
            {
                await wake.WaitAsync(session.Options.RenewEvery, session.Time, _stop.Token).ConfigureAwait(false);
                await FillAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception fault) when (_stop.IsCancellationRequested)
        {
            session.NoteFault(fault);                          // of a call that was under way at the end, which must not fail for it
        }
    }

    private async Task FillAsync()
    {
        try
        {
            while (await StepAsync().ConfigureAwait(false))
            {
            }
        }
        catch (Exception fault) when (!_stop.IsCancellationRequested)
        {
            _request = fault is LeaseDefinitionException ? Refused() : _request;      // of these the outcome is known
            session.NoteFault(fault);
        }
    }

    /// <param name="isExactHopeless">Whether the store had nothing for a need with constraints.</param>
    /// <returns>Whether there may be more to do.</returns>
    private async Task<bool> StepAsync(bool isExactHopeless = false)
    {
        foreach (LeasedSpan<T> span in stock.TakeReturned(all: false))
        {
            await session.ReturnAsync(span.Holding, !span.IsUnclean).ConfigureAwait(false);
        }

        if (!session.IsValid)
        {
            return false;                                      // woken when it is valid again
        }

        bool isUrgent = false;
        if (_request is null)
        {
            if (stock.Missing(spanSize, isExactHopeless) is not { } missing)
            {
                return false;
            }

            _request = missing.Need.ToRequest(arena, session.Instance, _spanSize);
            isUrgent = missing.IsUrgent;
        }

        (LeaseVerdict verdict, Holding? holding) = await session.GrantAsync(_request, holder, arena.Name, _stop.Token)
            .ConfigureAwait(false);
        if (holding is not null)
        {
            LeaseClaim claim = holding.Claim;
            stock.Add(new LeasedSpan<T>(T.CreateChecked(claim.Start), T.CreateChecked(claim.Size), holding));
            _request = null;
            Volatile.Write(ref _usage, null);
            return true;
        }

        if (verdict == LeaseVerdict.SessionNotLive)
        {
            return false;                                      // the same request again, after a renewal
        }

        bool isExact = !_request.IsUnconstrained;
        _request = null;
        return verdict == LeaseVerdict.NoRoom
            && (await SweepAsync(isUrgent).ConfigureAwait(false)
                || (isExact && await StepAsync(isExactHopeless: true).ConfigureAwait(false)));
    }

    private async Task<bool> SweepAsync(bool isUrgent)
    {
        UInt128 freed = await session.AskAsync((store, token) => store.SweepAsync(arena.Id, token), _stop.Token).ConfigureAwait(false);
        if (freed > 0)
        {
            LeaseMetrics.Reclaimed(arena.Name);
            return true;
        }

        if (isUrgent || Usage is null)
        {
            Volatile.Write(ref _usage, await session.AskAsync((store, token) => store.GetUsageAsync(arena.Id, token), _stop.Token)
                .ConfigureAwait(false));
        }

        return false;
    }

    private LeaseRequest? Refused()
    {
        session.Abandon(_request!);
        return null;
    }
}
