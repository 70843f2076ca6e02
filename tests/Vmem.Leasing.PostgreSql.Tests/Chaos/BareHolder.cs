using System.Diagnostics;
using Npgsql;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A holder without a <see cref="LeaseSession"/>, so that a rule can be left out of what that does. It uses one span until its
/// lease is lost.</summary>
internal sealed class BareHolder(NpgsqlDataSource source, UseLog log, Rule off)
{
    private static readonly long s_term = (long)(Holder.Ttl.TotalSeconds * 0.9 * Stopwatch.Frequency);

    private Guid _session;
    private int _sessions;
    private long _deadline;
    private int _incarnation;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using PostgreSqlLeaseStore store = new(source, migrates: false);
        try
        {
            do
            {
                await HoldOnceAsync(store, cancellationToken);
            }
            while (off == Rule.R7 && !cancellationToken.IsCancellationRequested);  // there only a pause of the machine ends it
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // While it leased.
        }
    }

    private async Task HoldOnceAsync(PostgreSqlLeaseStore store, CancellationToken cancellationToken)
    {
        LeaseClaim claim = await LeaseAsync(store, cancellationToken);
        Task renewing = RenewAsync(store, cancellationToken);
        SpanUses uses = new(log, (long)claim.Start, claim.Fence);
        while (!renewing.IsCompleted)
        {
            uses.Add(time => time < Volatile.Read(ref _deadline));
            await Task.Delay(1, CancellationToken.None);
        }

        await renewing;                           // it ended as it should, and not of an exception
    }

    /// <summary>Leases the span. A machine that stands still for longer than the TTL meanwhile ends a session, and another is
    /// opened.</summary>
    private async Task<LeaseClaim> LeaseAsync(PostgreSqlLeaseStore store, CancellationToken cancellationToken)
    {
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, cancellationToken);
        while (true)
        {
            long sent = UseLog.Now;
            _incarnation = await OpenAsync(store, cancellationToken);
            _deadline = sent + s_term;
            IReadOnlyList<LeaseClaim> held = await store.GetHeldAsync(_session, cancellationToken);
            LeaseRequest request = new(arena.Id, _session, Guid.NewGuid(), Holder.SpanSize);
            if ((held.Count > 0 ? held[0] : (await store.GrantAsync(request, cancellationToken)).Claim) is { } claim)
            {
                return claim;
            }

            await store.SweepAsync(arena.Id, cancellationToken);
            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>Opens a session under a new number. Without R7 the numbers are the same for all, and so is the session.</summary>
    private async Task<int> OpenAsync(PostgreSqlLeaseStore store, CancellationToken cancellationToken)
    {
        while (true)
        {
            _session = off == Rule.R7 ? new Guid(0, 0, 0, BitConverter.GetBytes(0xbeefL + _sessions)) : Guid.NewGuid();
            try
            {
                return await store.OpenSessionAsync(_session, "chaos", Holder.Ttl, 0, cancellationToken);
            }
            catch (LeaseSessionException) when (off == Rule.R7)
            {
                if (await store.RenewAsync(_session, 0, cancellationToken) is { } renewal)
                {
                    return renewal.Incarnation;   // "that was me, before I was restarted"
                }

                _sessions++;                      // it is dead, for ever
            }
        }
    }

    /// <summary>Until the lease is lost.</summary>
    private async Task RenewAsync(PostgreSqlLeaseStore store, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                long sent = UseLog.Now;
                LeaseRenewal? renewal = await store.RenewAsync(_session, 0, cancellationToken);
                long heard = UseLog.Now;
                if (renewal is null || (off != Rule.R5 && renewal.Incarnation != _incarnation && heard >= _deadline))
                {
                    return;
                }

                _incarnation = renewal.Incarnation;
                Volatile.Write(ref _deadline, (off == Rule.R1 ? heard : sent) + s_term);
                await Task.Delay(Holder.Ttl / 3, cancellationToken);
            }
            catch (Exception fault) when (fault is OperationCanceledException or NpgsqlException or IOException)
            {
                // Once more, unless it is over.
            }
        }
    }
}
