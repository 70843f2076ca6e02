using Microsoft.Data.Sqlite;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>What concerns this engine alone: the file, its proof, its errors, and several stores on it.</summary>
public sealed class SqliteLeaseStoreTests : IDisposable
{
    private static readonly LeaseSessionOptions s_options = new() { Owner = "tests", Ttl = TimeSpan.FromMinutes(5) };

    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LeaseDefinition Definition { get; } =
        new() { Start = 1000, Size = 64, Type = "UInt64", Quarantine = TimeSpan.FromMinutes(5) };

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task The_first_call_makes_the_file_and_stores_share_an_arena()
    {
        await using var first = new SqliteLeaseStore(_file.Path);
        await using var second = new SqliteLeaseStore(_file.Path);
        await using LeaseSession one = await LeaseSession.OpenAsync(first, s_options, Token);
        await using LeaseSession other = await LeaseSession.OpenAsync(second, s_options, Token);
        LeasedArenaOptions<ushort> ports = new() { SpanSize = 16, Definition = new() { Start = 20000, Size = 1024 } };
        LeasedArena<ushort> ours = await LeasedArena<ushort>.OpenAsync(one, "ports", ports, Token);
        LeasedArena<ushort> theirs = await LeasedArena<ushort>.OpenAsync(other, "ports", ports, Token);
        HashSet<ushort> seen = [];
        for (int i = 0; i < 100; i++)
        {
            Assert.True(seen.Add((await ours.AllocateAsync(1, default, Token)).Start));
            Assert.True(seen.Add((await theirs.AllocateAsync(1, default, Token)).Start));
        }

        WorkerId worker = await WorkerId.LeaseAsync(one, "workers", 10, Token);
        await worker.ReserveAsync(4711);
        await one.DisposeAsync();
        WorkerId heir = await WorkerId.LeaseAsync(other, "workers", 10, Token);
        Assert.Equal((worker.Value, (long?)4711), (heir.Value, heir.Watermark));
        Assert.Empty(await second.ValidateAsync(1, Token));
    }

    [Fact]
    public async Task What_was_answered_is_there_for_the_next_that_opens_the_file()
    {
        var session = Guid.NewGuid();
        LeaseClaim claim;
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            claim = await GrantAsync(store, session, 8);
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        Assert.Equal([claim], await again.GetHeldAsync(session, Token));
        Assert.Equal(1, (await again.GetInfoAsync(Token)).Incarnation);
    }

