using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>What a grant does not do, and who looks for what the tables no longer refuse.</summary>
public sealed class LeanGrantTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const string Grant = "SELECT (vmem.grant_quickly(1, '{0}', gen_random_uuid(), 1, 0, 0, 0, 0, 0))[1]";

    private static readonly TimeSpan s_ttl = TimeSpan.FromMinutes(5);

    private readonly Guid _session = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>On a busy machine each grant takes long. That is no wait for others.</summary>
    [Fact]
    public async Task Who_is_alone_makes_one_transaction_a_grant_however_long_it_takes()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await PostgresServer.ExecuteAsync(source, """
            CREATE TABLE transactions (id xid8, what text);
            CREATE OR REPLACE FUNCTION vmem.flush() RETURNS void LANGUAGE sql AS
              $$ INSERT INTO public.transactions VALUES (pg_current_xact_id(), 'flush') $$;
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN INSERT INTO public.transactions VALUES (pg_current_xact_id(), 'grant'); PERFORM pg_sleep(0.002); RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE UPDATE ON vmem.arena FOR EACH ROW EXECUTE FUNCTION note();
            """);
        for (int i = 0; i < 10; i++)
        {
            await store.GrantAsync(new LeaseRequest(arena.Id, _session, Guid.NewGuid(), 1), Token);
        }

        Assert.Equal("10 10", await PostgresServer.ExecuteAsync(source,
            "SELECT count(DISTINCT id) || ' ' || count(*) FILTER (WHERE what = 'grant') FROM transactions"));
    }

    /// <summary>A connection makes its plans when there is one extent, and keeps them. Nothing is analysed any more.</summary>
    [Theory]
    [InlineData(Grant)]
    [InlineData("SELECT vmem.grant_lease(1, '{0}', gen_random_uuid(), 1, 0, 0, 0, 0, 0)")]
    [InlineData("SELECT vmem.release_lease(1, '{0}', 4711, 1, 4711, true, NULL)")]
    [InlineData("SELECT vmem.renew('{0}', 0)")]
    [InlineData("SELECT vmem.renew_session('{0}', 0)")]
    public async Task Plans_of_small_tables_are_good_for_large_ones(string statement)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await OpenAsync(new PostgreSqlLeaseStore(source));
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(connection, "VACUUM ANALYZE vmem.extent, vmem.session");
        string call = statement.Replace("{0}", $"{_session}", StringComparison.Ordinal);
        for (int i = 0; i < 8; i++)
        {
            await ExecuteAsync(connection, call);
        }

        const string Scans = """
            SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_xact_user_tables
             WHERE schemaname = 'vmem' AND relname IN ('extent', 'session', 'arena')
            """;
        await ExecuteAsync(connection, "BEGIN");
        object? before = await ExecuteAsync(connection, Scans);
        await ExecuteAsync(connection, call);
        Assert.Equal(before, await ExecuteAsync(connection, Scans));
        await ExecuteAsync(connection, "COMMIT");
    }

    /// <summary>To replace a function takes its settings from it, without a word.</summary>
    [Fact]
    public async Task Functions_keep_their_settings()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        Assert.Equal("close_session grant_lease grant_quickly mark reassert release_lease renew renew_session sweep",
            await PostgresServer.ExecuteAsync(source, """
                SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc
                 WHERE pronamespace = 'vmem'::regnamespace AND proconfig @> ARRAY['enable_seqscan=off', 'jit=off']
                """));
        Assert.Null(await PostgresServer.ExecuteAsync(source, """
            SELECT string_agg(proname, ' ') FROM pg_proc
             WHERE pronamespace = 'vmem'::regnamespace AND prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
            """) as string);
    }

    /// <summary>In place of the references: until the grant is committed nobody can delete its session or its arena.</summary>
    [Theory]
    [InlineData("arena")]
    [InlineData("session")]
    public async Task A_grant_keeps_what_its_extent_refers_to_until_it_is_committed(string table)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await OpenAsync(new PostgreSqlLeaseStore(source));
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(connection, "BEGIN; " + Grant.Replace("{0}", $"{_session}", StringComparison.Ordinal));
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(
            () => PostgresServer.ExecuteAsync(source, $"SELECT id FROM vmem.{table} FOR UPDATE NOWAIT"));
        Assert.Equal(PostgresErrorCodes.LockNotAvailable, fault.SqlState);
    }

    [Theory]
    [InlineData("DELETE FROM vmem.session", "the extent at 0: its session 1 does not exist")]
    [InlineData("INSERT INTO vmem.extent SELECT 7, range, state FROM vmem.extent", "the extent at 0: its arena 7 does not exist")]
    [InlineData("UPDATE vmem.extent SET session = NULL",
        "the extent at 0: it is leased without a session, or has a session and is not leased")]
    [InlineData("UPDATE vmem.extent SET state = 'X' WHERE state = 'F'", "the extent at 8: its state 'X' is unknown")]
    [InlineData("UPDATE vmem.extent SET range = 'empty' WHERE state = 'F'", "an extent without a place: its range empty is empty or has no end")]
    [InlineData("UPDATE vmem.extent SET range = int8range(8, NULL) WHERE state = 'F'",
        "an extent without a place: its range [8,) is empty or has no end")]
    [InlineData("UPDATE vmem.extent SET range = int8range(NULL, 64) WHERE state = 'F'",
        "an extent without a place: its range (,64) is empty or has no end")]
    public async Task Validation_finds_what_no_constraint_refuses(string damage, string expected)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await store.GrantAsync(new LeaseRequest(arena.Id, _session, Guid.NewGuid(), 8), Token);
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
        await PostgresServer.ExecuteAsync(source, "ALTER TABLE vmem.extent ALTER COLUMN since SET DEFAULT now()");
        await PostgresServer.ExecuteAsync(source, damage);
        Assert.Contains(expected, await store.ValidateAsync(arena.Id, Token));
    }

    /// <summary>What is free may be given, so it must be nobody's. The constraint looks when it is given.</summary>
    [Theory]
    [InlineData("UPDATE vmem.extent SET range = int8range(4, 64) WHERE state = 'F'")]
    [InlineData("UPDATE vmem.extent SET range = int8range(4, 5) WHERE state = 'F'")]
    public async Task R2_a_free_extent_over_a_lease_is_never_given(string damage)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await store.GrantAsync(new LeaseRequest(arena.Id, _session, Guid.NewGuid(), 8), Token);
        await PostgresServer.ExecuteAsync(source, damage);
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(
            async () => await store.GrantAsync(new LeaseRequest(arena.Id, _session, Guid.NewGuid(), 1), Token));
        Assert.Equal(PostgresErrorCodes.ExclusionViolation, fault.SqlState);
        Assert.NotEmpty(await store.ValidateAsync(arena.Id, Token));
    }

    [Theory]
    [InlineData("0, 1, 0, 64, 0, 'UInt64', interval '1 minute'")]
    [InlineData("0, 0, 0, 64, 1, 'UInt64', interval '1 minute'")]
    [InlineData("0, 1, 0, 64, 1, 'UInt64', interval '0'")]
    [InlineData("0, 1, 0, 0, 1, 'UInt64', interval '1 minute'")]
    public async Task An_arena_that_cannot_be_is_refused(string definition)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(
            () => PostgresServer.ExecuteAsync(source, $"SELECT id FROM vmem.define_arena('none', {definition})"));
        Assert.Equal(PostgresErrorCodes.CheckViolation, fault.SqlState);
    }

    /// <summary>The constraint knows nothing of leases that hold no value.</summary>
    [Theory]
    [InlineData("grant_quickly(1, '{0}', gen_random_uuid(), 0, 0, 0, 0, 0, 0)")]
    [InlineData("grant_lease(1, '{0}', gen_random_uuid(), 0, 0, 0, 0, 0, 0)")]
    [InlineData("reassert(1, '{0}', 0, 0, 0, gen_random_uuid())")]
    public async Task A_lease_of_nothing_is_refused(string call)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await OpenAsync(new PostgreSqlLeaseStore(source));
        bool isHold = call.StartsWith("reassert", StringComparison.Ordinal);
        await PostgresServer.ExecuteAsync(source, $"UPDATE vmem.server SET phase = 2, hold_until = 'infinity' WHERE {isHold}");
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(
            () => PostgresServer.ExecuteAsync(source, $"SELECT vmem.{call.Replace("{0}", $"{_session}", StringComparison.Ordinal)}"));
        Assert.Equal(PostgresErrorCodes.CheckViolation, fault.SqlState);
    }

    /// <summary>A database of version 9, with a lease and a quarantine, and with a role that may lease.</summary>
    [Fact]
    public async Task An_older_database_is_brought_up_to_date_with_its_leases()
    {
        string database = await server.CreateDatabaseAsync();
        await using NpgsqlDataSource source = server.Connect(database);
        await PostgresServer.ExecuteAsync(source, OldSchema.GetScript(9));
        await PostgresServer.ExecuteAsync(source, $"CREATE ROLE old_{database} LOGIN; SELECT vmem._admit('old_{database}')");
        await PostgresServer.ExecuteAsync(source, $"""
            SELECT vmem.define_arena('ids', 0, 1, 0, 64, 1, 'UInt64', interval '5 minutes');
            SELECT vmem.open_session('{_session}', 'old', interval '5 minutes', 0);
            SELECT vmem.grant_lease(1, '{_session}', gen_random_uuid(), 8, 0, 0, 0, 0, 0);
            SELECT vmem.grant_lease(1, '{_session}', gen_random_uuid(), 8, 0, 0, 0, 0, 0);
            SELECT vmem.release_lease(1, '{_session}', 0, 8, 1, false, NULL);
            """);
        Assert.Equal(9, await LeaseSchema.MigrateAsync(source, Token));

        await using NpgsqlDataSource app = server.Connect(database, $"old_{database}");
        PostgreSqlLeaseStore store = new(app);
        LeaseClaim held = Assert.Single(await store.GetHeldAsync(_session, Token));
        Assert.Equal((UInt128)8, held.Start);
        Assert.Equal((UInt128)16, (await store.GrantAsync(new LeaseRequest(1, _session, Guid.NewGuid(), 48), Token)).Claim!.Start);
        Assert.Equal(LeaseVerdict.NoRoom, (await store.GrantAsync(new LeaseRequest(1, _session, Guid.NewGuid(), 1), Token)).Verdict);
        Assert.True(await store.ReleaseAsync(held, clean: true, null, Token));
        Assert.Empty(await store.ValidateAsync(1, Token));
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync(Token);
    }

    private async Task<LeaseArena> OpenAsync(PostgreSqlLeaseStore store)
    {
        LeaseDefinition definition = new() { Start = 0, Size = 64, Type = "UInt64", Quarantine = s_ttl };
        LeaseArena arena = await store.EnsureArenaAsync("ids", definition, Token);
        await store.OpenSessionAsync(_session, "tests", s_ttl, 0, Token);
        return arena;
    }
}
