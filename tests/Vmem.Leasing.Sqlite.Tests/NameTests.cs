using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>Whose a session's name is, and when the next can have it.</summary>
public sealed class NameTests : IDisposable
{
    private static readonly LeaseSessionOptions s_named = new() { Owner = "tests", Name = "web", Ttl = TimeSpan.FromMinutes(5) };

    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_name_is_one_living_processes()
    {
        await using var one = new SqliteLeaseStore(_file.Path);
        await using LeaseSession first = await LeaseSession.OpenAsync(one, s_named, Token);
        await using var other = new SqliteLeaseStore(_file.Path);
        LeaseSessionException refused = await Assert.ThrowsAsync<LeaseSessionException>(
            () => LeaseSession.OpenAsync(other, s_named, Token));
        Assert.Contains("'web' is in use", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LeaseSessionException>(() => LeaseSession.OpenAsync(one, s_named, Token));
        await using LeaseSession second = await LeaseSession.OpenAsync(other, s_named with { Name = "api" }, Token);
        Assert.True(first.IsValid && second.IsValid);
    }

    /// <summary>If its lock file is gone, or its store was closed, nobody knows that a process is dead: then the time says so.</summary>
    [Theory]
    [InlineData("UPDATE session SET process = NULL")]
    [InlineData("UPDATE session SET process = randomblob(16)")]
    public async Task A_name_whose_holder_nobody_can_see_is_free_when_it_was_silent_for_long_enough(string loss)
    {
        var time = new ManualTime();
        var options = new SqliteLeaseStoreOptions { TimeProvider = time };
        await using var store = new SqliteLeaseStore(_file.Path, options);
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_named.Ttl };
        LeaseArena arena = await store.EnsureArenaAsync("ids", definition, Token);
        Guid silent = await OpenAsync(store);
        await store.InheritAsync(silent, "web", Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, silent, Guid.NewGuid(), 1), Token);
        _file.Execute(loss);
        TimeSpan step = s_named.Ttl + TimeSpan.FromMilliseconds(1);

