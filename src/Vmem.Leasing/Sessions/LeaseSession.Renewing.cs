using Vmem.Leasing.Metering;
using Vmem.Leasing.Protocol;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// The task of its own that keeps the session, and what follows from each answer.
public sealed partial class LeaseSession
{
    /// <summary>After a failure it is tried again so much sooner. Arbitrary.</summary>
    private const int RetriesPerRenewal = 4;

    /// <summary>A renewal waits for its answer for this part of the TTL. Sent at 1/3 and silent, it is over at 1/2. The next is sent at
    /// 7/12 and over at 3/4, and the third is sent at 5/6, before the deadline at 9/10. With a third, the second would end past
    /// it.</summary>
    private const int RenewalsPerTtl = 6;

    private async Task RenewForeverAsync()
    {
        TimeSpan wait = _options.RenewEvery;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await PauseAsync(wait).ConfigureAwait(false);
                wait = await RenewAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // No fault: it is over.
            }
            catch (Exception fault)
            {
                Report(fault);
                wait = _options.RenewEvery / RetriesPerRenewal;
            }
        }
    }

    /// <summary>Waits by the session's clock. If that fails, by the system's: without any this would go round at once, for ever.</summary>
    private async Task PauseAsync(TimeSpan wait)
    {
        try
        {
            await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (!_stop.IsCancellationRequested)
        {
            Report(fault);
            await Task.Delay(wait, TimeProvider.System, _stop.Token).ConfigureAwait(false);
        }
    }

    /// <returns>How long until the next renewal.</returns>
    private async Task<TimeSpan> RenewAsync()
    {
        long sent = _time.GetTimestamp();
        LeaseRenewal? renewal = await _calls.AskAsync(token => _store.RenewAsync(Instance, LatestUse(_options), token),
            _options.Ttl / RenewalsPerTtl, _stop.Token).ConfigureAwait(false);
        Try(() => LeaseMetrics.Renewed(_time.GetElapsedTime(sent)));
        if (renewal is null)
        {
            Lose("The store says that it is dead: it was silent for its TTL and a quarantine, or somebody ended it.");
            return TimeSpan.Zero;
        }

        bool holds = _holdings.Count > 0;
        bool isKnown = _holdings.AreKnownBy(renewal);
        bool isSame = renewal.Incarnation == Incarnation;
        bool wasHeardInTime = isSame || renewal.Incarnation == _heard;
        List<LeaseClaim> unknown = [];
        switch (LeaseRules.Hear(holds, wasHeardInTime, isPastDeadline: !IsBeforeDeadline, isKnown: isSame && isKnown))
        {
            case Hearing.End:
                Lose("The store failed over, and the session's own time had passed before it was heard again: what it held may have been given away.");
                return TimeSpan.Zero;
            case Hearing.Keep:
                _heard = renewal.Incarnation;                  // before the deadline: it may take until after that to reassert all
                if (!await ReconcileAsync(sent, unknown).ConfigureAwait(false))
                {
                    return TimeSpan.Zero;
                }

                if (!isSame)
                {
                    Volatile.Write(ref _incarnation, renewal.Incarnation);
                    return TimeSpan.Zero;                      // only a renewal that this server answered, knowing all, counts
                }

                break;
            default:
                Volatile.Write(ref _incarnation, renewal.Incarnation);
                if (!isKnown)
                {
                    _ = await ReconcileAsync(sent, unknown).ConfigureAwait(false);
                }

                break;
        }

        Extend(sent);
        // One that waits for an answer must not keep the next renewal waiting. At the end the store gets all at once.
        if (_returning.IsCompleted && Volatile.Read(ref _isDisposed) == 0)
        {
            _returning = ReturnPendingAsync(unknown);
        }

        TimeSpan spent = _time.GetElapsedTime(sent);
        return spent < _options.RenewEvery ? _options.RenewEvery - spent : TimeSpan.Zero;
    }

    private void Extend(long sent)
    {
        bool hasResumed;
        Exception? fault = null;
        using (_lock.EnterScope())
        {
            if (_end is not null)
            {
                return;
            }

            Volatile.Write(ref _deadline, Math.Max(_deadline, LeaseRules.Deadline(sent, _term)));
            Volatile.Write(ref _surelyUntil, SurelyUntil());
            hasResumed = _told == LeaseState.Suspended && IsValid;
            if (hasResumed)
            {
                _told = LeaseState.Live;
                fault = Tell(new LeaseStateChange(LeaseState.Suspended, LeaseState.Live, "The store answered again."));
            }

            fault = SetDeadlineTimer() ?? fault;
        }

        NoteUntold(fault);
        if (hasResumed)
        {
            Array.ForEach(Holders(), holder => Try(holder.Resume));
        }
    }

    /// <returns>What the clock threw: then nobody is told of the deadline. It passes all the same.</returns>
    private Exception? SetDeadlineTimer()
    {
        try
        {
            _ = _deadlineTimer.Change(Remaining, Timeout.InfiniteTimeSpan);
            return null;
        }
        catch (Exception fault)
        {
            return fault;
        }
    }

    /// <summary>Called by a timer, where an exception would end the process.</summary>
    private void OnDeadline() => Try(TellOfDeadline);

    /// <summary>Only tells: whoever asked has known since the deadline passed.</summary>
    private void TellOfDeadline()
    {
        Exception? fault = null;
        bool isSuspended = false;
        using (_lock.EnterScope())
        {
            if (_told != LeaseState.Live)
            {
                return;
            }

            if (IsValid)
            {
                fault = SetDeadlineTimer();
            }
            else
            {
                isSuspended = true;
                _told = LeaseState.Suspended;
                fault = Tell(new LeaseStateChange(LeaseState.Live, LeaseState.Suspended,
                    _lastFault is { } last ? $"The store has not answered in time: {last.Message}" : "The store has not answered in time."));
            }
        }

        NoteUntold(fault);
        if (isSuspended)
        {
            Try(LeaseMetrics.Suspended);
        }
    }

    private void Lose(string reason)
    {
        if (!TryEnd(reason, out LeaseState was))
        {
            return;
        }

        Try(LeaseMetrics.Lost);                                // a listener that throws keeps nobody from being told
        Try(() => _ = _ended.CancelAsync());                   // on the pool: who waited runs there
        foreach (Holding holding in _holdings.Clear())
        {
            NoteUntold(TryLose(holding, reason));              // the others are told all the same
        }

        NoteUntold(Tell(new LeaseStateChange(was, LeaseState.Lost, reason)));
        Array.ForEach(Holders(), holder => Try(holder.Resume));          // whoever waits finds out
        Announce(_lost.Cancel);
        Try(_stop.Cancel);
    }

    /// <summary>False if it was over already. From here on it is not valid.</summary>
    /// <param name="reason">Why, for people.</param>
    /// <param name="was">What the last event said.</param>
    private bool TryEnd(string reason, out LeaseState was)
    {
        using (_lock.EnterScope())
        {
            was = _told;
            if (_end is not null)
            {
                return false;
            }

            Volatile.Write(ref _surelyUntil, long.MinValue);
            Volatile.Write(ref _deadline, long.MinValue);
            Volatile.Write(ref _end, reason);
            _told = LeaseState.Lost;
            return true;
        }
    }

    /// <summary>Has a user's handler called, after those before it; what it throws is reported.</summary>
    internal void Announce(Action handler) => Try(() => _callbacks.Add(handler));

    /// <summary>Has the handlers of a change called. The lock is held until they are in the queue, or the session is over: else two changes
    /// could be told in reverse. No handler runs here.</summary>
    /// <returns>A fault that kept one from being told, to be reported when the lock is free: a log may ask for the session.</returns>
    private Exception? Tell(LeaseStateChange change)
    {
        Exception? untold = null;
        foreach (Action<LeaseStateChange> handler in Delegate.EnumerateInvocationList(StateChanged))
        {
            try
            {
                _callbacks.Add(() => handler(change));
            }
            catch (Exception fault)
            {
                untold = fault;
            }
        }

        return untold;
    }

    /// <returns>What the holder threw.</returns>
    private static Exception? TryLose(Holding holding, string reason)
    {
        try
        {
            holding.Holder.Lose(holding, reason);
            return null;
        }
        catch (Exception fault)
        {
            return fault;
        }
    }

    private void NoteUntold(Exception? fault)
    {
        if (fault is not null)
        {
            Report(fault);
        }
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }
}
