using Npgsql;
using Vmem.Leasing.Conformance;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>The contract on a real server. Its clock is the function <c>vmem._now()</c>, which is replaced here by one that stands still
/// until it is moved: on a busy machine a test may take any time. A failover is a copy of the tables that is put back under another
/// timeline.</summary>
public sealed class PostgreSqlConformanceTests(ContractDatabase database) : LeaseStoreContract, IClassFixture<ContractDatabase>
{
    /// <summary>Where calls are to stop, the clock waits for this number of an advisory lock.</summary>
    private const int Gate = 4712;

    private const string Tables = "vmem.arena, vmem.session, vmem.extent, vmem.audit";

    protected override int OrdersAScript => 10;

    protected override async ValueTask<LeaseStore> CreateAsync()
    {
        await RunAsync($"""
            TRUNCATE {Tables} RESTART IDENTITY;
            UPDATE vmem.server SET timeline = vmem._timeline(), incarnation = 1, phase = 0, hold_until = '-infinity';
            UPDATE test.clock SET moment = '2026-01-01 UTC';
            """);
        return new PostgreSqlLeaseStore(database.Source);
    }

    protected override async ValueTask ElapseAsync(TimeSpan time) =>
        await RunAsync($"UPDATE test.clock SET moment = moment + interval '{time.Ticks / TimeSpan.TicksPerMicrosecond} microseconds'");

    protected override async ValueTask RememberAsync() => await RunAsync($"""
        DROP TABLE IF EXISTS test.server, test.arena, test.session, test.extent, test.audit;
        CREATE TABLE test.server AS TABLE vmem.server;
        CREATE TABLE test.arena AS TABLE vmem.arena;
        CREATE TABLE test.session AS TABLE vmem.session;
        CREATE TABLE test.extent AS TABLE vmem.extent;
        CREATE TABLE test.audit AS TABLE vmem.audit;
        """);

    protected override async ValueTask FailOverAsync() => await RunAsync($"""
        TRUNCATE {Tables}, vmem.server;
        INSERT INTO vmem.server SELECT * FROM test.server;
        UPDATE vmem.server SET timeline = 'another';
        INSERT INTO vmem.arena OVERRIDING SYSTEM VALUE SELECT * FROM test.arena;
        INSERT INTO vmem.session OVERRIDING SYSTEM VALUE SELECT * FROM test.session;
        INSERT INTO vmem.extent SELECT * FROM test.extent;
        INSERT INTO vmem.audit OVERRIDING SYSTEM VALUE SELECT * FROM test.audit;
        SELECT setval(pg_get_serial_sequence('vmem.arena', 'id'), (SELECT max(id) FROM vmem.arena));
        SELECT vmem._server_ok();
        """);

    /// <summary>All functions read the clock when they have their locks. The server says who waits for what.</summary>
    protected override async Task OverlapAsync(Func<LeaseStore, Task> first, Func<LeaseStore, Task> second)
    {
        await using NpgsqlConnection keeper = await database.Source.OpenConnectionAsync(Token);
        await RunAsync($"SELECT pg_advisory_lock({Gate})", keeper);
        await RunAsync($"""
            CREATE OR REPLACE FUNCTION vmem._now() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS
              $$ BEGIN PERFORM pg_advisory_xact_lock_shared({Gate}); RETURN (SELECT moment FROM test.clock); END $$
            """);
        try
        {
            Task stopped = first(Store);
            await Eventually.HoldsAsync(async () => await CountAsync("locktype = 'advisory'") == 1);
            Task begun = second(Store);
            await Eventually.HoldsAsync(async () => begun.IsCompleted || await CountAsync("true") == 2);
            Assert.False(stopped.IsCompleted);
            await RunAsync($"SELECT pg_advisory_unlock({Gate})", keeper);
            await Task.WhenAll(stopped, begun);
        }
        finally
        {
            await RunAsync("SELECT pg_advisory_unlock_all()", keeper);
            await RunAsync(ContractDatabase.Clock);
        }

        async Task<long> CountAsync(string which) =>
            (long)(await RunAsync($"SELECT count(*) FROM pg_locks WHERE NOT granted AND {which}", keeper))!;
    }

    private static async Task<object?> RunAsync(string sql, NpgsqlConnection connection)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync(Token);
    }

    private async Task RunAsync(string sql) => await PostgresServer.ExecuteAsync(database.Source, sql);
}

/// <summary>A server, and a database whose clock can be moved. Another role owns it: no test needs a superuser.</summary>
public sealed class ContractDatabase : IAsyncLifetime
{
    /// <summary>Makes the clock that can be moved.</summary>
    public const string Clock =
        "CREATE OR REPLACE FUNCTION vmem._now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT moment FROM test.clock $$";

    private readonly PostgresServer _server = new();

    public NpgsqlDataSource Source { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        await using (NpgsqlDataSource superuser = _server.Connect())
        {
            await PostgresServer.ExecuteAsync(superuser, "CREATE ROLE plain LOGIN");
        }

        Source = _server.Connect(await _server.CreateDatabaseAsync("plain"), "plain");
        await LeaseSchema.MigrateAsync(Source, TestContext.Current.CancellationToken);
        await PostgresServer.ExecuteAsync(Source, $"""
            CREATE SCHEMA test;
            CREATE TABLE test.clock (moment timestamptz NOT NULL);
            INSERT INTO test.clock VALUES ('2026-01-01 UTC');
            {Clock};
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await _server.DisposeAsync();
    }
}
