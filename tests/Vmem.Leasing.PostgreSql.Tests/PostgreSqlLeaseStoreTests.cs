using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>What concerns this engine alone: rights, schema, pooling, and a server that dies.</summary>
public sealed class PostgreSqlLeaseStoreTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly LeaseSessionOptions s_options = new() { Owner = "tests", Ttl = TimeSpan.FromMinutes(5) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LeasedArenaOptions<uint> Ids => new()
    {
        SpanSize = 16,
        Definition = new() { Start = 1, Size = 1024, Quarantine = TimeSpan.FromMinutes(5) },
    };

    [Fact]
    public async Task The_first_call_makes_the_schema_and_processes_share_an_arena()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using LeaseSession one = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        await using LeaseSession other = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        LeasedArena<uint> ours = await LeasedArena<uint>.OpenAsync(one, "ids", Ids, Token);
        LeasedArena<uint> theirs = await LeasedArena<uint>.OpenAsync(other, "ids", Ids, Token);
        HashSet<uint> seen = [];
        for (int i = 0; i < 100; i++)
        {
            Assert.True(seen.Add((await ours.AllocateAsync(1, default, Token)).Start));
            Assert.True(seen.Add((await theirs.AllocateAsync(1, default, Token)).Start));
        }

        WorkerId worker = await WorkerId.LeaseAsync(one, "workers", 10, Token);
        await worker.ReserveAsync(4711);
        await one.DisposeAsync();
        WorkerId heir = await WorkerId.LeaseAsync(other, "workers", 10, Token);
        Assert.Equal((worker.Value, (long?)4711), (heir.Value, heir.Watermark));
        Assert.Empty(await other.Store.ValidateAsync(1, Token));
    }

    [Fact]
    public async Task A_role_that_was_admitted_leases_and_can_do_nothing_else()
    {
        string database = await server.CreateDatabaseAsync();
        await using NpgsqlDataSource owner = server.Connect(database);
        await LeaseSchema.MigrateAsync(owner, Token);
        string role = $"app_{database}";
        await PostgresServer.ExecuteAsync(owner, $"CREATE ROLE {role} LOGIN");
        await using NpgsqlDataSource app = server.Connect(database, role);
        LeaseSchemaException refused = await Assert.ThrowsAsync<LeaseSchemaException>(
            () => LeaseSession.OpenAsync(new PostgreSqlLeaseStore(app), s_options, Token));
        Assert.Contains("AdmitAsync", refused.Message, StringComparison.Ordinal);

        await LeaseSchema.AdmitAsync(owner, role, Token);
        await using LeaseSession session = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(app), s_options, Token);
        LeasedArena<uint> arena = await LeasedArena<uint>.OpenAsync(session, "ids", Ids, Token);
        await arena.AllocateAsync(1, default, Token);
        Assert.Empty(await session.Store.ValidateAsync(1, Token));
        string[] forbidden =
        [
            "SELECT * FROM vmem.extent", "DELETE FROM vmem.extent", "UPDATE vmem.arena SET fence = 0", "SELECT vmem._free(1, 1, now())",
            "SELECT vmem._admit('public')", "CREATE TABLE vmem.mine ()",
        ];
        foreach (string sql in forbidden)
        {
            PostgresException fault = await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(app, sql));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, fault.SqlState);
        }
    }

    /// <summary>Some hosts reserve it for superusers.</summary>
    [Fact]
    public async Task Without_the_right_to_ask_for_the_systems_number_it_works()
    {
        string database = await server.CreateDatabaseAsync();
        await using (NpgsqlDataSource superuser = server.Connect(database))
        {
            await PostgresServer.ExecuteAsync(superuser, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
            string role = $"CREATE ROLE owner_{database} LOGIN; ALTER DATABASE {database} OWNER TO owner_{database}";
            await PostgresServer.ExecuteAsync(superuser, role);
        }

        await using NpgsqlDataSource source = server.Connect(database, $"owner_{database}");
        await using LeaseSession session = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        Assert.Equal("unknown", await PostgresServer.ExecuteAsync(source, "SELECT system_id FROM vmem.server"));
        Assert.Equal(0, (await WorkerId.LeaseAsync(session, "workers", 1, Token)).Value);
    }

    /// <summary>A restart of the server is none. A dump that was restored in another server is one, as soon as that runs it.</summary>
    [Fact]
    public async Task R4_another_system_is_another_incarnation_and_a_restart_is_not()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source);
        Assert.Equal(1, (await store.GetInfoAsync(Token)).Incarnation);
        await PostgresServer.ExecuteAsync(source, "UPDATE vmem.server SET started = started - interval '1 day'");
        Assert.Equal(1, (await store.GetInfoAsync(Token)).Incarnation);
        await PostgresServer.ExecuteAsync(source, "UPDATE vmem.server SET started = started - interval '1 day', system_id = 'another'");
        Assert.Equal(2, (await store.GetInfoAsync(Token)).Incarnation);
        Assert.Equal(2, (await store.GetInfoAsync(Token)).Incarnation);
    }

    [Fact]
    public async Task Without_a_schema_and_the_wish_to_make_it_the_error_says_what_to_do()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source, migrates: false);
        LeaseSchemaException fault = await Assert.ThrowsAsync<LeaseSchemaException>(() => LeaseSession.OpenAsync(store, s_options, Token));
        Assert.Contains("GetScript", fault.Message, StringComparison.Ordinal);
        await LeaseSchema.MigrateAsync(source, Token);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_options, Token);
        Assert.True(session.IsValid);
    }

    [Fact]
    public async Task The_script_makes_the_same_schema_and_migrating_twice_does_nothing()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await PostgresServer.ExecuteAsync(source, LeaseSchema.GetScript());
        Assert.Equal(LeaseSchema.Version, await LeaseSchema.MigrateAsync(source, Token));
        Assert.DoesNotContain("CREATE", LeaseSchema.GetScript(LeaseSchema.Version), StringComparison.Ordinal);
        Assert.Contains("CREATE INDEX extent_free", LeaseSchema.GetScript(10), StringComparison.Ordinal);
        PostgreSqlLeaseStore store = new(source, migrates: false);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_options, Token);
        Assert.Equal(0, (await WorkerId.LeaseAsync(session, "workers", 1, Token)).Value);
    }

    [Fact]
    public async Task Pruning_goes_by_number_though_the_clock_went_back()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using var store = new PostgreSqlLeaseStore(source);
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = "UInt64", Quarantine = s_options.Ttl };
        LeaseArena arena = await store.EnsureArenaAsync("ids", definition, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_options.Ttl, 0, Token);
        LeaseAnswer answer = await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 4), Token);
        await store.ReleaseAsync(answer.Claim!, clean: true, null, Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 4), Token);
        await PostgresServer.ExecuteAsync(source, "UPDATE vmem.audit SET at = at - interval '1 day' WHERE event IN (0, 6, 8)");
        DateTimeOffset now = (await store.GetInfoAsync(Token)).Now;
        Assert.Equal(1, await store.PruneAsync(now - TimeSpan.FromHours(1), Token));         // its beginning, and not the release
        Assert.Equal([LeaseEvent.Grant, LeaseEvent.Release, LeaseEvent.Free, LeaseEvent.Grant],
            (await store.ReadAuditAsync(arena.Id, 0, 10, Token)).Select(entry => entry.Event));
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
    }

    [Fact]
    public async Task Many_that_migrate_at_once_make_one_schema()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        int[] had = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => LeaseSchema.MigrateAsync(source, Token)));
        Assert.Single(had, version => version == 0);
    }

    [Fact]
    public async Task R2_the_constraint_refuses_what_the_functions_might_get_wrong()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using LeaseSession session = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        LeasedArena<uint> arena = await LeasedArena<uint>.OpenAsync(session, "ids", Ids, Token);
        await arena.AllocateAsync(1, default, Token);
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(source, """
            INSERT INTO vmem.extent (arena, range, state, session, fence, since)
            SELECT 1, int8range(5, 7), 'L', min(id), 99, now() FROM vmem.session
            """));
        Assert.Equal(PostgresErrorCodes.ExclusionViolation, fault.SqlState);
    }

    /// <summary>Of a transaction pooler this is what matters: the next statement may go to any connection, and none keeps
    /// anything.</summary>
    [Fact]
    public async Task R0_each_statement_may_come_through_another_connection()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync(), more: "Pooling=false;Max Auto Prepare=0");
        await using LeaseSession session = await LeaseSession.OpenAsync(new PostgreSqlLeaseStore(source), s_options, Token);
        LeasedArena<uint> arena = await LeasedArena<uint>.OpenAsync(session, "ids", Ids, Token);
        LeasedRange<uint> range = await arena.AllocateAsync(16, default, Token);
        arena.Free(range, clean: true);

        // The session and the stock have calls of their own under way. Each has its lock for as long as it lasts, and no longer.
        await Eventually.HoldsAsync(async () => await PostgresServer.ExecuteAsync(source, """
            SELECT count(*) FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """) is 0L);
    }

    [Fact]
    public async Task Clients_at_once_never_overlap_deadlock_or_retry()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var store = new PostgreSqlLeaseStore(source);
        TimeSpan ttl = TimeSpan.FromMinutes(5);
        LeaseDefinition definition = new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = ttl };
        LeaseArena arena = await store.EnsureArenaAsync("ids", definition, Token);
        LeaseClaim[][] claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            var session = Guid.NewGuid();
            await store.OpenSessionAsync(session, $"client {client}", ttl, 0, Token);
            List<LeaseClaim> mine = [];
            for (int i = 0; i < 25; i++)
            {
                LeaseAnswer answer = await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1024), Token);
                mine.Add(answer.Claim!);
                Assert.NotNull(await store.RenewAsync(session, 0, Token));
                if (i % 3 == 0)
                {
                    Assert.True(await store.ReleaseAsync(mine[^1], clean: i % 2 == 0, null, Token));
                    mine.RemoveAt(mine.Count - 1);
                    await store.SweepAsync(arena.Id, Token);
                }
            }

            if (client % 2 == 0)
            {
                await store.CloseSessionAsync(session, clean: true, Token);
                mine.Clear();
            }

            return mine.ToArray();
        }, Token)));
        LeaseClaim[] all = [.. claims.SelectMany(mine => mine)];
        Assert.Equal(all.Length, all.Select(claim => claim.Start).Distinct().Count());
        Assert.Equal(all.Length, all.Select(claim => claim.Fence).Distinct().Count());
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
    }
}
