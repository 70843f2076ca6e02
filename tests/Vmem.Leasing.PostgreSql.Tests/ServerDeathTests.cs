using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>The server is killed under its clients, again and again.</summary>
public sealed class ServerDeathTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Once", "Release")]
    public async Task What_was_acknowledged_survives_and_is_given_to_nobody_else()
    {
        const int Deaths = 3;
        string database = await server.CreateDatabaseAsync();
        TimeSpan ttl = TimeSpan.FromMinutes(30);
        var session = Guid.NewGuid();
        List<LeaseClaim> acknowledged = [];
        for (int death = 0; death < Deaths; death++)
        {
            await using NpgsqlDataSource source = server.Connect(database);        // with no connection of a former life
            var store = new PostgreSqlLeaseStore(source);
            LeaseArena arena = await store.EnsureArenaAsync("ids", Definition(ttl), Token);
            if (death == 0)
            {
                await store.OpenSessionAsync(session, "tests", ttl, 0, Token);
            }

            Task<LeaseClaim[]>[] clients =
                [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => GrantUntilItDiesAsync(store, arena, session), Token))];
            while (await CountAsync(store, session) < (death + 1) * 50)
            {
                Assert.DoesNotContain(clients, static client => client.IsCompleted);         // nobody would make it more
            }

            await server.KillAsync();
            acknowledged.AddRange((await Task.WhenAll(clients)).SelectMany(claims => claims));
            await server.StartAsync();
        }

        await using NpgsqlDataSource after = server.Connect(database);
        var survivor = new PostgreSqlLeaseStore(after);
        LeaseArena known = await survivor.EnsureArenaAsync("ids", Definition(ttl), Token);
        IReadOnlyList<LeaseClaim> held = await survivor.GetHeldAsync(session, Token);
        Assert.NotEmpty(acknowledged);
        Assert.Empty(acknowledged.Except(held));
        Assert.Equal(held.Count, held.Select(claim => claim.Fence).Distinct().Count());
        Assert.Equal(1, (await survivor.GetInfoAsync(Token)).Incarnation);         // a restart is no failover
        Assert.Empty(await survivor.ValidateAsync(known.Id, Token));
    }

    private static LeaseDefinition Definition(TimeSpan quarantine) =>
        new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = quarantine };

    private static async Task<LeaseClaim[]> GrantUntilItDiesAsync(PostgreSqlLeaseStore store, LeaseArena arena, Guid session)
    {
        List<LeaseClaim> mine = [];
        try
        {
            while (true)
            {
                LeaseAnswer answer = await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1), Token);
                mine.Add(answer.Claim!);
            }
        }
        catch (Exception fault) when (fault is NpgsqlException or IOException)
        {
            return [.. mine];
        }
    }

    private static async Task<int> CountAsync(PostgreSqlLeaseStore store, Guid session) => (await store.GetHeldAsync(session, Token)).Count;
}
