using Vmem.Checks;
using Vmem.Leasing.Memory;

namespace Vmem.Leasing;

/// <summary>Leases of one process, in memory: for tests, and for programs that may be one process today and several tomorrow.</summary>
/// <remarks>
/// It is the state machine of all engines under a lock, with a clock that tests may move. Operations complete at once, on the caller's
/// thread.
/// </remarks>
public sealed class InMemoryLeaseStore : LeaseStore
{
    private readonly Gate _lock = new();
    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly DateTimeOffset _originTime;
    private readonly Dictionary<int, List<Action>> _watchers = [];
    private LeaseMachine _machine = new();
    private bool _isDisposed;

    /// <summary>Makes an empty store.</summary>
    /// <param name="timeProvider">Its clock; <see cref="TimeProvider.System"/> if null.</param>
    public InMemoryLeaseStore(TimeProvider? timeProvider = null)
    {
        _time = timeProvider ?? TimeProvider.System;
        _origin = _time.GetTimestamp();
        _originTime = _time.GetUtcNow();
    }

    // Monotonic: the wall clock only names times to people.
    private long Now => _time.GetElapsedTime(_origin).Ticks;

    /// <summary>The state of this moment, as a replica has it whose replication stops now.</summary>
    /// <returns>The image.</returns>
    public LeaseStoreImage TakeImage() => Do((machine, _) => new LeaseStoreImage(machine.Copy()));

    /// <summary>Loses all that happened since an image was taken, as the failover to an asynchronous replica does: to test what a program
    /// makes of it. A hold begins, fences jump, and the incarnation is another.</summary>
    /// <param name="image">What is left.</param>
    public void FailOver(LeaseStoreImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Do((machine, now) =>
        {
            LeaseMachine promoted = image.Machine.Copy();
            promoted.Promote(machine.Incarnation, now);
            _machine = promoted;
            return true;
        });
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) => Answer(
        (machine, now) => new LeaseStoreInfo("memory", 1, machine.Incarnation, TimeOf(now), machine.Phase > 0 ? TimeOf(machine.HoldUntil) : null),
        cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.Ensure(name, definition, now), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.Open(session, owner, ttl, latest, now), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.Renew(session, latest, now), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default)
    {
        ValueTask<bool> closed = Answer((machine, now) =>
        {
            machine.Close(session, clean, now);
            return true;
        }, cancellationToken);
        if (closed.IsCompletedSuccessfully)
        {
            Notify(arena: null);
        }

        return new ValueTask(closed.AsTask());
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.Grant(request, now), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default)
    {
        ValueTask<bool> released = Answer((machine, now) => machine.Release(claim, clean, watermark, now), cancellationToken);
        if (clean && released.IsCompletedSuccessfully)
        {
            Notify(claim.Arena);
        }

        return released;
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.HeldBy(session), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.Reassert(claim, now), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.Mark(claim, watermark), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default)
    {
        ValueTask<UInt128> swept = Answer((machine, now) => machine.Sweep(arena, now), cancellationToken);
        if (swept.IsCompletedSuccessfully && swept.Result > 0)
        {
            Notify(arena);
        }

        return swept;
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default) =>
        Answer((machine, now) => machine.UsageOf(arena, now, TimeOf), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.List(arena, TimeOf), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.AuditOf(arena, after, limit, TimeOf), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadHistoryAsync(int arena, UInt128 value, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.HistoryOf(arena, value, limit, TimeOf), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default) => Answer(
        (machine, _) => LeaseInvariants.Check(machine.Find(arena), machine.List(arena, TimeOf),
            machine.AuditOf(arena, 0, int.MaxValue, TimeOf)),
        cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.ListArenas(), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.ListSessions(TimeOf), cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        Answer((machine, _) => machine.Prune((before - _originTime).Ticks), cancellationToken);

    /// <inheritdoc/>
    public override IDisposable WatchRoom(int arena, Action mayHaveRoom)
    {
        ArgumentNullException.ThrowIfNull(mayHaveRoom);
        using (_lock.EnterScope())
        {
            if (!_watchers.TryGetValue(arena, out List<Action>? watchers))
            {
                _watchers.Add(arena, watchers = []);
            }

            watchers.Add(mayHaveRoom);
        }

        return new Watch(this, arena, mayHaveRoom);
    }

    /// <summary>Ends the store: every later call fails, as one to a server that is gone.</summary>
    /// <returns>A completed task.</returns>
    public override ValueTask DisposeAsync()
    {
        using (_lock.EnterScope())
        {
            _isDisposed = true;
        }

        return base.DisposeAsync();
    }

    private DateTimeOffset TimeOf(long ticks) => _originTime + TimeSpan.FromTicks(ticks);

    private TResult Do<TResult>(Func<LeaseMachine, long, TResult> operation)
    {
        using (_lock.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return operation(_machine, Now);               // the clock is read under the lock (R1)
        }
    }

    private ValueTask<TResult> Answer<TResult>(Func<LeaseMachine, long, TResult> operation, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TResult>(cancellationToken);
        }

        try
        {
            return new ValueTask<TResult>(Do(operation));
        }
        catch (Exception fault) when (fault is LeaseException or ArgumentException or ObjectDisposedException)
        {
            return ValueTask.FromException<TResult>(fault);
        }
    }

    private void Notify(int? arena)
    {
        Action[] watchers;
        using (_lock.EnterScope())
        {
            watchers = [.. _watchers.Where(pair => arena is null || pair.Key == arena).SelectMany(pair => pair.Value)];
        }

        foreach (Action watcher in watchers)
        {
            try
            {
                watcher();
            }
            catch (Exception)
            {
                // It is a hint. The call that made room has happened, and must not look as if it had not; and the others are told.
            }
        }
    }

    private sealed class Watch(InMemoryLeaseStore store, int arena, Action mayHaveRoom) : IDisposable
    {
        public void Dispose()
        {
            using (store._lock.EnterScope())
            {
                store._watchers[arena].Remove(mayHaveRoom);
            }
        }
    }
}
