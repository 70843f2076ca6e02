using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What becomes a note of the journal, and what does not.</summary>
public sealed class NotedRangesTests : JournaledFixture
{
    [Fact]
    public async Task Allocations_of_all_kinds_are_noted_once_and_their_frees()
    {
        Size = 16;
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session, stock: 2);
            Assert.True(arena.TryAllocate(3, out LeasedRange<ulong> plain));
            LeasedRange<ulong> placed = await arena.AllocateAsync(2, new() { Min = 1005, Max = 1007 }, Token);
            LeasedRange<ulong> rest = await arena.AllocateAsync(8, default, Token);
            ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(6, default, Token);
            Assert.False(waiting.IsCompleted);
            arena.Free(rest);
            Assert.Equal(1008ul, (await FinishAsync(waiting)).Start);
            arena.Free(plain);
            Assert.Equal(1005ul, placed.Start);
        }

        Assert.Equal("1005+2 1008+6", await AdoptAsync((1000, 8), (1008, 8)));
    }

    [Fact]
    public async Task Wrong_frees_are_none()
    {
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            LeasedRange<ulong> range = await arena.AllocateAsync(4, default, Token);
            LeasedRange<ulong> freed = await arena.AllocateAsync(4, default, Token);
            LeasedRange<ulong>[] wrong =
            [
                freed,
                range with { Size = 3 },
                range with { Start = 1001 },
                range with { Start = 900 },
                range with { Fence = range.Fence + 1 },
            ];
            Assert.True(arena.TryFree(freed, clean: true));
            foreach (bool clean in (bool[])[true, false])
            {
                Assert.All(wrong, other => Assert.False(arena.TryFree(other, clean)));
                Assert.All(wrong, other => Assert.Throws<ArgumentException>(() => arena.Free(other, clean)));
            }

            Assert.Equal("1000+4! 1004+4", Parts(arena));
        }

        Assert.Equal("1000+4", await AdoptAsync((1000, 8)));
    }

    /// <summary>A range that may not be used when it is there goes back, and its note with it.</summary>
    [Fact]
    public async Task What_comes_while_the_session_is_suspended_is_not_handed_out()
    {
        Size = 8;
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            LeasedRange<ulong> first = await arena.AllocateAsync(5, default, Token);
            LeasedRange<ulong> second = await arena.AllocateAsync(3, default, Token);
            ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(2, default, Token);
            Processes.Cut();
            Processes.Pass(1);
            Assert.Equal(LeaseState.Suspended, session.State);
            arena.Free(second);
            await Eventually.HoldsAsync(() => Parts(arena) == "1000+5! 1005+3");
            Assert.False(arena.TryAllocate(1, out _));
            Assert.Equal("1000+5! 1005+3", Parts(arena));
            Assert.False(waiting.IsCompleted);
            arena.Free(first);
            Processes.Mend();
            Assert.Equal(2ul, (await FinishAsync(waiting)).Size);
            Assert.Equal("1000+2! 1002+6", Parts(arena));
        }

        Assert.Equal("1000+2", await AdoptAsync((1000, 8)));
    }

    /// <summary>A snapshot has what is allocated, and nothing of what is free.</summary>
    [Fact]
    public async Task What_is_allocated_is_in_the_next_snapshot()
    {
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            LeasedRange<ulong> gone = await arena.AllocateAsync(2, default, Token);
            _ = await arena.AllocateAsync(3, default, Token);
            arena.Free(gone);
            for (int pair = 0; pair < 33_000; pair++)
            {
                Assert.True(arena.TryAllocate(1, out LeasedRange<ulong> range));
                arena.Free(range);
                Assert.True(pair != 25_000 || !File.Exists(Journal + "-2"));      // no place is kept for what was freed
            }

            Assert.True(File.Exists(Journal + "-2"));
        }

        Assert.Equal("1002+3", await AdoptAsync((1000, 8)));
    }

    [Fact]
    public async Task What_went_with_its_lease_is_not_noted_any_more()
    {
        LeasedRange<ulong> kept;
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            List<RangeLost<ulong>> lost = [];
            arena.RangeLost += lost.Add;
            LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token);
            kept = await arena.AllocateAsync(3, default, Token);
            await TakeAwayAsync(session, range.Start);
            Processes.Pass(0.4);
            await Eventually.HoldsAsync(() => lost.Count != 0);
            Assert.Equal([range], lost.Select(static loss => loss.Range));
            Assert.Equal("1008+3! 1011+5", Parts(arena));
            Assert.False(arena.TryFree(range));
        }

        Processes.Pass(2);                                     // the quarantine
        Assert.Equal("1008+3", await AdoptAsync((1000, 8), (1008, 8)));
    }

    /// <summary>The spans of a session that is lost wait for the next of the name, and so do the notes.</summary>
    [Fact]
    public async Task What_went_with_the_session_is_noted_all_the_same()
    {
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            _ = await arena.AllocateAsync(8, default, Token);
            _ = await arena.AllocateAsync(3, default, Token);
            await Processes.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
            Processes.Pass(0.4);
            await Eventually.HoldsAsync(() => session.Lost.IsCancellationRequested);
            Assert.Equal("", Parts(arena));
        }

        Assert.Equal("1000+8 1008+3", await AdoptAsync((1000, 8), (1008, 8)));
    }

    [Fact]
    public async Task After_the_end_nothing_is_allocated_freed_or_flushed()
    {
        await using LeaseSession session = await OpenHeirAsync();
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        LeasedRange<ulong> range = await arena.AllocateAsync(3, default, Token);
        await arena.FlushAsync(Token);
        await arena.DisposeAsync();
        Assert.False(arena.TryAllocate(1, out _));
        Assert.False(arena.TryFree(range));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await arena.AllocateAsync(1, default, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => arena.FlushAsync(Token));
        LeasedArena<ulong> next = await OpenJournaledAsync(session);
        Assert.Equal("1000+3", Text(next.Adopted));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.FlushAsync(new CancellationToken(canceled: true)));
    }

    /// <summary>What was noted survives the process all the same.</summary>
    [Fact]
    public async Task A_last_flush_that_fails_is_reported_and_fails_no_end()
    {
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArenaOptions<ulong> options = Options() with { JournalPath = Journal, FlushToDisk = static _ => throw new IOException("broken") };
            LeasedArena<ulong> arena = await OpenAsync(session, options);
            _ = await arena.AllocateAsync(3, default, Token);
            await arena.DisposeAsync();
            Assert.Equal("broken", Assert.Single(Processes.Faults).Message);
        }

        Assert.Equal("1000+3", await AdoptAsync((1000, 8)));
    }

    [Fact]
    public async Task A_journal_needs_a_name_and_a_flush_a_journal()
    {
        LeaseSession nameless = await Processes.OpenAsync();
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => OpenJournaledAsync(nameless));
        Assert.Contains("LeaseSessionOptions.Name", refused.Message, StringComparison.Ordinal);
        LeasedArena<ulong> plain = await OpenAsync(nameless, Options());
        InvalidOperationException none = await Assert.ThrowsAsync<InvalidOperationException>(() => plain.FlushAsync(Token));
        Assert.Contains("LeasedArenaOptions.JournalPath", none.Message, StringComparison.Ordinal);
        Assert.Empty(plain.Adopted);
        await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(nameless, Options() with { JournalPath = "" }));
    }
}
