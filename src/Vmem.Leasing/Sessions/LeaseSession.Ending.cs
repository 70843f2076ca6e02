using Vmem.Leasing.Metering;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// How a session ends by its own wish.
public sealed partial class LeaseSession
{
    /// <summary>Gives back all that is held, at once and without quarantine, and ends the session. One with a name leaves it to the next of
    /// the name.</summary>
    /// <returns>A task for the end. It does not fail: what the store does not hear of lapses by itself. It takes a TTL at most, however
    /// much is held, and however slow the store is.</returns>
    /// <remarks>What was freed from a leased arena and not declared clean goes through quarantine all the same. If the store is slow, what
    /// is left goes back with the session by one call, through quarantine if any of that needs it.</remarks>
    public async ValueTask DisposeAsync()
    {
        long leaveAfter = _time.GetTimestamp() + (long)((_options.Ttl / 3).TotalSeconds * _time.TimestampFrequency);
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Volatile.Write(ref _leaveAfter, leaveAfter);
        foreach (ILeaseHolder holder in Holders())
        {
            try
            {
                await holder.CloseAsync().ConfigureAwait(false);
            }
            catch (Exception fault)
            {
                Report(fault);                                 // the others are closed, and the session ends, all the same
            }
        }

        bool wasLost = !TryEnd("It was disposed of.", out _);
        await StopAsync().ConfigureAwait(false);
        if (!wasLost)
        {
            bool clean = !_holdings.HasUncleanReturns;
            try
            {
                await _calls.AskAsync(async token =>
                {
                    await _store.CloseSessionAsync(Instance, clean, token).ConfigureAwait(false);
                    return true;
                }, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception fault)
            {
                Report(fault);
            }
        }
    }

    /// <summary>Ends the session and gives nothing back: for a program that cannot say that it uses nothing of it any more. Nothing is
    /// valid from now on. What was leased comes back as after the death of the process: by time, or when the store sees that it is
    /// dead.</summary>
    /// <returns>A task for the end. It does not fail, and does not ask the store.</returns>
    public async ValueTask LapseAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            Lose("It was left to lapse: something may still use what it leased.");
            await StopAsync().ConfigureAwait(false);
        }
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        await _returning.ConfigureAwait(false);
        await _deadlineTimer.DisposeAsync().ConfigureAwait(false);
        LeaseMetrics.Sessions.Remove(_metered);
    }
}
