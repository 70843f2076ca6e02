using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>A store leaves its connection to the next call, and keeps it from nobody.</summary>
public sealed class KeptConnectionTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan s_ttl = TimeSpan.FromMinutes(5);

    private readonly Guid _session = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A session that is reset forgets its marks as it forgets its plans.</summary>
    [Fact]
    public async Task The_server_keeps_a_session_from_call_to_call()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        await using PostgreSqlLeaseStore store = new(source, migrates: true, new ManualTime());
        Assert.Equal(30, await GrantsASessionAsync(source, store, 30));
    }

    [Fact]
    public async Task After_its_end_a_store_goes_on_and_keeps_none()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        await store.DisposeAsync();
        Assert.Equal(1, await GrantsASessionAsync(source, store, 5));
    }

    /// <summary>What is left in a session by a call that failed is not known.</summary>
    [Fact]
    public async Task The_session_of_a_call_that_failed_is_reset()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync(), more: "Maximum Pool Size=1");
        PostgreSqlLeaseStore store = new(source);
        await store.GetInfoAsync(Token);
        await PostgresServer.ExecuteAsync(source, """
            DROP FUNCTION vmem.renew_session(uuid, bigint);
            CREATE FUNCTION vmem.renew_session(p_session uuid, p_latest bigint) RETURNS record LANGUAGE plpgsql AS
              $$ BEGIN PERFORM set_config('test.mark', 'left', false); RETURN 1 / p_latest; END $$
            """);
        await Assert.ThrowsAsync<PostgresException>(async () => await store.RenewAsync(_session, 0, Token));
        Assert.Equal("", await PostgresServer.ExecuteAsync(source, "SELECT coalesce(current_setting('test.mark', true), '')"));
    }

    /// <summary>They come while it is kept, and while it is in use.</summary>
    [Fact]
    public async Task A_pool_of_one_connection_serves_others_too()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync(), more: "Maximum Pool Size=1");
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        for (int i = 0; i < 3; i++)
        {
            await GrantAsync(store, arena);
            Assert.Equal(1, await PostgresServer.ExecuteAsync(source, "SELECT 1"));
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                await (worker switch
                {
                    0 => store.RenewAsync(_session, 0, Token).AsTask(),
                    1 => store.GetUsageAsync(arena.Id, Token).AsTask(),
                    2 => i % 10 == 0 ? PostgresServer.ExecuteAsync(source, "SELECT 1") : Task.CompletedTask,
                    _ => GrantAsync(store, arena),
                });
            }
        })));
        Assert.Equal(63, (await store.GetHeldAsync(_session, Token)).Count);
    }

    /// <summary>Each grant counts up a mark of its session. The largest says how many grants one session saw.</summary>
    private async Task<int> GrantsASessionAsync(NpgsqlDataSource source, LeaseStore store, int count)
    {
        LeaseArena arena = await OpenAsync(store);
        await PostgresServer.ExecuteAsync(source, """
            CREATE TABLE marks (mark int);
            CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              PERFORM set_config('test.mark', (coalesce(nullif(current_setting('test.mark', true), ''), '0')::int + 1)::text, false);
              INSERT INTO public.marks VALUES (current_setting('test.mark')::int);
              RETURN NEW; END $$;
            CREATE TRIGGER mark BEFORE UPDATE ON vmem.arena FOR EACH ROW EXECUTE FUNCTION mark();
            """);
        for (int i = 0; i < count; i++)
        {
            await GrantAsync(store, arena);
        }

        return (int)(await PostgresServer.ExecuteAsync(source, "SELECT max(mark) FROM marks"))!;
    }

    private async Task<LeaseArena> OpenAsync(LeaseStore store)
    {
        await store.OpenSessionAsync(_session, "tests", s_ttl, 0, Token);
        return await store.EnsureArenaAsync("ids", new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = s_ttl }, Token);
    }

    private Task<LeaseAnswer> GrantAsync(LeaseStore store, LeaseArena arena) =>
        store.GrantAsync(new LeaseRequest(arena.Id, _session, Guid.NewGuid(), 1), Token).AsTask();
}
