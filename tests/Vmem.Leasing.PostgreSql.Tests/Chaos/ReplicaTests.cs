using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;
using Vmem.Tool.Leases;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A real failover to an asynchronous replica that is behind: grants were acknowledged that it has never heard of.</summary>
public sealed class ReplicaTests
{
    /// <summary>What a failover adds to each fence.</summary>
    private const long FenceJump = 1_000_000_000;

    private static readonly TimeSpan s_longTtl = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_patience = Playground.Patience;

    /// <summary>In seconds: who asks once waits for an answer for so long.</summary>
    private const int LongEnough = 120;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>In one database three holders have a span each, and the replica has heard of two of the grants. In another one a holder
    /// with a long TTL is still in time when the replica is the server: it reasserts what the replica has not heard of, and keeps
    /// it.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public async Task A_promoted_replica_that_lacks_grants_makes_no_second_holder()
    {
        await using PostgresServer primary = new();
        await primary.InitializeAsync();
        await using Playground playground = await Playground.CreateAsync(primary, spans: 3, Token);
        string quiet = await primary.CreateDatabaseAsync();
        await using (NpgsqlDataSource unhurried = primary.Connect(quiet))
        {
            await LeaseSchema.MigrateAsync(unhurried, Token);
        }

        await using PostgresServer replica = await primary.CreateReplicaAsync();
        using Proxy proxy = new(primary.Port);
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(primary.AddressOf(quiet, proxy.Port, LongEnough));
        PostgreSqlLeaseStore store = new(source);
        LeaseSessionOptions patient = new() { Ttl = s_longTtl, RenewEvery = TimeSpan.FromSeconds(1) };
        await using LeaseSession session = await LeaseSession.OpenAsync(store, patient, Token);
        LeasedArenaOptions<uint> options = new() { SpanSize = 8, Stock = 0, Definition = new() { Size = 16, Quarantine = s_longTtl } };
        LeasedArena<uint> arena = await LeasedArena<uint>.OpenAsync(session, "blocks", options, Token);
        LeasedRange<uint> range;
        await using (playground.Hold(proxy, looksAtDeadline: true))
        await using (playground.Hold(proxy, looksAtDeadline: true))
        {
            await playground.UntilAsync(static uses => CountValues(uses) == 2 * Holder.SpanSize, s_patience);
            await CatchUpAsync(playground.Source);
            Assert.Contains(await ExamineAsync(primary, quiet), static finding => finding is { Check: "replicas", IsGood: false });
            await primary.StopSendingAsync();
            range = await arena.AllocateAsync(8, default, Token);
            await using (playground.Hold(proxy, looksAtDeadline: true))
            {
                await playground.UntilAsync(static uses => CountValues(uses) == 3 * Holder.SpanSize, s_patience);
                await primary.KillAsync();
                await replica.PromoteAsync();
                proxy.Server = replica.Port;
                await playground.UntilAsync(static uses =>
                    CountValues(uses.Where(static use => use.Fence > FenceJump)) == 3 * Holder.SpanSize, s_patience);
            }
        }

        Assert.Equal(0, UseChecker.CountStale(playground.Uses()));
        await using NpgsqlDataSource after = replica.Connect(playground.Database);
        await CheckAsync(new PostgreSqlLeaseStore(after), Holder.ArenaName);

        await Eventually.HoldsAsync(() => session.Incarnation == 2);
        Assert.True(session.IsValid);
        LeaseInfo<uint> kept = Assert.Single(await arena.ListAsync(Token), static extent => extent.State == LeaseExtentState.Leased);
        Assert.Equal((range.Start, range.Fence), (kept.Start, kept.Fence));
        Assert.Contains(await ExamineAsync(replica, quiet), static finding => finding is { Check: "hold", IsGood: false });
        var other = Guid.NewGuid();
        await store.OpenSessionAsync(other, "other", s_longTtl, 0, Token);
        LeaseAnswer answer = await store.GrantAsync(new LeaseRequest(1, other, Guid.NewGuid(), 8), Token);
        Assert.Equal(LeaseVerdict.OnHold, answer.Verdict);
        Assert.True(arena.TryFree(range));                     // its own to the end
        await CheckAsync(store, "blocks");
    }

    private static int CountValues(IEnumerable<Use> uses) => uses.Select(static use => use.Value).Distinct().Count();

    /// <summary>Waits until the replica has what is committed now.</summary>
    private static async Task CatchUpAsync(NpgsqlDataSource primary)
    {
        string now = (string)(await PostgresServer.ExecuteAsync(primary, "SELECT pg_current_wal_lsn()::text"))!;
        string hasAll = $"SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '{now}'";
        await Eventually.HoldsAsync(async () => (long)(await PostgresServer.ExecuteAsync(primary, hasAll))! > 0);
    }

    /// <summary>The failover was seen once, and every invariant holds.</summary>
    private static async Task CheckAsync(PostgreSqlLeaseStore store, string name)
    {
        LeaseArena arena = await store.EnsureArenaAsync(name, null, Token);
        Assert.Equal(2, (await store.GetInfoAsync(Token)).Incarnation);
        Assert.Single(await store.ReadAuditAsync(arena.Id, 0, 10_000, Token), static entry => entry.Event == LeaseEvent.Hold);
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
    }

    private static async Task<IReadOnlyList<FindingDocument>> ExamineAsync(PostgresServer server, string database)
    {
        await using StoreAddress address = new(server.AddressOf(database, seconds: LongEnough), StoreUse.Read);
        return await Doctor.ExamineAsync(address, Token);
    }
}
