using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Exact mode when the journal has no place left, and no other file can be written.</summary>
public sealed class FullJournalTests : JournaledFixture
{
    /// <summary>A range that cannot be noted is nobody's: it is free again, and its span goes back.</summary>
    [Fact]
    public async Task What_comes_to_who_waits_and_has_no_place_is_free_again()
    {
        Size = 8;
        await using LeaseSession session = await OpenHeirAsync();
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        LeasedRange<ulong> all = await arena.AllocateAsync(8, default, Token);
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(2, default, Token);
        UseUp(arena, all);
        arena.Arena.Free(all.Start, all.Size);                 // past the journal, which takes no free any more
        await Assert.ThrowsAsync<LeaseJournalException>(() => FinishAsync(waiting));
        await UntilAsync(async () => await LeasedAsync() == 0);
        Assert.Equal("", Parts(arena));
    }

    /// <summary>That it cannot be noted keeps nobody from being told.</summary>
    [Fact]
    public async Task A_lease_is_lost_all_the_same()
    {
        Size = 16;
        await using LeaseSession session = await OpenHeirAsync();
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        LeasedRange<ulong> kept = await arena.AllocateAsync(8, default, Token);
        LeasedRange<ulong> lost = await arena.AllocateAsync(8, default, Token);
        List<RangeLost<ulong>> told = [];
        arena.RangeLost += told.Add;
        UseUp(arena, kept);
        await TakeAwayAsync(session, lost.Start);
        Processes.Pass(0.4);
        await Eventually.HoldsAsync(() => told.Count > 0);
        Assert.Equal(lost, Assert.Single(told).Range);
        Assert.Equal($"{kept.Start}+8!", Parts(arena));
        Assert.True(session.IsValid);
        Assert.DoesNotContain(Processes.Faults, static fault => fault is LeaseJournalException);
    }

    /// <summary>What was inherited, and lies ready as nothing lives in it, is the session's to give back, and not the next one's.</summary>
    [Fact]
    public async Task What_was_adopted_empty_goes_back_at_the_end()
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8));
        LeasedArena<ulong> arena = await OpenJournaledAsync(session, stock: 1);
        Assert.Equal(8, await LeasedAsync());
        await arena.DisposeAsync();
        Assert.Equal(0, await LeasedAsync());
        LeasedArena<ulong> again = await OpenJournaledAsync(session);
        Assert.Empty(again.Inherited);
    }

    /// <summary>Refused frees take places until there is none, and a folder lies where the other file would.</summary>
    private void UseUp(LeasedArena<ulong> arena, LeasedRange<ulong> range)
    {
        Directory.CreateDirectory(Journal + "-2");
        Assert.Throws<LeaseJournalException>(() =>
        {
            while (!arena.TryFree(range with { Size = range.Size - 1 }, clean: true))
            {
            }
        });
    }
}
