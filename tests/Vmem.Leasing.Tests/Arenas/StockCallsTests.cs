using System.Collections.Concurrent;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Which calls to the store a leased arena makes, and no more than those. The clock stands still unless it is moved.</summary>
public sealed class StockCallsTests : HeirFixture
{
    [Theory]
    [InlineData(1, 1000, 1, 1000, "grant")]
    [InlineData(1, 1010, 1, 1010, "grant")]
    [InlineData(1, 1056, 8, 1056, "grant")]
    [InlineData(1, 999, 1, 1000, "sweep list grant")]
    [InlineData(1, 1060, 8, null, "sweep list")]
    [InlineData(1, 1064, 1, null, "sweep list")]
    [InlineData(4, 1004, 4, 1004, "grant")]
    [InlineData(4, 1002, 4, 1004, "sweep list grant")]
    public async Task A_place_is_asked_for_without_a_look_if_it_can_be_in_the_arena(
        ulong quantum, ulong first, ulong size, int? expected, string calls)
    {
        Quantum = quantum;
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options());
        List<string> made = Processes.Network.Record();
        Assert.Equal((ulong?)expected, await SeekAsync(arena, size, first));
        Assert.Equal(calls, string.Join(' ', made));
    }

    /// <summary>What lies ready is lower than what the store has.</summary>
    [Fact]
    public async Task A_place_at_hand_is_the_answer_if_the_store_has_none_that_is_lower()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options(stock: 1));
        List<string> made = Processes.Network.Record();
        Assert.Equal(1000ul, await SeekAsync(arena, 1, 999));
        Assert.Equal("sweep list", string.Join(' ', made));
    }

    [Theory]
    [InlineData(8, "1000+8:Free 1008+8:Leased 1016+48:Free")]
    [InlineData(7, "1000+10:Free 1010+1:Leased 1011+53:Free")]
    public async Task The_whole_cell_is_leased_for_a_search_if_the_limit_has_room_for_it(ulong limit, string extents)
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options(limit: limit));
        Assert.Equal(1010ul, await SeekAsync(arena, 1, 1010));
        Assert.Equal(extents, await ExtentsAsync());
    }

    /// <summary>Those that came while the first waited for its answer are answered one after the other.</summary>
    [Fact]
    public async Task Many_searches_need_no_time()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options());
        TaskCompletionSource answer = new();
        Processes.Network.Delay = name => name == "grant" ? answer.Task : Task.CompletedTask;
        List<Task<ulong?>> seeks = [SeekAsync(arena, 1, 1000)];
        await Eventually.HoldsAsync(() => Processes.Network.Grants == 1);
        seeks.AddRange([SeekAsync(arena, 1, 1010), SeekAsync(arena, 1, 1020), SeekAsync(arena, 1, 1030)]);
        answer.SetResult();
        Assert.Equal([1000, 1010, 1020, 1030], await Task.WhenAll(seeks).WaitAsync(Token));
    }

    [Fact]
    public async Task What_there_is_is_asked_for_once()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options());
        List<string> made = Processes.Network.Record();
        _ = await arena.AllocateAsync(3, default, Token);
        Assert.Equal("grant", string.Join(' ', made));
    }

    /// <summary>An arena that is full is swept, and it is said what it has. Whoever waits learns the latest; for the stock alone it is
    /// asked no more.</summary>
    [Theory]
    [InlineData(0, true, "grant sweep usage", "grant sweep usage")]
    [InlineData(1, false, "grant sweep usage", "grant sweep")]
    [InlineData(2, false, "grant grant sweep usage", "grant grant sweep")]
    public async Task A_full_arena_is_swept(int stock, bool waits, string first, string later)
    {
        LeasedArena<ulong> theirs = await OpenAsync(await Processes.OpenOtherAsync(), Options());
        _ = await theirs.AllocateAsync(64, default, Token);
        LeaseSession session = await Processes.OpenAsync();
        ConcurrentQueue<string> made = [];
        Processes.Network.Fate = name =>
        {
            made.Enqueue(name);
            return CallFate.Answered;
        };
        LeasedArena<ulong> arena = await OpenAsync(session, Options(stock));
        ValueTask<LeasedRange<ulong>> waiting = waits ? arena.AllocateAsync(8, default, Token) : default;
        await Eventually.HoldsAsync(() => made.Contains("usage"));
        await UntilAsync(() => Task.FromResult(made.Count(static name => name == "sweep") >= 3));
        Assert.StartsWith($"ensure {first} {later} grant", string.Join(' ', made.Where(static name => name != "renew")), StringComparison.Ordinal);
        if (waits)
        {
            await arena.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        }
    }

    /// <summary>What a dead session had is swept up, and asked for again at once.</summary>
    [Fact]
    public async Task What_is_swept_up_is_leased_without_a_wait()
    {
        LeaseSession dead = await Processes.OpenOtherAsync();
        LeasedArena<ulong> theirs = await OpenAsync(dead, Options());
        _ = await theirs.AllocateAsync(64, default, Token);
        await Processes.Memory.CloseSessionAsync(dead.Instance, clean: false, Token);
        Processes.Pass(1.1);
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Options());
        List<string> made = Processes.Network.Record();
        Assert.Equal(1000ul, (await arena.AllocateAsync(8, default, Token).AsTask().WaitAsync(Token)).Start);
        Assert.Equal("grant sweep grant", string.Join(' ', made));
    }

    /// <summary>The first spans are there when it is open.</summary>
    [Fact]
    public async Task The_opening_waits_for_the_stock()
    {
        LeaseSession session = await Processes.OpenAsync();
        TaskCompletionSource answer = new();
        Processes.Network.Delay = name => name == "grant" ? answer.Task : Task.CompletedTask;
        Task<LeasedArena<ulong>> opening = OpenAsync(session, Options(stock: 1));
        await Eventually.HoldsAsync(() => Processes.Network.Grants == 1);
        Assert.False(opening.IsCompleted);
        answer.SetResult();
        Assert.True((await opening).TryAllocate(8, out _));
    }

    /// <summary>The arena ends before it knows what its request came to: the session finds it, and gives it back.</summary>
    [Fact]
    public async Task What_was_granted_to_an_arena_that_has_ended_goes_back()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        Processes.Network.Fate = static name => name == "grant" ? CallFate.AnswerLost : CallFate.Answered;
        Assert.False(arena.TryAllocate(8, out _));
        await Eventually.HoldsAsync(async () => await LeasedAsync() == 8);
        await arena.DisposeAsync();
        Processes.Mend();
        await UntilAsync(async () => await LeasedAsync() == 0);
        Assert.True(session.IsValid);
    }

    private static Task<ulong?> SeekAsync(LeasedArena<ulong> arena, ulong size, ulong first) =>
        ((ISeekingArenaSource<ulong>)arena.Arena).SeekAsync(size, first, first + 100, Token).AsTask();
}
