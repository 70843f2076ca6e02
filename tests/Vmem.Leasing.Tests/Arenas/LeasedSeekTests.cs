using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What searches for a place leave behind, and whom they keep waiting.</summary>
public sealed class LeasedSeekTests : LeasedArenaFixture
{
    private readonly SemaphoreSlim _answers = new(0);

    [Fact]
    public async Task What_was_leased_for_a_search_that_was_cancelled_goes_back()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        HoldAnswers();
        using var patience = new CancellationTokenSource();
        Task<ulong?> seeking = SeekWithAsync(arena, 1, 1010, 1063, patience.Token);
        await UntilAsync(async () => await LeasedAsync() == 8);       // and the answer is held
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await seeking);
        _answers.Release();
        await UntilAsync(async () => await LeasedAsync() == 0);
    }

    [Fact]
    public async Task A_span_that_a_search_only_looked_at_goes_back()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        LeasedRange<ulong> other = await arena.AllocateAsync(2, new() { Min = 1020, Max = 1022 }, Token);
        HoldAnswers();
        Task<ulong?> first = SeekAsync(arena, 1, 1010, 1063);
        await UntilGrantsAsync(2);
        arena.Free(other, clean: true);
        Task<ulong?> second = SeekAsync(arena, 1, 1012, 1063);
        _answers.Release();
        Assert.Equal(1010ul, await FinishAsync(first));
        Assert.Equal(1012ul, await FinishAsync(second));
        await UntilAsync(async () => await LeasedAsync() == 8);
    }

    [Fact]
    public async Task A_window_that_is_shorter_than_the_place_leases_nothing()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Null(await SeekAsync(arena, 4, 1010, 1012));
        Assert.Null(await SeekAsync(arena, 1, 1010, 1009));
        Assert.Null(await SeekAsync(arena, 4, ulong.MaxValue - 2, ulong.MaxValue));
        Assert.Equal(0, await LeasedAsync());
        Assert.Equal(1010ul, await SeekAsync(arena, 4, 1010, 1013));
    }

    [Fact]
    public async Task If_the_store_fails_again_what_lies_ready_is_the_answer()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(stock: 1));
        Processes.Network.Fate = static call => call == "grant" ? CallFate.Fails : CallFate.Answered;
        Task<ulong?> seeking = SeekAsync(arena, 1, 999, 1063);
        Assert.Equal(1000ul, await FinishAsync(seeking));
        Assert.True(arena.Arena.TryAllocateAt(1000, 2));
        Task<ulong?> above = SeekAsync(arena, 1, 1010, 1063);
        Assert.Null(await FinishAsync(above));
        Assert.True(arena.TryAllocate(4, out _));
    }

    [Fact]
    public async Task Searches_do_not_keep_others_waiting()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        HoldAnswers();
        Task<ulong?>[] seeking = [SeekAsync(arena, 1, 1010, 1063), SeekAsync(arena, 1, 1020, 1063), SeekAsync(arena, 1, 1030, 1063)];
        await UntilGrantsAsync(1);
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, new() { Min = 1040, Max = 1048 }, Token);
        _answers.Release();
        await UntilGrantsAsync(2);
        _answers.Release();
        Assert.Equal(1040ul, (await FinishAsync(waiting)).Start);
        await UntilGrantsAsync(3);
        Assert.Equal(1010ul, await FinishAsync(seeking[0]));
        Assert.Equal([false, false], seeking[1..].Select(static seek => seek.IsCompleted));
        _answers.Release(2);
        Assert.Equal(1020ul, await FinishAsync(seeking[1]));
        Assert.Equal(1030ul, await FinishAsync(seeking[2]));
    }

    /// <summary>A span that the arena may not have would be put back, and nobody would ask for a shorter one.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Near_its_limit_an_arena_leases_what_it_may_have(int stock)
    {
        LeasedArenaOptions<ulong> options = Fleet.Ids(stock: stock) with { Arena = new() { Limit = 15 } };
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), options);
        await arena.AllocateAsync(8, new() { Min = 1016, Max = 1024 }, Token);
        Assert.Null(await SeekAsync(arena, 8, 1032, 1063));
        Assert.Equal(1034ul, (await FinishAsync(arena.AllocateAsync(2, new() { Min = 1034, Max = 1036 }, Token))).Start);
        Assert.Equal(1048ul, await FinishAsync(SeekAsync(arena, 2, 1048, 1063)));
        Assert.True(arena.Arena.TryAllocateAt(1048, 2));
        LeasedRange<ulong> last = await FinishAsync(arena.AllocateAsync(2, default, Token));
        Assert.False(arena.TryAllocate(2, out _));
        Assert.Equal(15ul, arena.Arena.GetStatistics().TotalSize);
        arena.Free(last, clean: true);
    }

    private static Task<ulong?> SeekAsync(LeasedArena<ulong> arena, ulong size, ulong first, ulong last) =>
        SeekWithAsync(arena, size, first, last, Token);

    private static Task<ulong?> SeekWithAsync(LeasedArena<ulong> arena, ulong size, ulong first, ulong last, CancellationToken patience) =>
        ((ISeekingArenaSource<ulong>)arena.Arena).SeekAsync(size, first, last, patience).AsTask();

    /// <summary>Each grant is answered when a test says so.</summary>
    private void HoldAnswers() => Processes.Network.Delay = call => call == "grant" ? _answers.WaitAsync(Token) : Task.CompletedTask;

    private Task UntilGrantsAsync(int grants) => UntilAsync(() => Task.FromResult(Processes.Network.Grants >= grants));

    private async Task<int> LeasedAsync() => (await Processes.Memory.ListAsync(1, Token))
        .Where(static extent => extent.State == LeaseExtentState.Leased).Sum(static extent => (int)extent.Size);
}
