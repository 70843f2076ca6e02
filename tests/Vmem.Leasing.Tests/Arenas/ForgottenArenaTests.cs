using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>A failover to a replica that does not know the arena: its number is never given again.</summary>
public sealed class ForgottenArenaTests : LeasedArenaFixture
{
    [Fact]
    public async Task Whoever_waits_is_told_and_so_is_whoever_comes_later()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseStoreImage image = Processes.Memory.TakeImage();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        Processes.Memory.FailOver(image);
        LeaseLostException fault = await Assert.ThrowsAsync<LeaseLostException>(() => FinishAsync(waiting));
        Assert.StartsWith("The store does not know arena 'ids' of the number 1 any more", fault.Message, StringComparison.Ordinal);
        await UntilAsync(() => Task.FromResult(!arena.TryFree(range)));
        Assert.Throws<LeaseLostException>(() => arena.TryAllocate(8, out _));
        await Assert.ThrowsAsync<LeaseLostException>(async () => await arena.AllocateAsync(8, default, Token));
        Assert.Equal(LeaseState.Live, session.State);
        await arena.DisposeAsync();
        Assert.False(arena.TryAllocate(8, out _));

        LeasedArena<ulong> again = await OpenAsync(session, Fleet.Ids(8, 8));
        Assert.InRange((await FinishAsync(again.AllocateAsync(8, default, Token))).Fence, range.Fence + 1, long.MaxValue);
    }

    /// <summary>Under the same name there is another one by now.</summary>
    [Fact]
    public async Task One_that_was_made_again_is_another()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseSession other = await Processes.OpenOtherAsync();
        LeaseStoreImage image = Processes.Memory.TakeImage();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        _ = await arena.AllocateAsync(8, default, Token);
        Processes.Memory.FailOver(image);
        LeasedArena<ulong> theirs = await OpenAsync(other, Fleet.Ids(8, 8));
        await Assert.ThrowsAsync<LeaseLostException>(() => FinishAsync(arena.AllocateAsync(8, default, Token)));
        Assert.Equal(1000u, (await FinishAsync(theirs.AllocateAsync(8, default, Token))).Start);
    }

    /// <summary>The store refuses a call and does not say why: nothing is concluded.</summary>
    [Fact]
    public async Task It_is_not_over_before_the_store_has_said_so()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseStoreImage image = Processes.Memory.TakeImage();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(8, 8));
        _ = await arena.AllocateAsync(8, default, Token);
        Processes.Network.Fate = static name => name == "ensure" ? CallFate.Fails : CallFate.Answered;
        Processes.Memory.FailOver(image);
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        await UntilAsync(() => Task.FromResult(Processes.Faults.Any(static fault => fault is IOException)));
        Processes.Pass(0.4);
        Assert.False(waiting.IsCompleted);
        Processes.Mend();
        await Assert.ThrowsAsync<LeaseLostException>(() => FinishAsync(waiting));
    }

    /// <summary>Before the session's next renewal, which loses the number.</summary>
    [Fact]
    public async Task A_set_of_numbers_that_was_forgotten_takes_no_reservation()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseStoreImage image = Processes.Memory.TakeImage();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        Processes.Memory.FailOver(image);
        Assert.True(worker.IsValid);
        await Assert.ThrowsAsync<LeaseLostException>(async () => await worker.ReserveAsync(1));
    }

    /// <summary>There is nothing to be given back.</summary>
    [Fact]
    public async Task What_goes_back_to_it_is_not_sent_again()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseStoreImage image = Processes.Memory.TakeImage();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        List<string> calls = Processes.Network.Record();
        Processes.Memory.FailOver(image);
        await worker.DisposeAsync();
        Assert.IsType<LeaseDefinitionException>(Assert.Single(Processes.Faults));
        Processes.Pass(1);
        Assert.Equal("release", string.Join(' ', calls.Where(static call => call != "renew")));
        Assert.True(session.IsValid);
    }
}
