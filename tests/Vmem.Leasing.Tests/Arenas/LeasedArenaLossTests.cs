using System.Diagnostics.Metrics;
using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What becomes of ranges and callers when leases, sessions or answers are lost.</summary>
public sealed class LeasedArenaLossTests : LeasedArenaFixture
{
    /// <summary>The arena is disposed of while a call of it is under way, which then fails: neither end does.</summary>
    [Fact]
    public async Task A_call_that_fails_at_the_end_ends_nothing_else()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(stock: 1));
        TaskCompletionSource<Task> ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Processes.Network.Fate = name =>
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
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(64, 8, 2));
        LeasedRange<ulong> before = await arena.AllocateAsync(1, default, Token);
        Processes.Network.Fate = static _ => CallFate.Fails;
        Processes.Pass(1);
        Assert.Equal(LeaseState.Suspended, session.State);
        Assert.False(arena.TryAllocate(1, out _));
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(1, default, Token);
        Assert.False(waiting.IsCompleted);
        Processes.Mend();
        LeasedRange<ulong> after = await FinishAsync(waiting);
        Assert.NotEqual(before.Start, after.Start);
        Assert.Equal(before.Fence, after.Fence);
        arena.Free(before);
    }

    [Fact]
    public async Task What_is_held_when_the_session_is_lost_is_reported_and_its_late_free_refused()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session);
        List<RangeLost<ulong>> lost = [];
        arena.RangeLost += lost.Add;
        LeasedRange<ulong> freed = await arena.AllocateAsync(2, default, Token);
        LeasedRange<ulong> held = await arena.AllocateAsync(3, default, Token);
        arena.Free(freed);
        await Processes.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        Processes.Pass(0.4);
        await Eventually.HoldsAsync(() => session.Lost.IsCancellationRequested);       // the last that is told
        Assert.Equal([held], lost.Select(loss => loss.Range));
        Assert.Throws<LeaseLostException>(() => arena.Free(held));
        Assert.False(arena.TryFree(held));
        Assert.False(arena.TryAllocate(1, out _));
        await Assert.ThrowsAsync<LeaseLostException>(async () => await arena.AllocateAsync(1, default, Token));
    }

    /// <summary>An arena above has imported a part of the span. Whatever it gives back afterwards changes nothing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_an_arena_above_has_is_reported_and_revoked_there(bool revokes)
    {
        LeaseSession session = await Processes.OpenAsync();
        List<ArenaRevocation<ulong>> revoked = [];
        LeasedArenaOptions<ulong> options = Fleet.Ids(64, 8, 2) with { Arena = new() { Revoked = revoked.Add } };
        LeasedArena<ulong> arena = await OpenAsync(session, options);
        using Arena<ulong> above = new(
            "above", 1, new ArenaOptions<ulong> { Source = arena.Arena, RetainedImport = ArenaOptions<ulong>.RetainNone });
        List<RangeLost<ulong>> lost = [];
        arena.RangeLost += lost.Add;
        ulong held = above.Allocate(3);
        await Processes.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        Processes.Pass(0.4);
        await Eventually.HoldsAsync(() => session.Lost.IsCancellationRequested);
        LeasedRange<ulong> import = Assert.Single(lost).Range;
        Assert.Equal((held, 3ul), (import.Start, import.Size));
        Assert.Equal(import.Start, Assert.Single(Assert.Single(revoked).Ranges).Start);
        if (revokes)
        {
            Assert.True(above.Revoke(import.Start, import.Size));
            Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => above.Free(held, 3)).Reason);
        }
        else
        {
            above.Free(held, 3);
        }

        Assert.Equal(0ul, above.GetStatistics().TotalSize);
        Assert.Equal(0ul, arena.Arena.GetStatistics().InUse);
        arena.Arena.Validate();
    }

    [Fact]
    public async Task Who_waits_when_the_session_is_lost_is_told()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        await arena.AllocateAsync(8, default, Token);
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token);
        await Processes.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        Processes.Pass(0.4);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await waiting);
    }

    [Fact]
    public async Task A_free_under_another_fence_changes_nothing()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        ArgumentException fault = Assert.Throws<ArgumentException>(() => arena.Free(range with { Fence = range.Fence - 1 }));
        Assert.Contains($"fence {range.Fence}", fault.Message, StringComparison.Ordinal);
        arena.Free(range);
        Assert.Throws<ArgumentException>(() => arena.Free(range));
    }

    [Fact]
    public async Task A_lost_answer_leaks_nothing()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        int lost = 0;
        Processes.Network.Fate = name => name == "grant" && lost++ == 0 ? CallFate.AnswerLost : CallFate.Answered;
        LeasedRange<ulong> range = await FinishAsync(arena.AllocateAsync(8, default, Token));
        Assert.Equal(1000ul, range.Start);                           // the one that was granted, not another
        Assert.InRange(lost, 2, 3);
        Assert.Equal((UInt128)8, (await Processes.Memory.GetUsageAsync(1, Token)).Leased);
    }

    /// <summary>The store fails over before the request is repeated, and grants nothing for a while: the request is given up.</summary>
    [Fact]
    public async Task R11_what_was_granted_before_a_failover_and_is_not_asked_for_again_goes_back()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        int lost = 0;
        Processes.Network.Fate = name => name == "grant" && lost++ == 0 ? CallFate.AnswerLost : CallFate.Answered;
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        await Eventually.HoldsAsync(async () => (await Processes.Memory.GetUsageAsync(1, Token)).Leased == 8);
        Processes.Memory.FailOver(Processes.Memory.TakeImage());
        LeasedRange<ulong> range = await FinishAsync(waiting);
        await UntilAsync(async () => (await Processes.Memory.GetUsageAsync(1, Token)).Leased == 8);
        Assert.Equal(range.Fence, Assert.Single(await Processes.Memory.GetHeldAsync(arena.Session.Instance, Token)).Fence);
    }

    /// <summary>A lease of several is lost while the session still takes note of the others.</summary>
    [Fact]
    public async Task What_is_lost_before_it_lies_ready_is_not_handed_out()
    {
        const string Name = "lost-as-it-came";
        Processes.Network.Fate = static name => name == "grant" ? CallFate.Fails : CallFate.Answered;
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, Name, Fleet.Ids(stock: 2), Token);
        LeaseClaim? lost = null;
        int answers = 0;
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "vmem.lease.grants")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            if (tags.ToArray().Any(static tag => Name.Equals(tag.Value)) && ++answers == 2)
            {
                lost = Processes.Memory.GetHeldAsync(session.Instance, Token).AsTask().GetAwaiter().GetResult()
                    .MinBy(static claim => claim.Fence);
                ((ILeaseHolder)arena).Lose(new Holding(lost!, arena, null), "by the test");
            }
        });
        listener.Start();
        Processes.Mend();
        for (int i = 0; i < 3; i++)
        {
            LeasedRange<ulong> range = await FinishAsync(arena.AllocateAsync(8, default, Token));
            Assert.NotEqual(lost!.Fence, range.Fence);
        }

        Assert.InRange(answers, 2, int.MaxValue);
    }
}
