using System.Diagnostics;
using Npgsql;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A holder without a <see cref="LeaseSession"/>, so that a rule can be left out of what that does. It uses one span until its
/// lease is lost.</summary>
internal sealed class BareHolder(NpgsqlDataSource source, UseLog log, Rule off)
{
    private static readonly Guid s_nameless = new("00000000-0000-0000-0000-00000000beef");
    private static readonly long s_term = (long)(Holder.Ttl.TotalSeconds * 0.9 * Stopwatch.Frequency);

    private readonly Guid _session = off == Rule.R7 ? s_nameless : Guid.NewGuid();
    private long _deadline;
    private int _incarnation;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using PostgreSqlLeaseStore store = new(source, migrates: false);
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

    private async Task<LeaseClaim> LeaseAsync(PostgreSqlLeaseStore store, CancellationToken cancellationToken)
    {
        LeaseArena arena = await store.EnsureArenaAsync(Holder.ArenaName, null, cancellationToken);
        long sent = UseLog.Now;
        try
        {
            _incarnation = await store.OpenSessionAsync(_session, "chaos", Holder.Ttl, 0, cancellationToken);
        }
        catch (LeaseSessionException) when (off == Rule.R7)
        {
            _incarnation = (await store.RenewAsync(_session, 0, cancellationToken))!.Incarnation;       // "that was me, before I was restarted"
        }

        _deadline = sent + s_term;
        IReadOnlyList<LeaseClaim> held = await store.GetHeldAsync(_session, cancellationToken);
        LeaseRequest request = new(arena.Id, _session, Guid.NewGuid(), Holder.SpanSize);
        return held.Count > 0 ? held[0] : (await store.GrantAsync(request, cancellationToken)).Claim!;
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