        Assert.Contains("nobody can say", await RefusalAsync(), StringComparison.Ordinal);
        time.Advance(step);
        Assert.Contains("nobody can say", await RefusalAsync(), StringComparison.Ordinal);        // lapsed, and may revive
        Assert.NotNull(await store.RenewAsync(silent, 0, Token));
        time.Advance(step);
        Assert.Equal(UInt128.Zero, await store.SweepAsync(arena.Id, Token));                     // lapsed again, by whoever sweeps
        LeaseUsage usage = await store.GetUsageAsync(arena.Id, Token);
        Assert.Equal((UInt128.One, UInt128.Zero), (usage.Leased, usage.Lapsed));                 // no time will bring it back
        time.Advance(step);
        Guid heir = await OpenAsync(store);
        Assert.Single(await store.InheritAsync(heir, "web", Token));
        Assert.Null(await store.RenewAsync(silent, 0, Token));
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));

        async Task<string> RefusalAsync()
        {
            Guid hopeful = await OpenAsync(store);
            LeaseSessionException refused = await Assert.ThrowsAsync<LeaseSessionException>(
                async () => await store.InheritAsync(hopeful, "web", Token));
            await store.CloseSessionAsync(hopeful, clean: true, Token);
            return refused.Message;
        }
    }

    /// <summary>What is inherited rests as long as its arena wants, whoever had it first.</summary>
    [Fact]
    public async Task The_heir_of_an_heir_waits_for_the_quarantine_of_what_is_inherited()
    {
        var time = new ManualTime();
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        LeaseDefinition slow = new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_named.Ttl * 4 };
        LeaseArena arena = await store.EnsureArenaAsync("ids", slow, Token);
        Guid first = await OpenAsync(store);
        await store.InheritAsync(first, "web", Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, first, Guid.NewGuid(), 1), Token);
        await store.CloseSessionAsync(first, clean: true, Token);
        Guid second = await OpenAsync(store);
        Assert.Single(await store.InheritAsync(second, "web", Token));
        _file.Execute("UPDATE session SET process = NULL");
        TimeSpan step = s_named.Ttl + TimeSpan.FromMilliseconds(1);
        time.Advance(step);
        await store.SweepAsync(arena.Id, Token);               // it lapses
        for (int quarter = 0; quarter < 4; quarter++)
        {
            Guid hopeful = await OpenAsync(store);
            await Assert.ThrowsAsync<LeaseSessionException>(async () => await store.InheritAsync(hopeful, "web", Token));
            time.Advance(step);
        }

        Assert.Single(await store.InheritAsync(await OpenAsync(store), "web", Token));
    }

    [Fact]
    public async Task A_name_whose_process_lives_is_not_lost_by_silence()
    {
        var time = new ManualTime();
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        LeaseArena arena = await store.EnsureArenaAsync("ids", new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_named.Ttl }, Token);
        Guid holder = await OpenAsync(store);
        await store.InheritAsync(holder, "web", Token);
        for (int i = 0; i < 3; i++)
        {
            time.Advance(s_named.Ttl * 2);
            await store.SweepAsync(arena.Id, Token);
        }

        Guid hopeful = await OpenAsync(store);
        await Assert.ThrowsAsync<LeaseSessionException>(async () => await store.InheritAsync(hopeful, "web", Token));
        Assert.NotNull(await store.RenewAsync(holder, 0, Token));
    }

    /// <summary>Its process lives, and it is over. So nobody else can have the name, and the process itself can, by the time.</summary>
    [Fact]
    public async Task A_name_that_was_left_to_lapse_can_be_had_again_by_its_process()
    {
        var time = new ManualTime();
        LeaseSessionOptions options = s_named with { TimeProvider = time };
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        LeaseSession first = await LeaseSession.OpenAsync(store, options, Token);
        WorkerId worker = await WorkerId.LeaseAsync(first, "workers", 2, Token);
        await first.LapseAsync();
        for (int stamp = 0; stamp < 2; stamp++)
        {
            LeaseSessionException refused = await Assert.ThrowsAsync<LeaseSessionException>(
                () => LeaseSession.OpenAsync(store, options, Token));
            Assert.Contains("of this process", refused.Message, StringComparison.Ordinal);
            time.Advance(s_named.Ttl + TimeSpan.FromMilliseconds(1));
        }

        await using LeaseSession second = await LeaseSession.OpenAsync(store, options, Token);
        Assert.Equal(worker.Value, (await WorkerId.LeaseAsync(second, "workers", 2, Token)).Value);
        Assert.Empty(await store.ValidateAsync(1, Token));
    }

    /// <summary>Another store object of the process is as another process: the first one's lock says that its process lives.</summary>
    [Fact]
    public async Task A_name_that_was_left_to_lapse_can_be_had_through_another_store_when_its_own_is_closed()
    {
        var time = new ManualTime();
        LeaseSessionOptions options = s_named with { TimeProvider = time };
        var own = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        LeaseSession first = await LeaseSession.OpenAsync(own, options, Token);
        WorkerId worker = await WorkerId.LeaseAsync(first, "workers", 2, Token);
        await first.LapseAsync();
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        for (int stamp = 0; stamp < 3; stamp++)
        {
            Assert.Contains("through the same store, or close that store", await RefusalAsync(), StringComparison.Ordinal);
            time.Advance(s_named.Ttl * 2);
        }

        await own.DisposeAsync();
        Assert.Contains("nobody can say", await RefusalAsync(), StringComparison.Ordinal);
        time.Advance(s_named.Ttl + TimeSpan.FromMilliseconds(1));
        await using LeaseSession second = await LeaseSession.OpenAsync(store, options, Token);
        Assert.Equal(worker.Value, (await WorkerId.LeaseAsync(second, "workers", 2, Token)).Value);

        async Task<string> RefusalAsync() =>
            (await Assert.ThrowsAsync<LeaseSessionException>(() => LeaseSession.OpenAsync(store, options, Token))).Message;
    }

    [Fact]
    public async Task Nothing_is_inherited_while_the_hold_lasts()
    {
        var time = new ManualTime();
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        await store.EnsureArenaAsync("ids", new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_named.Ttl }, Token);
        await OpenAsync(store);
        _file.Execute("DELETE FROM audit");                    // an older copy of the file: it ends before the witness
        Guid heir = await OpenAsync(store);
        LeaseSessionException refused = await Assert.ThrowsAsync<LeaseSessionException>(
            async () => await store.InheritAsync(heir, "web", Token));
        Assert.Contains("put back from a copy", refused.Message, StringComparison.Ordinal);
        for (int phase = 0; phase < 2; phase++)
        {
            time.Advance(s_named.Ttl + TimeSpan.FromMilliseconds(1));
            await store.RenewAsync(heir, 0, Token);
        }

        Assert.Empty(await store.InheritAsync(heir, "web", Token));
    }

    /// <summary>A store that cannot know who is dead refuses names.</summary>
    [Fact]
    public async Task In_memory_there_are_no_names()
    {
        await using var store = new InMemoryLeaseStore();
        NotSupportedException refused = await Assert.ThrowsAsync<NotSupportedException>(
            () => LeaseSession.OpenAsync(store, s_named, Token));
        Assert.Contains("SqliteLeaseStore", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ListSessionsAsync(Token));
    }

    private static async Task<Guid> OpenAsync(SqliteLeaseStore store)
    {
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_named.Ttl, 0, Token);
        return session;
    }
}