    [Fact]
    public async Task All_128_bits_are_good()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        UInt128 size = UInt128.One << 100;
        LeaseDefinition top = Definition with { Start = UInt128.MaxValue - size, Size = size, Type = "UInt128" };
        LeaseArena arena = await store.EnsureArenaAsync("prefixes", top, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", TimeSpan.FromMinutes(1), 0, Token);
        LeaseClaim low = (await AskAsync(UInt128.One << 64)).Claim!;
        LeaseClaim high = (await AskAsync(top.Size - (UInt128.One << 64))).Claim!;
        Assert.Equal(UInt128.MaxValue, high.Start + high.Size);
        Assert.Equal(LeaseVerdict.NoRoom, (await AskAsync(1)).Verdict);
        Assert.True(await store.ReleaseAsync(high, clean: true, null, Token));
        Assert.True(await store.ReleaseAsync(low, clean: true, null, Token));
        Assert.Equal(top.Size, Assert.Single(await store.ListAsync(arena.Id, Token)).Size);
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));

        ValueTask<LeaseAnswer> AskAsync(UInt128 wanted) =>
            store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), wanted), Token);
    }

    [Theory]
    [InlineData("INSERT INTO extent (arena, start, last, size, state, fence, since) SELECT arena, x'000000000000000000000000000003EC', last, size, 0, 0, 0 FROM extent WHERE state = 1", "before")]
    [InlineData("UPDATE extent SET last = x'000000000000000000000000000003F0' WHERE state = 1", "after")]
    [InlineData("UPDATE extent SET start = x'00000000000000000000000000000001' WHERE state = 1", "move")]
    [InlineData("UPDATE arena SET fence = 0", "fence")]
    [InlineData("INSERT INTO session (instance, owner, ttl, quarantine, latest, expires) VALUES (x'00', 'thief', 1, 1, 0, 0); UPDATE extent SET session = last_insert_rowid() WHERE state = 1", "lives")]
    [InlineData("UPDATE extent SET session = NULL WHERE state = 1", "CHECK")]
    public async Task R2_the_proof_refuses_what_code_gets_wrong(string wrong, string why)
    {
        await using (var store = new SqliteLeaseStore(_file.Path))
        {
            await GrantAsync(store, Guid.NewGuid(), 8);
        }

        SqliteException refused = Assert.Throws<SqliteException>(() => _file.Execute(wrong));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_who_wait_share_a_commit()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        var session = Guid.NewGuid();
        LeaseClaim first = await GrantAsync(store, session, 1);
        long before = store.Commits;
        Task<LeaseAnswer>[] waiting;
        await using (SqliteConnection writer = _file.Connect())
        {
            await using SqliteTransaction held = writer.BeginTransaction();
            waiting = [.. Enumerable.Range(0, 60).Select(
                _ => store.GrantAsync(new LeaseRequest(first.Arena, session, Guid.NewGuid(), 1), Token).AsTask())];
        }

        await Task.WhenAll(waiting);
        Assert.InRange(store.Commits - before, 1, 4);
        Assert.All(waiting, answer => Assert.Equal(LeaseVerdict.Granted, answer.Result.Verdict));
        Assert.Empty(await store.ValidateAsync(first.Arena, Token));
    }

    [Fact]
    public async Task Another_process_that_writes_for_too_long_is_an_error_that_changes_nothing()
    {
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { BusyTimeout = TimeSpan.Zero });
        LeaseClaim first = await GrantAsync(store, Guid.NewGuid(), 1);
        await using (SqliteConnection writer = _file.Connect())
        {
            await using SqliteTransaction held = writer.BeginTransaction();
            TimeoutException fault = await Assert.ThrowsAsync<TimeoutException>(
                async () => await store.ReleaseAsync(first, clean: true, null, Token));
            Assert.Contains("Another process", fault.Message, StringComparison.Ordinal);
        }

        Assert.True(await store.ReleaseAsync(first, clean: true, null, Token));
    }

    [Fact]
    public async Task A_store_that_is_closed_answers_what_waited_and_refuses_what_comes()
    {
        var store = new SqliteLeaseStore(_file.Path);
        LeaseClaim first = await GrantAsync(store, Guid.NewGuid(), 1);
        Task<bool> released = store.ReleaseAsync(first, clean: true, null, Token).AsTask();
        await store.DisposeAsync();
        Assert.True(await released);
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.GetInfoAsync(Token));
    }

    [Fact]
    public async Task Sessions_of_a_store_that_was_closed_end_by_time_as_their_process_lives()
    {
        ManualTime time = new();
        LeaseClaim claim;
        await using (var closed = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time }))
        {
            claim = await GrantAsync(closed, Guid.NewGuid(), 8);
        }

        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        Assert.Equal(UInt128.Zero, await store.SweepAsync(claim.Arena, Token));
        Assert.Equal([claim], await store.GetHeldAsync(claim.Session, Token));
        for (int i = 0; i < 2; i++)
        {
            time.Advance(TimeSpan.FromMinutes(6));
            await store.SweepAsync(claim.Arena, Token);
        }

        Assert.Empty(await store.GetHeldAsync(claim.Session, Token));
    }

    [Fact]
    public async Task Pruning_goes_by_number_though_the_clock_went_back()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        LeaseArena arena = await store.EnsureArenaAsync("ids", Definition, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_options.Ttl, 0, Token);
        LeaseAnswer answer = await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1), Token);
        await store.ReleaseAsync(answer.Claim!, clean: true, null, Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), 1), Token);
        _file.Execute($"UPDATE audit SET at = at - {TimeSpan.TicksPerDay} WHERE event IN (0, 6, 8)");
        DateTimeOffset now = (await store.GetInfoAsync(Token)).Now;
        Assert.Equal(1, await store.PruneAsync(now - TimeSpan.FromHours(1), Token));         // its beginning, and not the release
        Assert.Equal([LeaseEvent.Grant, LeaseEvent.Release, LeaseEvent.Free, LeaseEvent.Grant],
            (await store.ReadAuditAsync(arena.Id, 0, 10, Token)).Select(entry => entry.Event));
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
    }

    private static async Task<LeaseClaim> GrantAsync(SqliteLeaseStore store, Guid session, int size)
    {
        LeaseArena arena = await store.EnsureArenaAsync("ids", Definition, Token);
        await store.OpenSessionAsync(session, "tests", TimeSpan.FromMinutes(5), 0, Token);
        return (await store.GrantAsync(new LeaseRequest(arena.Id, session, Guid.NewGuid(), (UInt128)size), Token)).Claim!;
    }

}
