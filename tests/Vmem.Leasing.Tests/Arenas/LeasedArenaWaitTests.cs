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
