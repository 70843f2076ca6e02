using Vmem.Diagnostics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

public sealed class LeasedArenaTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task It_hands_out_ranges_of_leased_spans_with_their_fence()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        LeasedRange<ulong> one = await arena.AllocateAsync(3, default, Token);
        LeasedRange<ulong> two = await arena.AllocateAsync(5, default, Token);
        Assert.Equal((1000ul, 3ul), (one.Start, one.Size));
        Assert.Equal((1003ul, 5ul), (two.Start, two.Size));
        Assert.Equal(one.Fence, two.Fence);
        LeaseExtent extent = (await _fleet.Memory.ListAsync(1, Token))[0];
        Assert.Equal(((UInt128)8, one.Fence), (extent.Size, extent.Fence));
    }

    [Fact]
    public async Task Processes_get_ranges_that_never_overlap_and_fences_that_grow()
    {
        LeasedArena<ulong> one = await OpenAsync(await _fleet.OpenAsync());
        LeasedArena<ulong> other = await OpenAsync(await _fleet.OpenOtherAsync());
        HashSet<ulong> seen = [];
        for (int i = 0; i < 32; i++)
        {
            Assert.True(seen.Add((await one.AllocateAsync(1, default, Token)).Start));
            Assert.True(seen.Add((await other.AllocateAsync(1, default, Token)).Start));
        }
    }

    [Fact]
    public async Task With_a_stock_the_network_is_asked_ahead()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync(), Fleet.Ids(64, 8, 2));
        Assert.Equal(2, _fleet.Network.Grants);
        Assert.True(arena.TryAllocate(8, out _));
        Assert.True(arena.TryAllocate(8, out _));
    }

    [Fact]
    public async Task Without_a_lease_at_hand_TryAllocate_fails_and_has_one_brought()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        Assert.False(arena.TryAllocate(4, out LeasedRange<ulong> range));
        await Eventually.HoldsAsync(() => arena.TryAllocate(4, out range));

        Assert.Equal(1000ul, range.Start);
    }

    [Fact]
    public async Task TryAllocate_never_calls_the_store_on_its_thread()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        int caller = Environment.CurrentManagedThreadId;
        bool isAsked = false;
        bool isInside = false;
        _fleet.Network.Fate = _ =>
        {
            isAsked |= isInside && Environment.CurrentManagedThreadId == caller;
            return CallFate.Answered;
        };
        for (int i = 0; i < 64; i++)
        {
            isInside = true;
            bool met = arena.TryAllocate(1, out LeasedRange<ulong> range);
            isInside = false;
            if (met)
            {
                isInside = true;
                arena.Free(range);
                isInside = false;
            }
        }

        Assert.False(isAsked);
    }

    [Fact]
    public async Task A_request_larger_than_a_span_leases_what_it_needs()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        Assert.Equal(20ul, (await arena.AllocateAsync(20, default, Token)).Size);
    }

    [Fact]
    public async Task Near_the_end_smaller_spans_are_leased()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync(), Fleet.Ids(20, 16));
        LeasedArena<ulong> other = await OpenAsync(await _fleet.OpenOtherAsync(), Fleet.Ids(20, 16));
        await arena.AllocateAsync(16, default, Token);
        Assert.Equal(1016ul, (await other.AllocateAsync(3, default, Token)).Start);
    }

    [Theory]
    [InlineData(16, 0, 0, 0, 1008)]
    [InlineData(16, 4, 0, 0, 1012)]
    [InlineData(0, 0, 1010, 1030, 1010)]
    public async Task Constraints_are_kept(ulong align, ulong phase, ulong min, ulong max, ulong expected)
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        RangeConstraints<ulong> constraints = new() { Align = align, Phase = phase, Min = min, Max = max };
        Assert.Equal(expected, (await arena.AllocateAsync(4, constraints, Token)).Start);
    }

    [Fact]
    public async Task A_boundary_is_not_crossed()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        for (int i = 0; i < 3; i++)
        {
            LeasedRange<ulong> range = await arena.AllocateAsync(12, new RangeConstraints<ulong> { NoCross = 16 }, Token);
            Assert.Equal(range.Start / 16, (range.Start + 11) / 16);
        }
    }

    [Fact]
    public async Task Who_waits_in_a_full_arena_is_served_when_another_process_gives_back()
    {
        LeaseSession other = await _fleet.OpenOtherAsync();
        LeasedArena<ulong> theirs = await OpenAsync(other, Fleet.Ids(8, 8));
        LeasedRange<ulong> range = await theirs.AllocateAsync(8, default, Token);
        LeasedArena<ulong> ours = await OpenAsync(await _fleet.OpenAsync(), Fleet.Ids(8, 8));
        ValueTask<LeasedRange<ulong>> waiting = ours.AllocateAsync(8, default, Token);
        Assert.False(waiting.IsCompleted);
        theirs.Free(range, clean: true);
        await other.DisposeAsync();
        Assert.InRange((await FinishAsync(waiting)).Fence, range.Fence + 1, long.MaxValue);
    }

    [Fact]
    public async Task Who_gives_up_waiting_is_told_what_is_free_leased_and_quarantined()
    {
        LeaseSession other = await _fleet.OpenOtherAsync();
        LeasedArena<ulong> theirs = await OpenAsync(other, Fleet.Ids(16, 8));
        LeasedRange<ulong> released = await theirs.AllocateAsync(8, default, Token);
        LeasedRange<ulong> kept = await theirs.AllocateAsync(8, default, Token);
        theirs.Free(released);                                       // not clean: it goes through quarantine
        await UntilAsync(async () => (await _fleet.Memory.GetUsageAsync(1, Token)).Quarantined == 8);
        LeasedArena<ulong> ours = await OpenAsync(await _fleet.OpenAsync(), Fleet.Ids(16, 8));
        using var patience = new CancellationTokenSource();
        ValueTask<LeasedRange<ulong>> waiting = ours.AllocateAsync(8, default, patience.Token);
        await UntilAsync(() => Task.FromResult(
            ((IMetered)ours).TryRead((int)LeaseFigure.Quarantined, out long quarantined) && quarantined == 8));
        OperationCanceledException? fault = null;
        await UntilAsync(async () =>
        {
            await patience.CancelAsync();
            fault = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
            return true;
        });
        Assert.Matches("free 0, leased 8, quarantined 8 until [0-9:]{8}", fault!.Message);
        Assert.Equal(8ul, kept.Size);
    }

    /// <summary>The arena is disposed of while a call of it is under way, which then fails: neither end does.</summary>
    [Fact]
    public async Task A_call_that_fails_at_the_end_ends_nothing_else()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(stock: 1));
        TaskCompletionSource<Task> ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _fleet.Network.Fate = name =>
        {
            if (name != "grant")
            {
                return CallFate.Answered;
            }

            ending.TrySetResult(arena.DisposeAsync().AsTask());
            return CallFate.Fails;
        };
        _ = arena.TryAllocate(8, out _);                              // the stock has one less
        Task end = await ending.Task.WaitAsync(Token);
        await end;
        await session.DisposeAsync();
        Assert.Equal(LeaseState.Lost, session.State);
    }

    [Fact]
    public async Task Suspended_it_hands_out_nothing_and_goes_on_when_it_is_live_again()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(64, 8, 2));
        LeasedRange<ulong> before = await arena.AllocateAsync(1, default, Token);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Pass(1);
        Assert.Equal(LeaseState.Suspended, session.State);
        Assert.False(arena.TryAllocate(1, out _));
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(1, default, Token);
        Assert.False(waiting.IsCompleted);
        _fleet.Mend();
        LeasedRange<ulong> after = await FinishAsync(waiting);
        Assert.NotEqual(before.Start, after.Start);
        Assert.Equal(before.Fence, after.Fence);
        arena.Free(before);
    }

    [Fact]
    public async Task What_is_held_when_the_session_is_lost_is_reported_and_its_late_free_refused()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session);
        List<RangeLost<ulong>> lost = [];
        arena.RangeLost += lost.Add;
        LeasedRange<ulong> freed = await arena.AllocateAsync(2, default, Token);
        LeasedRange<ulong> held = await arena.AllocateAsync(3, default, Token);
        arena.Free(freed);
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _fleet.Pass(0.4);
        Assert.Equal([held], lost.Select(loss => loss.Range));
        Assert.Throws<LeaseLostException>(() => arena.Free(held));
        Assert.False(arena.TryFree(held));
        Assert.False(arena.TryAllocate(1, out _));
        await Assert.ThrowsAsync<LeaseLostException>(async () => await arena.AllocateAsync(1, default, Token));
    }

    [Fact]
    public async Task Who_waits_when_the_session_is_lost_is_told()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        await arena.AllocateAsync(8, default, Token);
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token);
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _fleet.Pass(0.4);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await waiting);
    }

    [Fact]
    public async Task A_free_under_another_fence_changes_nothing()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        ArgumentException fault = Assert.Throws<ArgumentException>(() => arena.Free(range with { Fence = range.Fence - 1 }));
        Assert.Contains($"fence {range.Fence}", fault.Message, StringComparison.Ordinal);
        arena.Free(range);
        Assert.Throws<ArgumentException>(() => arena.Free(range));
    }

    [Fact]
    public async Task Spans_that_are_not_needed_go_back_clean_only_if_all_was_freed_clean()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        LeasedRange<ulong> clean = await arena.AllocateAsync(8, default, Token);
        LeasedRange<ulong> used = await arena.AllocateAsync(8, default, Token);
        arena.Free(clean, clean: true);
        arena.Free(used);
        await UntilAsync(async () =>
        {
            LeaseUsage usage = await _fleet.Memory.GetUsageAsync(1, Token);
            return usage.Leased == 0;
        });
        Assert.Equal(["1000+8 Free", "1008+8 Quarantined", "1016+48 Free"],
            (await _fleet.Memory.ListAsync(1, Token)).Select(extent => $"{extent.Start}+{extent.Size} {extent.State}"));
    }

    [Fact]
    public async Task A_lost_answer_leaks_nothing()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        int lost = 0;
        _fleet.Network.Fate = name => name == "grant" && lost++ == 0 ? CallFate.AnswerLost : CallFate.Answered;
        LeasedRange<ulong> range = await FinishAsync(arena.AllocateAsync(8, default, Token));
        Assert.Equal(1000ul, range.Start);                           // the one that was granted, not another
        Assert.InRange(lost, 2, 3);
        Assert.Equal((UInt128)8, (await _fleet.Memory.GetUsageAsync(1, Token)).Leased);
    }

    [Fact]
    public async Task The_list_shows_all_processes()
    {
        LeasedArena<ulong> one = await OpenAsync(await _fleet.OpenAsync());
        LeasedArena<ulong> other = await OpenAsync(await _fleet.OpenOtherAsync());
        await one.AllocateAsync(1, default, Token);
        await other.AllocateAsync(1, default, Token);
        IReadOnlyList<LeaseInfo<ulong>> list = await one.ListAsync(Token);
        Assert.Equal(["one", "other", ""], list.Select(info => info.Owner));
        Assert.Equal([1000ul, 1008ul, 1016ul], list.Select(info => info.Start));
    }

    [Fact]
    public async Task Another_type_another_definition_and_a_missing_arena_are_refused()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await OpenAsync(session);
        LeaseDefinitionException type = await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => LeasedArena<ushort>.OpenAsync(session, "ids", null, Token));
        Assert.Contains("UInt64", type.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(32), Token));
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => LeasedArena<ulong>.OpenAsync(session, "none", null, Token));
    }

    [Fact]
    public async Task Options_that_a_leased_arena_cannot_keep_are_refused()
    {
        LeaseSession session = await _fleet.OpenAsync();
        using Arena<ulong> source = new("source", 1);
        ArenaOptions<ulong>[] wrong = [new() { QuantumCacheMax = 8 }, new() { SingleThreaded = true }, new() { Source = source }];
        foreach (ArenaOptions<ulong> options in wrong)
        {
            await Assert.ThrowsAsync<ArgumentException>(
                () => LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids() with { Arena = options }, Token));
        }
    }

    [Fact]
    public async Task A_request_that_can_never_be_met_is_refused_at_once()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync());
        ArgumentException fault = await Assert.ThrowsAsync<ArgumentException>(async () => await arena.AllocateAsync(65, default, Token));
        Assert.Contains("64", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_threads_get_ranges_that_never_overlap()
    {
        LeasedArena<ulong> arena = await OpenAsync(await _fleet.OpenAsync(), Fleet.Ids(4096, 64, 2));
        ulong[][] got = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            List<ulong> mine = [];
            for (int i = 0; i < 1000; i++)
            {
                LeasedRange<ulong> range = await arena.AllocateAsync(1, default, Token);
                if (i % 3 == 0)
                {
                    arena.Free(range, clean: true);
                }
                else
                {
                    mine.Add(range.Start);
                }
            }

            return mine.ToArray();
        }, Token)));
        Assert.Equal(got.Sum(mine => mine.Length), got.SelectMany(mine => mine).Distinct().Count());
        arena.Arena.Validate();
    }

    private static Task<LeasedArena<ulong>> OpenAsync(LeaseSession session, LeasedArenaOptions<ulong>? options = null) =>
        LeasedArena<ulong>.OpenAsync(session, "ids", options ?? Fleet.Ids(), Token);

    /// <summary>Moves the clock until a wait is over: time-outs and polls are part of it.</summary>
    private async Task<TResult> FinishAsync<TResult>(ValueTask<TResult> waiting)
    {
        Task<TResult> task = waiting.AsTask();
        await UntilAsync(() => Task.FromResult(task.IsCompleted));
        return await task;
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        await Eventually.HoldsAsync(condition, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));
    }
}
