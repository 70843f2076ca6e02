using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>What a server must not take from what its tables say: how often it failed over, and how long a day is.</summary>
public sealed class ForgottenTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan s_long = TimeSpan.FromDays(2) + TimeSpan.FromSeconds(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The second of two replicas has not heard of the first, and has its number from the archive.</summary>
    [Fact]
    public async Task R4_a_replica_that_has_not_heard_of_a_failover_has_another_incarnation()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using var store = new PostgreSqlLeaseStore(source);
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_long };
        LeaseArena first = await store.EnsureArenaAsync("first", definition, Token);
        await PostgresServer.ExecuteAsync(source,
            "CREATE OR REPLACE FUNCTION vmem._timeline() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT '0000000B' $$");
        Assert.Equal(11, (await store.GetInfoAsync(Token)).Incarnation);
        LeaseArena later = await store.EnsureArenaAsync("later", definition, Token);
        Assert.Equal(10_000_000_000, await PostgresServer.ExecuteAsync(source, "SELECT min(fence) FROM vmem.arena"));
        Assert.Equal(10_000_000_000, await PostgresServer.ExecuteAsync(source, "SELECT max(fence) FROM vmem.arena"));
        Assert.Equal((1, 1_000_001), (first.Id, later.Id));
    }

    /// <summary>Where the clocks change, a day has 23 hours or 25, by the time zone of whoever asks.</summary>
    [Fact]
    public async Task A_day_has_24_hours()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await PostgresServer.ExecuteAsync(source, OldSchema.GetScript(11));
        await PostgresServer.ExecuteAsync(source, $"""
            SELECT vmem.define_arena('old', 0, 1, 0, 8, 1, 'UInt32', interval '2 days 1 second');
            SELECT vmem.open_session('{Guid.NewGuid()}', 'old', interval '2 days 1 second', 0);
            """);
        await using var store = new PostgreSqlLeaseStore(source);
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_long };
        await store.EnsureArenaAsync("old", definition, Token);
        await store.EnsureArenaAsync("new", definition, Token);
        await store.OpenSessionAsync(Guid.NewGuid(), "new", s_long, 0, Token);
        const string Lengths = """
            SELECT string_agg(DISTINCT l::text, ', ') FROM (SELECT quarantine FROM vmem.arena UNION ALL SELECT quarantine FROM vmem.session
              UNION ALL SELECT ttl FROM vmem.session) x (l)
            """;
        Assert.Equal("48:00:01", await PostgresServer.ExecuteAsync(source, Lengths));
        Assert.All(await store.ListSessionsAsync(Token), static session => Assert.Equal(s_long, session.Ttl));
    }
}
