using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What is wrong, or given up, changes nothing.</summary>
public sealed class LeasedArenaMistakeTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task A_wrong_free_leaves_its_span_as_clean_as_it_is()
    {
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(await _fleet.OpenAsync(), "ids", Fleet.Ids(), Token);
        LeasedRange<ulong> kept = await FinishAsync(arena.AllocateAsync(4, default, Token));
        LeasedRange<ulong> range = await FinishAsync(arena.AllocateAsync(4, default, Token));
        Assert.False(arena.TryFree(range with { Size = 3 }));
        Assert.False(arena.TryFree(range with { Start = range.Start + 1, Size = 3 }));
        arena.Free(range, clean: true);
        Assert.False(arena.TryFree(range));
        Assert.Throws<ArgumentException>(() => arena.Free(range));
        arena.Free(kept, clean: true);
        await UntilAsync(async () => (await _fleet.Memory.GetUsageAsync(1, Token)).Leased == 0);
        Assert.Equal(LeaseExtentState.Free, Assert.Single(await _fleet.Memory.ListAsync(1, Token)).State);
    }

    [Fact]
    public async Task A_cancelled_wait_carries_the_callers_token_whatever_is_known_of_the_store()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        _fleet.Cut();
        _fleet.Pass(1);
        using CancellationTokenSource patience = new();
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(4, default, patience.Token);
        Assert.False(waiting.IsCompleted);
        await patience.CancelAsync();
        OperationCanceledException end = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await FinishAsync(waiting));
        Assert.Equal(patience.Token, end.CancellationToken);
    }

    private async Task<TResult> FinishAsync<TResult>(ValueTask<TResult> waiting)
    {
        Task<TResult> task = waiting.AsTask();
        await UntilAsync(() => Task.FromResult(task.IsCompleted));
        return await task;
    }

    private Task UntilAsync(Func<Task<bool>> condition) =>
        Eventually.HoldsAsync(condition, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));
}
