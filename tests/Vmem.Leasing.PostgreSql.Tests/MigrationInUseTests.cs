using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>A migration beside programs that lease.</summary>
public sealed class MigrationInUseTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A grant locks the arena's table before the server's. One that is under way has both. The next one has the first, and
    /// wants the second, for which the migration waits.</summary>
    [Fact]
    public async Task It_waits_for_grants_and_neither_ends_in_a_deadlock()
    {
        const string Waits = """
            SELECT count(*) FROM pg_locks
             WHERE NOT granted AND relation = 'vmem.server'::regclass AND mode = 'AccessExclusiveLock'
            """;
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        var session = Guid.NewGuid();
        await PostgresServer.ExecuteAsync(source, OldSchema.GetScript(9));
        await PostgresServer.ExecuteAsync(source, $"""
            SELECT vmem.define_arena('ids', 0, 1, 0, 64, 1, 'UInt64', interval '5 minutes');
            SELECT vmem.open_session('{session}', 'old', interval '5 minutes', 0);
            """);
        string grant = $"SELECT (vmem.grant_quickly(1, '{session}', gen_random_uuid(), 1, 0, 0, 0, 0, 0))[1]";
        await using NpgsqlConnection first = await source.OpenConnectionAsync(Token);
        await using NpgsqlConnection second = await source.OpenConnectionAsync(Token);
        await using NpgsqlConnection observer = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(first, $"SET lock_timeout = '1min'; BEGIN; {grant}");
        Task<int> migration = LeaseSchema.MigrateAsync(source, Token);
        await Eventually.HoldsAsync(async () => migration.IsCompleted || await ExecuteAsync(observer, Waits) is 1L);
        Task<object?> next = ExecuteAsync(second, grant);
        await Eventually.HoldsAsync(async () => next.IsCompleted
            || await ExecuteAsync(observer, $"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {second.ProcessID}") is "Lock");
        await Eventually.HoldsAsync(async () => migration.IsCompleted || await ExecuteAsync(observer, Waits) is 1L);
        Assert.False(migration.IsCompleted || next.IsCompleted);
        await ExecuteAsync(first, "COMMIT");
        Assert.Equal(0L, await next);
        Assert.Equal(9, await migration);
        Assert.Equal(0L, await ExecuteAsync(first, grant));
        Assert.Empty(await new PostgreSqlLeaseStore(source).ValidateAsync(1, Token));
    }

    /// <summary>The short waits are for these locks alone.</summary>
    [Fact]
    public async Task It_leaves_the_time_for_locks_as_it_was()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Token);
        string script = LeaseSchema.GetScript().Replace("COMMIT;", "", StringComparison.Ordinal);
        await ExecuteAsync(connection, "SET lock_timeout = '42s'");
        await ExecuteAsync(connection, script);
        Assert.Equal("42s", await ExecuteAsync(connection, "SHOW lock_timeout"));
        await ExecuteAsync(connection, "ROLLBACK");
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync(Token);
    }
}
