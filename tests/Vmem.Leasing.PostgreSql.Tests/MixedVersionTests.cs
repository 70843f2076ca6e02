using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>Libraries of one version beside a database of another.</summary>
public sealed class MixedVersionTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly LeaseDefinition s_narrow = new() { Start = 1000, Size = 64, Type = "UInt64", Quarantine = TimeSpan.FromMinutes(1) };

    private static readonly LeaseDefinition s_wide = s_narrow with { Start = (UInt128)1 << 100, Type = "UInt128" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task A_newer_database_says_which_libraries_may_use_it(int beyond, bool isRefused)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        int newer = LeaseSchema.Version + 1;
        await PostgresServer.ExecuteAsync(source,
            $"INSERT INTO vmem.schema_version (version, oldest) VALUES ({newer}, {LeaseSchema.Version + beyond})");
        var store = new PostgreSqlLeaseStore(source);
        if (!isRefused)
        {
            Assert.Equal(newer, (await store.GetInfoAsync(Token)).SchemaVersion);
            return;
        }

        LeaseSchemaException fault = await Assert.ThrowsAsync<LeaseSchemaException>(async () => await store.GetInfoAsync(Token));
        Assert.Equal($"The schema vmem has version {newer}, which no library before {newer} may use, and this one is {LeaseSchema.Version}: update the program.",
            fault.Message);
    }

    /// <summary>What a library of version 4 asks: it knows no values beyond a bigint, and must not take the kept numbers for
    /// values.</summary>
    [Theory]
    [InlineData("SELECT * FROM vmem.ensure_arena('wide', NULL, NULL, NULL, NULL, NULL)")]
    [InlineData("SELECT * FROM vmem.ensure_arena('wide', 0, 64, 1, 'UInt128', interval '1 minute')")]
    [InlineData("SELECT * FROM vmem.find_arena(2)")]
    public async Task A_library_that_knows_no_wide_arenas_is_told_to_be_updated(string question)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using var store = new PostgreSqlLeaseStore(source);
        await store.EnsureArenaAsync("narrow", s_narrow, Token);
        await store.EnsureArenaAsync("wide", s_wide, Token);
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(source, question));
        Assert.Equal("VM001", fault.SqlState);
        Assert.Equal("Arena 'wide' has values that this version of Vmem.Leasing.PostgreSql cannot read: update the program.", fault.MessageText);
    }

    /// <summary>It comes between the look whether it is there and the definition.</summary>
    [Fact]
    public async Task A_wide_arena_that_comes_meanwhile_is_refused_too()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        await using NpgsqlConnection other = await source.OpenConnectionAsync(Token);
        await ExecuteAsync("BEGIN; SELECT * FROM vmem.define_arena('wide', 4096, 4, 0, 64, 1, 'UInt128', interval '1 minute')");
        Task<object?> asked = PostgresServer.ExecuteAsync(source, "SELECT * FROM vmem.ensure_arena('wide', 0, 64, 1, 'UInt128', interval '1 minute')");
        await Eventually.HoldsAsync(async () => await ExecuteAsync("SELECT count(*) FROM pg_locks WHERE NOT granted") is 1L);
        await ExecuteAsync("COMMIT");
        Assert.Equal("VM001", (await Assert.ThrowsAsync<PostgresException>(() => asked)).SqlState);

        async Task<object?> ExecuteAsync(string sql)
        {
            await using NpgsqlCommand command = new(sql, other);
            return await command.ExecuteScalarAsync(Token);
        }
    }

    [Fact]
    public async Task A_library_that_knows_no_wide_arenas_is_shown_the_others()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using var store = new PostgreSqlLeaseStore(source);
        await store.EnsureArenaAsync("narrow", s_narrow, Token);
        await store.EnsureArenaAsync("wide", s_wide, Token);
        Assert.Equal("narrow", await PostgresServer.ExecuteAsync(source, "SELECT string_agg(name, ' ') FROM vmem.list_arenas()"));
    }

    /// <summary>A script cannot write its own row, which comes after it.</summary>
    [Fact]
    public async Task The_oldest_library_may_be_named_in_any_row()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        int newer = LeaseSchema.Version + 1;
        await PostgresServer.ExecuteAsync(source, $"UPDATE vmem.schema_version SET oldest = {newer} WHERE version = 1");
        await PostgresServer.ExecuteAsync(source, $"INSERT INTO vmem.schema_version (version) VALUES ({newer})");
        await using var store = new PostgreSqlLeaseStore(source);
        await Assert.ThrowsAsync<LeaseSchemaException>(async () => await store.GetInfoAsync(Token));
    }

    /// <summary>A migration may take longer than the call that began it has time.</summary>
    [Fact]
    public async Task A_migration_goes_on_when_the_call_that_began_it_is_given_up()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using NpgsqlConnection other = await source.OpenConnectionAsync(Token);
        await using NpgsqlCommand hold = new("BEGIN; SELECT pg_advisory_xact_lock(1986880877)", other);
        await hold.ExecuteNonQueryAsync(Token);
        await using var store = new PostgreSqlLeaseStore(source);
        using var patience = new CancellationTokenSource();
        Task<LeaseStoreInfo> asked = store.GetInfoAsync(patience.Token).AsTask();
        const string Waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        await Eventually.HoldsAsync(async () => await PostgresServer.ExecuteAsync(source, Waiting) is 1L);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        hold.CommandText = "COMMIT";
        await hold.ExecuteNonQueryAsync(Token);
        await Eventually.HoldsAsync(async () => await LeaseSchema.ReadVersionAsync(source, Token) == LeaseSchema.Version);
        Assert.Equal(LeaseSchema.Version, (await store.GetInfoAsync(Token)).SchemaVersion);
    }

    [Fact]
    public async Task A_library_that_knows_no_wide_arenas_goes_on_with_the_others()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await LeaseSchema.MigrateAsync(source, Token);
        await using var store = new PostgreSqlLeaseStore(source);
        const string Define = "SELECT id FROM vmem.ensure_arena('narrow', 1000, 64, 1, 'UInt64', interval '1 minute')";
        Assert.Equal(1, await PostgresServer.ExecuteAsync(source, Define));
        Assert.Equal(1, await PostgresServer.ExecuteAsync(source, Define));
        Assert.Equal(s_narrow, (await store.EnsureArenaAsync("narrow", null, Token)).Definition);
        Assert.Equal(1000L, await PostgresServer.ExecuteAsync(source, "SELECT start FROM vmem.find_arena(1)"));
        Assert.Equal(64L, await PostgresServer.ExecuteAsync(source, "SELECT size FROM vmem.list_arenas()"));
        Assert.Null(await PostgresServer.ExecuteAsync(source, "SELECT id FROM vmem.ensure_arena('none', NULL, NULL, NULL, NULL, NULL)"));
    }

    /// <summary>The history of values that are kept as numbers of quanta.</summary>
    [Fact]
    public async Task The_history_of_a_wide_value_is_found()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using var store = new PostgreSqlLeaseStore(source);
        LeaseArena arena = await store.EnsureArenaAsync("wide", s_wide with { Quantum = 4 }, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_wide.Quarantine, 0, Token);
        LeaseClaim claim = (await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 8), Token)).Claim!;
        LeaseAuditEntry entry = Assert.Single(await store.ReadHistoryAsync(arena.Id, claim.Start + 7, 10, Token));
        Assert.Equal((claim.Start, claim.Size, "tests"), (entry.Start, entry.Size, entry.Owner));
        Assert.Empty(await store.ReadHistoryAsync(arena.Id, claim.Start + 8, 10, Token));
        Assert.Empty(await store.ReadHistoryAsync(arena.Id, 5, 10, Token));
        Assert.Empty(await store.ReadHistoryAsync(arena.Id, UInt128.MaxValue, 10, Token));
    }

    /// <summary>Version 12 is the last whose renewals say only how many leases there are.</summary>
    [Fact]
    public async Task A_session_of_a_library_that_counts_goes_on_and_a_role_of_it_renews_as_newer_ones_do()
    {
        string database = await server.CreateDatabaseAsync();
        await using NpgsqlDataSource source = server.Connect(database);
        var session = Guid.NewGuid();
        await PostgresServer.ExecuteAsync(source, OldSchema.GetScript(12));
        await PostgresServer.ExecuteAsync(source, $"CREATE ROLE counts_{database} LOGIN; SELECT vmem._admit('counts_{database}')");
        await PostgresServer.ExecuteAsync(source, $"""
            SELECT vmem.define_arena('ids', 0, 1, 0, 64, 1, 'UInt64', interval '5 minutes');
            SELECT vmem.open_session('{session}', 'old', interval '5 minutes', 0);
            SELECT vmem.grant_lease(1, '{session}', '00000000-0000-7000-8000-00000000000a', 8, 0, 0, 0, 0, 0);
            SELECT vmem.grant_lease(1, '{session}', '00000000-0000-7000-8000-fffffffffffe', 8, 0, 0, 0, 0, 0);
            """);
        Assert.Equal(12, await LeaseSchema.MigrateAsync(source, Token));
        await using NpgsqlDataSource app = server.Connect(database, $"counts_{database}");
        await using var store = new PostgreSqlLeaseStore(app);
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(app, $"SELECT held FROM vmem.renew('{session}', 0)"));
        LeaseRenewal renewal = (await store.RenewAsync(session, 0, Token))!;
        Assert.Equal((2, 2, 8), (renewal.Beat, renewal.Held, renewal.Digest));
    }
}
