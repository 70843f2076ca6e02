namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What the next session of a name has of the ranges that the last one noted.</summary>
public sealed class AdoptTests : JournaledFixture
{
    [Fact]
    public async Task What_was_allocated_and_not_freed_is_adopted_under_new_fences()
    {
        await using (LeaseSession session = await OpenHeirAsync())
        {
            LeasedArena<ulong> arena = await OpenJournaledAsync(session);
            Assert.Empty(arena.Adopted);
            LeasedRange<ulong>[] ranges = [await TakeAsync(arena, 3), await TakeAsync(arena, 5), await TakeAsync(arena, 2)];
            Assert.Equal("1000+3 1003+5 1008+2", Text(ranges));
            arena.Free(ranges[0]);
        }

        await using LeaseSession heir = await OpenHeirAsync((1000, 8), (1008, 8));
        LeasedArena<ulong> next = await OpenJournaledAsync(heir);
        Assert.Equal([new(1003, 5, next.Inherited[0].Fence), new(1008, 2, next.Inherited[1].Fence)], next.Adopted);
        Assert.Equal("1000+3 1003+5! 1008+2! 1010+6", Parts(next));
        InvalidOperationException again = Assert.Throws<InvalidOperationException>(() => next.Restore([]));
        Assert.Contains("has been restored before", again.Message, StringComparison.Ordinal);
        Assert.All(next.Adopted, range => next.Free(range));
        Assert.Equal("", Parts(next));
    }

    /// <summary>What lay in a span that somebody took away is not adopted, and is not in the next journal, either.</summary>
    [Fact]
    public async Task Ranges_of_other_spans_are_left_out_for_good()
    {
        await LeaveAsync(8, 8, 8);
        Assert.Equal("1000+8 1016+8", await AdoptAsync((1000, 8), (1016, 8)));
        Assert.Equal("1016+8", await AdoptAsync((1008, 8), (1016, 8)));
        Assert.Equal("1016+8", await AdoptAsync((1000, 8), (1008, 8), (1016, 8)));
        Assert.Equal("", await AdoptAsync((1024, 8)));
        Assert.Equal("", await AdoptAsync((1016, 8)));
    }

    /// <summary>Those before them in the journal were not adopted, and theirs move up in it.</summary>
    [Fact]
    public async Task Several_ranges_of_a_span_after_one_that_was_taken_away_are_adopted_as_they_are()
    {
        await LeaveAsync(7, 1, 2, 3, 2, 1, 8);
        Assert.Equal("1008+2 1010+3 1013+2 1015+1 1016+8", await AdoptAsync((1008, 8), (1016, 8)));
        Assert.Equal("1008+2 1010+3 1013+2 1015+1 1016+8", await AdoptAsync((1000, 24)));
    }

    /// <summary>Spans were not cut as they were when it was allocated.</summary>
    [Theory]
    [InlineData(1000, 16, "1000+4 1004+8 1012+4")]
    [InlineData(1000, 12, "1000+4 1004+8")]
    [InlineData(1000, 11, "1000+4")]
    [InlineData(1000, 4, "1000+4")]
    [InlineData(1001, 15, "1004+8 1012+4")]
    [InlineData(1004, 8, "1004+8")]
    [InlineData(1005, 11, "1012+4")]
    [InlineData(1005, 7, "")]
    public async Task A_range_that_a_span_has_no_more_than_a_part_of_is_not_adopted(ulong start, ulong size, string adopted)
    {
        SpanSize = 16;
        await LeaveAsync(4, 8, 4);
        Assert.Equal(adopted, await AdoptAsync((start, size)));
        Assert.Equal(adopted, await AdoptAsync((1000, 16)));
    }

    /// <summary>The first range of a span is restored, the others are claimed 1,024 at a time.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(1026)]
    [InlineData(2500)]
    public async Task Many_are_adopted(int count)
    {
        (Size, SpanSize) = (4096, 4096);
        await LeaveAsync([.. Enumerable.Repeat(1ul, count)]);
        string all = string.Join(' ', Enumerable.Range(1000, count).Select(static start => $"{start}+1"));
        Assert.Equal(all, await AdoptAsync((1000, 4096)));
        Assert.Equal(all, await AdoptAsync((1000, 4096)));
    }

    [Fact]
    public async Task What_the_limit_has_no_room_for_is_left_to_the_next()
    {
        await LeaveAsync(8, 8);
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1008, 8));
        await Assert.ThrowsAsync<InvalidOperationException>(() => OpenJournaledAsync(session, limit: 15));
        Assert.Equal(16, await LeasedAsync());
        LeasedArena<ulong> arena = await OpenJournaledAsync(session, limit: 16);
        Assert.Equal("1000+8 1008+8", Text(arena.Adopted));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_read_leaves_all_to_the_next()
    {
        await LeaveAsync(8);
        await using LeaseSession session = await OpenHeirAsync((1000, 8));
        File.Move(Journal, Journal + ".away");
        await File.WriteAllTextAsync(Journal, "the notes of somebody else", Token);
        LeaseJournalException fault = await Assert.ThrowsAsync<LeaseJournalException>(() => OpenJournaledAsync(session));
        Assert.Contains("is no journal of ranges", fault.Message, StringComparison.Ordinal);
        File.Move(Journal + ".away", Journal, overwrite: true);
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        Assert.Equal("1000+8", Text(arena.Adopted));
    }

    /// <summary>Inherited spans count as the stock until they are adopted; then those count in which nothing lives.</summary>
    [Fact]
    public async Task The_stock_is_filled_when_all_is_adopted()
    {
        await LeaveAsync(8);
        int before = Processes.Network.Grants;
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1008, 8));
        LeasedArena<ulong> arena = await OpenJournaledAsync(session, stock: 2);
        await UntilAsync(async () => await LeasedAsync() == 24);
        Assert.Equal(before + 1, Processes.Network.Grants);
        _ = await TakeAsync(arena, 8);
        _ = await TakeAsync(arena, 8);
    }

    /// <summary>What was freed before the death may still be in use elsewhere.</summary>
    [Fact]
    public async Task A_span_of_adopted_ranges_goes_through_quarantine()
    {
        await LeaveAsync(3);
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1008, 8));
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        arena.Free(Assert.Single(arena.Adopted), clean: true);
        await UntilAsync(async () => await LeasedAsync() == 0);
        Assert.Equal("1000+8:Quarantined 1008+56:Free", await ExtentsAsync());
    }

    /// <summary>Ranges that are allocated in a row, from 1000 on, by a session that ends then.</summary>
    private async Task LeaveAsync(params ulong[] sizes)
    {
        await using LeaseSession session = await OpenHeirAsync();
        LeasedArena<ulong> arena = await OpenJournaledAsync(session);
        foreach (ulong size in sizes)
        {
            Assert.Equal(size, (await TakeAsync(arena, size)).Size);
        }
    }

    private async Task<LeasedRange<ulong>> TakeAsync(LeasedArena<ulong> arena, ulong size) =>
        await FinishAsync(arena.AllocateAsync(size, default, Token));
}
