using System.Runtime.ExceptionServices;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// What goes back to the store, and what becomes of a difference between the store's list and this one.
public sealed partial class LeaseSession
{
    private Task _returning = Task.CompletedTask;           // what did not reach the store at first; begun by renewals
    private volatile bool _isBehind;                        // a return failed, and the renewals have not caught up
    private long _leaveAfter = long.MaxValue;               // a time stamp, once the session ends

    /// <summary>Gives a lease back. Does not fail: if the store does not answer, each renewal tries again. Until it has answered, others
    /// are left to the renewals, too, or to the end of the session: so many returns wait no longer for a silent store than one. At the end
    /// of the session those that a slow store has not taken in time go back with it.</summary>
    internal async ValueTask ReturnAsync(Holding holding, bool isClean, long? watermark = null)
    {
        // First: from here on it goes back with a renewal, whatever fails.
        if (!_holdings.BeginReturn(holding, new Return(isClean, watermark)))
        {
            return;
        }

        try
        {
            bool isLeft = _isBehind || _time.GetTimestamp() >= Volatile.Read(ref _leaveAfter);
            if (!isLeft && !await TrySendAsync(holding, CancellationToken.None).ConfigureAwait(false))
            {
                _isBehind = true;
            }
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }

    /// <summary>Compares what the store has of this session with what it holds. What the store lacks is reasserted, or lost. If any call
    /// fails, nothing is concluded, and the next renewal tries again.</summary>
    /// <param name="sent">When the renewal was sent: the next one is not kept waiting by what has to be reasserted.</param>
    /// <param name="unknown">Gets what the store has and nobody here knows: it goes back (R11).</param>
    /// <returns>False: there is more to reassert, after another renewal.</returns>
    private async Task<bool> ReconcileAsync(long sent, List<LeaseClaim> unknown)
    {
        Holding[] mine = _holdings.All();                      // before the store is asked: it knows all of these, or has lost them
        IReadOnlyList<LeaseClaim> known = await _calls.AskAsync(token => _store.GetHeldAsync(Instance, token), _stop.Token)
            .ConfigureAwait(false);
        HashSet<LeaseClaim> held = [.. known];
        int asked = 0;
        Exception? untold = null;
        foreach (Holding holding in mine.Where(holding => !held.Contains(holding.Claim)))
        {
            if (holding.Return is not null)
            {
                _holdings.Remove(holding);                     // the answer to its return was lost
                continue;
            }

            if (asked++ > 0 && _time.GetElapsedTime(sent) >= _options.RenewEvery)
            {
                return false;
            }

            if (await WhyLostAsync(holding).ConfigureAwait(false) is { } reason && _holdings.BeginLoss(holding, reason))
            {
                Exception? fault = TryLose(holding, reason);
                if (fault is null)
                {
                    _holdings.Remove(holding);                 // afterwards: a holder that could not be told is told again
                }

                untold = fault ?? untold;
            }
        }

        if (untold is not null)
        {
            ExceptionDispatchInfo.Throw(untold);               // a renewal must not prolong what a holder does not know to be lost
        }

        unknown.AddRange(known.Where(claim => !_holdings.Knows(claim)));
        return true;
    }

    /// <returns>Why a lease is lost; null: the store has it. One that its holder could not be told of stays lost.</returns>
    private async ValueTask<string?> WhyLostAsync(Holding holding) =>
        holding.Loss ?? (await ReassertAsync(holding.Claim).ConfigureAwait(false) is { } refusal
            ? $"The store does not know it any more, and did not take it up again: {refusal}."
            : null);

    /// <returns>Why the store does not take a lease up again; null: it has it.</returns>
    private async Task<string?> ReassertAsync(LeaseClaim claim)
    {
        try
        {
            LeaseReassertion reassertion = await _calls.AskAsync(token => _store.ReassertAsync(claim, token), _stop.Token)
                .ConfigureAwait(false);
            return reassertion is LeaseReassertion.Known or LeaseReassertion.Reinstated ? null : reassertion.ToString();
        }
        catch (LeaseDefinitionException forgotten)
        {
            return forgotten.Message.TrimEnd('.');             // the failover forgot the whole arena, and its number is never given again
        }
    }

    /// <summary>Sends what could not be sent before, and what the store has and nobody here knows. An arena of which one return fails has
    /// the others wait for the next renewal. Does not fail.</summary>
    private async Task ReturnPendingAsync(IReadOnlyList<LeaseClaim> unknown)
    {
        HashSet<int> silent = [];
        // Nobody here has used it, so it is clean. But a store that failed over may have forgotten a return, clean or not, and what the
        // holder left. Then it goes back as from somebody who does not say.
        Return unheard = new(IsClean: Incarnation == _firstIncarnation, null);
        try
        {
            foreach (Holding holding in _holdings.All().Where(static holding => holding.Return is not null))
            {
                if (!silent.Contains(holding.Claim.Arena) && !await TrySendAsync(holding, _stop.Token).ConfigureAwait(false))
                {
                    silent.Add(holding.Claim.Arena);
                }
            }

            foreach (LeaseClaim claim in unknown)
            {
                // Those before it may have taken long: its request may have been repeated meanwhile, and the lease be in use.
                if (!_holdings.Knows(claim) && !silent.Contains(claim.Arena)
                    && !await TryReleaseAsync(claim, unheard, _stop.Token).ConfigureAwait(false))
                {
                    silent.Add(claim.Arena);
                }
            }
        }
        catch (OutOfMemoryException fault)
        {
            Report(fault);
            return;
        }

        if (silent.Count == 0)
        {
            _isBehind = false;
        }
    }

    private async ValueTask<bool> TrySendAsync(Holding holding, CancellationToken cancellationToken)
    {
        if (!await TryReleaseAsync(holding.Claim, holding.Return!, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        _holdings.Remove(holding);
        return true;
    }

    private async ValueTask<bool> TryReleaseAsync(LeaseClaim claim, Return how, CancellationToken cancellationToken)
    {
        try
        {
            _ = await _calls.AskAsync(token => _store.ReleaseAsync(claim, how.IsClean, how.Watermark, token), cancellationToken)
                .ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception fault)
        {
            Report(fault);
            return fault is LeaseDefinitionException;          // the store has no such arena any more, so nothing to be given back
        }
    }
}
