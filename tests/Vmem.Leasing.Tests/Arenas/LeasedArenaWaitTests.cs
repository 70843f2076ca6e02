using Vmem.Diagnostics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Those who wait in a full arena.</summary>
public sealed class LeasedArenaWaitTests : LeasedArenaFixture
{
    [Fact]
    public async Task Who_waits_in_a_full_arena_is_served_when_another_process_gives_back()
    {
        LeaseSession other = await Processes.OpenOtherAsync();
        LeasedArena<ulong> theirs = await OpenAsync(other, Fleet.Ids(8, 8));
        LeasedRange<ulong> range = await theirs.AllocateAsync(8, default, Token);
        LeasedArena<ulong> ours = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(8, 8));
        ValueTask<LeasedRange<ulong>> waiting = ours.AllocateAsync(8, default, Token);
        Assert.False(waiting.IsCompleted);
        theirs.Free(range, clean: true);
        await other.DisposeAsync();
        Assert.InRange((await FinishAsync(waiting)).Fence, range.Fence + 1, long.MaxValue);
    }

    [Fact]
    public async Task Who_waits_in_a_suspended_arena_is_told_when_it_is_disposed_of()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        _ = await arena.AllocateAsync(8, default, Token);
        Processes.Network.Fate = static _ => CallFate.Fails;
        Processes.Pass(1);
        Assert.Equal(LeaseState.Suspended, session.State);
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        await arena.DisposeAsync();
        await Eventually.HoldsAsync(() => waiting.IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
    }

    /// <summary>Whoever began to wait before the session was suspended: the store is asked as soon as it is heard again, and not when the
    /// next look is due.</summary>
    [Fact]
    public async Task Who_waits_is_served_as_soon_as_the_session_is_valid_again()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        Processes.Network.Fate = static _ => CallFate.Fails;
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        await Eventually.HoldsAsync(() => !Processes.Faults.IsEmpty);
        Processes.Pass(1);
        Assert.Equal(LeaseState.Suspended, session.State);
        Processes.Mend();
        await Eventually.HoldsAsync(() => session.State == LeaseState.Live, () => Processes.Time.Advance(TimeSpan.FromMilliseconds(1)));
        await Eventually.HoldsAsync(() => waiting.IsCompleted);
        Assert.Equal(8u, (await waiting).Size);
    }

    /// <summary>What the arena could not take is not leased: others may use it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task No_more_is_leased_than_the_limit_has_room_for(int stock)
    {
        LeasedArenaOptions<ulong> options = Fleet.Ids(1024, 64, stock) with { Arena = new() { Limit = 100 } };
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), options);
        LeasedRange<ulong> first = await arena.AllocateAsync(40, default, Token);
        Task<LeasedRange<ulong>>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => arena.AllocateAsync(40, default, Token).AsTask())];
        Processes.Pass(1);
        Assert.InRange((await Processes.Memory.GetUsageAsync(1, Token)).Leased, 64u, 100u);
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        arena.Free(first, clean: true);
        await FinishAsync(Task.WhenAny(waiting));
    }

    [Fact]
    public async Task Who_gives_up_waiting_is_told_what_is_free_leased_and_quarantined()
    {
        LeaseSession other = await Processes.OpenOtherAsync();
        LeasedArena<ulong> theirs = await OpenAsync(other, Fleet.Ids(16, 8));
        LeasedRange<ulong> released = await theirs.AllocateAsync(8, default, Token);
        LeasedRange<ulong> kept = await theirs.AllocateAsync(8, default, Token);
        theirs.Free(released);                                       // not clean: it goes through quarantine
        await UntilAsync(async () => (await Processes.Memory.GetUsageAsync(1, Token)).Quarantined == 8);
        LeasedArena<ulong> ours = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(16, 8));
        using var patience = new CancellationTokenSource();
        ValueTask<LeasedRange<ulong>> waiting = ours.AllocateAsync(8, default, patience.Token);

        // No time passes meanwhile: the quarantine could end on a busy machine before the store is asked.
        await Eventually.HoldsAsync(
            () => ((IMetered)ours).TryRead((int)LeaseFigure.Quarantined, out long quarantined) && quarantined == 8);
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
}
