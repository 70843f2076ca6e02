using Microsoft.Data.Sqlite;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>A file that is put back to an older copy, more than once or to almost nothing.</summary>
public sealed class RestorationTests : IDisposable
{
    private static readonly TimeSpan s_ttl = TimeSpan.FromSeconds(30);
    private static readonly LeaseDefinition s_definition = new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = s_ttl };

    private readonly TempFile _file = new();
    private readonly ManualTime _time = new();
    private readonly SqliteConnection _copy = new("Data Source=:memory:");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private SqliteLeaseStoreOptions Options => new() { TimeProvider = _time };

    public void Dispose()
    {
        _copy.Dispose();
        _file.Dispose();
    }

    /// <summary>The copy does not know that it was put back before. Holders of the time between do, and so do resources that saw their
    /// fences.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task R4_the_same_copy_put_back_twice_is_another_incarnation_each_time(bool reopens)
    {
        var store = new SqliteLeaseStore(_file.Path, Options);
        LeaseArena arena = await store.EnsureArenaAsync("ids", s_definition, Token);
        Copy();
        long fence = 0;
        for (int incarnation = 2; incarnation < 5; incarnation++)
        {
            await OpenAsync(store);                            // something to forget
            if (reopens)
            {
                await store.DisposeAsync();
                store = new SqliteLeaseStore(_file.Path, Options);
            }

            PutBack();
            await OutlastHoldAsync(store, arena);
            LeaseClaim claim = await GrantAsync(store, arena);
            Assert.Equal(incarnation, (await store.GetInfoAsync(Token)).Incarnation);
            Assert.InRange(claim.Fence, fence + 1, long.MaxValue);
            fence = claim.Fence;
        }

        await store.DisposeAsync();
    }

    /// <summary>A library that knows only how far the audit came leaves a shorter witness.</summary>
    [Fact]
    public async Task R4_a_witness_without_an_incarnation_does()
    {
        await using (var store = new SqliteLeaseStore(_file.Path, Options))
        {
            await store.EnsureArenaAsync("ids", s_definition, Token);
            Copy();
            await OpenAsync(store);
        }

        string witness = Path.Combine(_file.Path + "-leases", "witness");
        await File.WriteAllBytesAsync(witness, (await File.ReadAllBytesAsync(witness, Token))[..8], Token);
        PutBack();
        await using var again = new SqliteLeaseStore(_file.Path, Options);
        await OpenAsync(again);
        Assert.Equal(2, (await again.GetInfoAsync(Token)).Incarnation);
    }

    /// <summary>Whoever leased what the copy has never heard of believes for its TTL, which is not known.</summary>
    [Fact]
    public async Task R4_a_copy_without_an_arena_holds_as_long_as_an_arena_would_by_default()
    {
        await using var store = new SqliteLeaseStore(_file.Path, Options);
        await store.GetInfoAsync(Token);
        Copy();
        LeaseClaim lost = await GrantAsync(store, await store.EnsureArenaAsync("ids", s_definition, Token));
        PutBack();
        LeaseArena again = await store.EnsureArenaAsync("ids", s_definition, Token);
        for (int phase = 0; phase < 2; phase++)
        {
            Assert.Equal(LeaseVerdict.OnHold, (await AskAsync(store, again)).Verdict);
            Assert.Equal(LeaseVerdict.OnHold, (await AskAsync(store, again)).Verdict);
            _time.Advance(s_ttl + TimeSpan.FromMilliseconds(1));
        }

        LeaseClaim next = await GrantAsync(store, again);
        Assert.Equal(lost.Start, next.Start);
        Assert.InRange(next.Fence, lost.Fence + 1, long.MaxValue);
    }

    private static async Task<Guid> OpenAsync(SqliteLeaseStore store)
    {
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "tests", s_ttl, 0, Token);
        return session;
    }

    private static async Task<LeaseAnswer> AskAsync(SqliteLeaseStore store, LeaseArena arena) =>
        await store.GrantAsync(new LeaseRequest(arena.Id, await OpenAsync(store), Guid.NewGuid(), 1), Token);

    private static async Task<LeaseClaim> GrantAsync(SqliteLeaseStore store, LeaseArena arena)
    {
        LeaseAnswer answer = await AskAsync(store, arena);
        Assert.Equal(LeaseVerdict.Granted, answer.Verdict);
        return answer.Claim!;
    }

    private async Task OutlastHoldAsync(SqliteLeaseStore store, LeaseArena arena)
    {
        for (int phase = 0; phase < 3; phase++)
        {
            await store.SweepAsync(arena.Id, Token);
            _time.Advance(s_ttl + TimeSpan.FromMilliseconds(1));
        }
    }

    private void Copy()
    {
        _copy.Open();
        using SqliteConnection file = _file.Connect();
        file.BackupDatabase(_copy);
    }

    private void PutBack()
    {
        using SqliteConnection file = _file.Connect();
        _copy.BackupDatabase(file);
    }
}
