using System.Transactions;
using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>Grants and releases commit ahead of the disk, and are answered when the disk has them.</summary>
public sealed class AheadTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    /// <summary>The flush waits for this number of an advisory lock.</summary>
    private const int Gate = 4711;

    private static readonly TimeSpan s_ttl = TimeSpan.FromMinutes(5);

    private readonly Guid _session = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_a_grant_waits_for_the_disk_others_have_the_lock_and_it_is_not_answered()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        LeaseClaim first = await GrantAfterAWaitAsync(source, store, arena);
        await PostgresServer.ExecuteAsync(source, $"""
            CREATE OR REPLACE FUNCTION vmem.flush() RETURNS void LANGUAGE plpgsql AS
              $$ BEGIN PERFORM pg_advisory_xact_lock({Gate}); END $$
            """);
        await using NpgsqlConnection keeper = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(keeper, $"SELECT pg_advisory_lock({Gate})");
        Task<LeaseClaim> grant = GrantAsync(store, arena);
        Task<bool> release = store.ReleaseAsync(first, clean: true, null, Token).AsTask();
        const string Waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        await Eventually.HoldsAsync(async () => await ExecuteAsync(keeper, Waiting) is 2L);
        Assert.False(grant.IsCompleted || release.IsCompleted);
        Assert.Equal(1, await ExecuteAsync(keeper, $"SELECT id FROM vmem.arena WHERE id = {arena.Id} FOR UPDATE NOWAIT"));

        // What a session holds is read when both have committed, and told when the disk has them.
        Assert.Equal(1L, await ExecuteAsync(keeper, $"SELECT count(*) FROM vmem.held('{_session}')"));
        Task<IReadOnlyList<LeaseClaim>> held = store.GetHeldAsync(_session, Token).AsTask();
        await Eventually.HoldsAsync(async () => held.IsCompleted || await ExecuteAsync(keeper, Waiting) is 3L);
        Assert.False(held.IsCompleted);
        await ExecuteAsync(keeper, $"SELECT pg_advisory_unlock({Gate})");
        Assert.Equal(await grant, Assert.Single(await held));
        Assert.True(await release);
    }

    /// <summary>One wait counts for a batch as for a grant, though those after the first had the lock already. Grants with constraints do
    /// not say whether they waited.</summary>
    [Fact]
    public async Task After_a_batch_that_waited_grants_commit_ahead_and_constraints_change_nothing()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await CountFlushesAsync(source);
        LeaseRequest[] batch = [.. Enumerable.Range(0, 12).Select(_ => Request(arena, 1))];
        await AfterAWaitAsync(source, arena, async () => await store.GrantManyAsync(batch, Token));
        for (uint i = 1; i <= 12; i++)
        {
            await store.GrantAsync(Request(arena, 1) with { Min = 20 + i, Max = 21 + i }, Token);
            Assert.Equal((long)i, await PostgresServer.ExecuteAsync(source, "SELECT count(*) FROM flushes"));
        }
    }

    /// <summary>That the second transaction ran is not enough: it must have been committed.</summary>
    [Fact]
    public async Task A_flush_that_is_not_committed_is_no_answer()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await GrantAfterAWaitAsync(source, store, arena);
        await CountFlushesAsync(source);
        await PostgresServer.ExecuteAsync(source, """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$;
            CREATE CONSTRAINT TRIGGER late AFTER INSERT ON flushes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
            """);
        PostgresException fault = await Assert.ThrowsAsync<PostgresException>(() => GrantAsync(store, arena));
        Assert.Equal("full", fault.MessageText);
    }

    /// <summary>A rollback would undo the grant, and its holder would not know.</summary>
    [Theory]
    [InlineData(TransactionScopeAsyncFlowOption.Enabled, false)]
    [InlineData(TransactionScopeAsyncFlowOption.Enabled, true)]
    [InlineData(TransactionScopeAsyncFlowOption.Suppress, false)]
    [InlineData(TransactionScopeAsyncFlowOption.Suppress, true)]
    public async Task A_transaction_of_the_caller_undoes_nothing(TransactionScopeAsyncFlowOption flow, bool completes)
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync());
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        LeaseClaim ahead = await GrantAfterAWaitAsync(source, store, arena);
        LeaseClaim[] granted = [ahead, .. InTransaction(flow, completes, () => GrantAsync(store, arena), () => GrantAsync(store, arena))];
        Assert.Equal(granted, (await store.GetHeldAsync(_session, Token)).OrderBy(static one => one.Start));
        Assert.Equal([true, true], InTransaction(flow, completes, [.. granted[1..].Select(one =>
            (Func<Task<bool>>)(() => store.ReleaseAsync(one, clean: true, null, Token).AsTask()))]));
        Assert.Equal([ahead], await store.GetHeldAsync(_session, Token));
    }

    [Fact]
    public async Task After_a_grant_the_connection_commits_as_before()
    {
        await using NpgsqlDataSource source = server.Connect(await server.CreateDatabaseAsync(), more: "Maximum Pool Size=2");
        PostgreSqlLeaseStore store = new(source);
        LeaseArena arena = await OpenAsync(store);
        await GrantAfterAWaitAsync(source, store, arena);
        await using NpgsqlConnection other = await source.OpenConnectionAsync(Token);
        await GrantAsync(store, arena);
        Assert.Equal("on", await PostgresServer.ExecuteAsync(source, "SHOW synchronous_commit"));
    }

    /// <summary>What calls answer within a transaction. It is rolled back, or its scope was complete before them. The thread waits for
    /// them, as a scope may not flow.</summary>
    private static TResult[] InTransaction<TResult>(TransactionScopeAsyncFlowOption flow, bool completes,
        params ReadOnlySpan<Func<Task<TResult>>> calls)
    {
        TResult[] answers = new TResult[calls.Length];
        using (TransactionScope scope = new(flow))
        {
            Transaction? ambient = Transaction.Current;
            if (completes)
            {
                scope.Complete();
            }

            for (int i = 0; i < calls.Length; i++)
            {
                answers[i] = calls[i]().GetAwaiter().GetResult();
                Assert.True(completes || ambient == Transaction.Current);
            }
        }

        Assert.Null(Transaction.Current);
        return answers;
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

    private static Task<object?> CountFlushesAsync(NpgsqlDataSource source) => PostgresServer.ExecuteAsync(source, """
        CREATE TABLE flushes (n int);
        CREATE OR REPLACE FUNCTION vmem.flush() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.flushes VALUES (1) $$;
        """);

    /// <summary>A grant that has to wait while another's goes first. From then on grants and releases commit ahead.</summary>
    private Task<LeaseClaim> GrantAfterAWaitAsync(NpgsqlDataSource source, PostgreSqlLeaseStore store, LeaseArena arena) =>
        AfterAWaitAsync(source, arena, () => GrantAsync(store, arena));

    private static async Task<TResult> AfterAWaitAsync<TResult>(NpgsqlDataSource source, LeaseArena arena, Func<Task<TResult>> call)
    {
        await using NpgsqlConnection keeper = await source.OpenConnectionAsync(Token);
        await ExecuteAsync(keeper, $"BEGIN; UPDATE vmem.arena SET fence = fence + 1 WHERE id = {arena.Id}");
        Task<TResult> grant = call();
        await Eventually.HoldsAsync(async () => await ExecuteAsync(keeper, "SELECT count(*) FROM pg_locks WHERE NOT granted") is 1L);
        await ExecuteAsync(keeper, "COMMIT");
        return await grant;
    }

    private async Task<LeaseClaim> GrantAsync(PostgreSqlLeaseStore store, LeaseArena arena) =>
        (await store.GrantAsync(Request(arena, 8), Token)).Claim!;

    private LeaseRequest Request(LeaseArena arena, UInt128 size) => new(arena.Id, _session, Guid.NewGuid(), size);
}
