using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Queue;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>Grants that are asked for while another of the same arena is under way.</summary>
public sealed class JoinedGrantTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int Gate = 4711;
    private const int Count = 20;

    private static readonly TimeSpan s_ttl = TimeSpan.FromMinutes(5);

    private readonly Guid _session = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The clock stands still: the one is never late.</summary>
    [Fact]
    public async Task Those_that_wait_for_one_go_in_one_transaction_together()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        WatchedTime time = new();
        PostgreSqlLeaseStore store = new(source, migrates: true, time);
        LeaseArena arena = await OpenAsync(store, _session);
        LeaseAnswer[] answers;
        try
        {
            answers = await BehindOneAsync(source, store, arena,
                () => Enumerable.Range(0, Count).Select(_ => GrantAsync(store, arena, _session)));
        }
        finally
        {
            time.GoOn();
        }

        Assert.Equal(Enumerable.Range(0, Count + 1).Select(static place => (UInt128)place), answers.Select(static one => one.Claim!.Start));
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(source, "SELECT count(DISTINCT id) FROM transactions"));
    }

    /// <summary>They are more than go together, and each has an answer.</summary>
    [Fact]
    public async Task Many_that_are_asked_for_in_one_call_have_an_answer_each_in_their_order()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store, _session);
        IReadOnlyList<LeaseAnswer> answers = await store.GrantManyAsync([.. Enumerable.Range(0, 200).Select(place =>
            new LeaseRequest(arena.Id, _session, Guid.NewGuid(), place % 10 == 3 ? UInt128.One << 20 : 1))], Token);
        Assert.Equal([.. Enumerable.Range(0, 200).Select(static place => place % 10 == 3 ? LeaseVerdict.NoRoom : LeaseVerdict.Granted)],
            answers.Select(static one => one.Verdict));
        Assert.Equal(180, answers.Where(static one => one.Claim is not null).Select(static one => one.Claim!.Start).Distinct().Count());
    }

    [Fact]
    public async Task One_that_fails_fails_no_other()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store, _session);
        Guid tooLong = Guid.NewGuid();
        await store.OpenSessionAsync(tooLong, "tests", 2 * s_ttl, 0, Token);
        Task<LeaseAnswer>? bad = null;
        LeaseAnswer[] answers = await BehindOneAsync(source, store, arena, () =>
        {
            Task<LeaseAnswer> first = GrantAsync(store, arena, _session);
            bad = GrantAsync(store, arena, tooLong);
            return [first, GrantAsync(store, arena, _session)];
        });
        Assert.All(answers, static one => Assert.Equal(LeaseVerdict.Granted, one.Verdict));
        Assert.Contains("longer than the quarantine", (await Assert.ThrowsAsync<LeaseDefinitionException>(() => bad!)).Message, StringComparison.Ordinal);
        Assert.Equal(3, (await store.GetHeldAsync(_session, Token)).Count);
    }

    [Fact]
    public async Task A_caller_who_leaves_takes_nobody_with_him()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store, _session);
        LeaseAnswer[] answers = await BehindOneAsync(source, store, arena, () =>
        {
            using CancellationTokenSource left = new();
            Task<LeaseAnswer> leaver = GrantAsync(store, arena, _session, left.Token);
            Task<LeaseAnswer> other = GrantAsync(store, arena, _session);
            left.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => leaver.GetAwaiter().GetResult());
            return [other];
        });
        Assert.All(answers, static one => Assert.Equal(LeaseVerdict.Granted, one.Verdict));
    }

    /// <summary>Its transaction ends, so that the next one does not wait for it.</summary>
    [Fact]
    public async Task Where_all_callers_have_left_the_server_is_told()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store, _session);
        await using NpgsqlConnection keeper = await HoldAsync(source);
        using CancellationTokenSource left = new();
        Task<LeaseAnswer> leaver = GrantAsync(store, arena, _session, left.Token);
        await Eventually.HoldsAsync(async () => await WaitersAsync(source) == 1);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        await Eventually.HoldsAsync(async () => await WaitersAsync(source) == 0);
    }

    /// <summary>Both arenas' grants lock both sessions. Locked crosswise they would wait for each other until the server ends one of
    /// them.</summary>
    [Fact]
    public async Task Two_arenas_and_two_sessions_never_deadlock()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore[] stores = [new(source), new(source)];
        Guid[] sessions = [_session, Guid.NewGuid()];
        LeaseArena[] arenas = [await OpenAsync(stores[0], sessions[0], "one"), await OpenAsync(stores[0], sessions[1], "two")];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                await GrantAsync(stores[worker / 4], arenas[(worker + i) % 2], sessions[(worker + i) / 2 % 2]);
            }
        })));
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(source, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
        int held = (await stores[0].GetHeldAsync(sessions[0], Token)).Count;
        Assert.Equal(400, held + (await stores[0].GetHeldAsync(sessions[1], Token)).Count);
    }

    /// <summary>A first grant is held in the server while others are asked for. All answers, the first one's in front.</summary>
    private async Task<LeaseAnswer[]> BehindOneAsync(NpgsqlDataSource source, LeaseStore store, LeaseArena arena,
        Func<IEnumerable<Task<LeaseAnswer>>> others)
    {
        await using NpgsqlConnection keeper = await HoldAsync(source);
        Task<LeaseAnswer> first = GrantAsync(store, arena, _session);
        await Eventually.HoldsAsync(async () => await WaitersAsync(source) == 1);
        Task<LeaseAnswer>[] all = [first, .. others()];
        await using NpgsqlCommand letGo = new("SELECT pg_advisory_unlock_all()", keeper);
        await letGo.ExecuteNonQueryAsync(Token);
        return await Task.WhenAll(all);
    }

    /// <summary>Each grant notes its transaction, and waits until the connection lets go.</summary>
    private static async Task<NpgsqlConnection> HoldAsync(NpgsqlDataSource source)
    {
        await PostgresServer.ExecuteAsync(source, $"""
            CREATE TABLE transactions (id xid8);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
              $$ BEGIN INSERT INTO public.transactions VALUES (pg_current_xact_id()); PERFORM pg_advisory_xact_lock_shared({Gate}); RETURN NEW; END $$;
            CREATE TRIGGER note BEFORE UPDATE ON vmem.arena FOR EACH ROW EXECUTE FUNCTION note();
            """);
        NpgsqlConnection keeper = await source.OpenConnectionAsync(Token);
        await using NpgsqlCommand hold = new($"SELECT pg_advisory_lock({Gate})", keeper);
        await hold.ExecuteNonQueryAsync(Token);
        return keeper;
    }

    private static async Task<long> WaitersAsync(NpgsqlDataSource source) =>
        (long)(await PostgresServer.ExecuteAsync(source, "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"))!;

    private static async Task<LeaseArena> OpenAsync(LeaseStore store, Guid session, string name = "ids")
    {
        await store.OpenSessionAsync(session, "tests", s_ttl, 0, Token);
        return await store.EnsureArenaAsync(name, new() { Start = 0, Size = 1 << 20, Type = "UInt64", Quarantine = s_ttl }, Token);
    }

    private static Task<LeaseAnswer> GrantAsync(LeaseStore store, LeaseArena arena, Guid session,
        CancellationToken cancellationToken = default) =>
        store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1), cancellationToken).AsTask();
}
