using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What was inherited, and what the program says of it. The spans have 8 each.</summary>
public sealed class RestoreTests : HeirFixture
{
    [Theory]
    [InlineData("1002+2 1004+2 1007+1", "1000+2 1002+2! 1004+2! 1006+1 1007+1!")]
    [InlineData("1000+8", "1000+8!")]
    [InlineData("1000+1", "1000+1! 1001+7")]
    [InlineData("1007+1 1016+4 1020+4", "1000+7 1007+1! 1016+4! 1020+4!")]
    [InlineData("1020+4 1000+2", "1000+2! 1002+6 1016+4 1020+4!")]
    [InlineData("", "")]
    public async Task What_lives_is_allocated_and_all_else_is_free(string live, string parts)
    {
        await using LeaseSession session = await OpenHeirAsync((1016, 8), (1000, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        Assert.Equal("1000+8 1016+8", Text(arena.Inherited));
        IReadOnlyList<LeasedRange<ulong>> restored = arena.Restore(Ranges(live));
        Assert.Equal(Ranges(live).OrderBy(static range => range.Start).Select(range =>
            range with { Fence = arena.Inherited[range.Start < 1016 ? 0 : 1].Fence }), restored);
        Assert.Equal(parts, Parts(arena));
        arena.Arena.Validate();
        Assert.All(restored, range => arena.Free(range));
        Assert.Equal("", Parts(arena));
    }

    /// <summary>A range that touches the next span, or none; that is too long; that has no whole quanta; that overlaps.</summary>
    [Theory]
    [InlineData(1, "500+1", "500 lies in no inherited span")]
    [InlineData(1, "999+1", "999 lies in no inherited span")]
    [InlineData(1, "1016+1", "1016 lies in no inherited span")]
    [InlineData(1, "1023+1", "1023 lies in no inherited span")]
    [InlineData(1, "1032+1", "1032 lies in no inherited span")]
    [InlineData(1, "1000+9", "1000 lies in no inherited span")]
    [InlineData(1, "1006+4", "1006 lies in no inherited span")]
    [InlineData(1, "1000+1 1024+9", "1024 lies in no inherited span")]
    [InlineData(1, "1000+0", "of 0 at 1000 is not of whole quanta of 1")]
    [InlineData(1, "1000+4 1003+1", "of 1 at 1003 overlaps another")]
    [InlineData(1, "1000+8 1007+1", "of 1 at 1007 overlaps another")]
    [InlineData(4, "1001+4", "of 4 at 1001 is not of whole quanta of 4")]
    [InlineData(4, "1000+3", "of 3 at 1000 is not of whole quanta of 4")]
    public async Task What_was_not_left_is_refused_and_nothing_is_restored(ulong quantum, string live, string text)
    {
        Quantum = quantum;
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1008, 8), (1024, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        ArgumentException refused = Assert.Throws<ArgumentException>(() => arena.Restore(Ranges(live)));
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.Equal("", Parts(arena));
        Assert.Equal("1004+4 1008+8 1028+4", Text(arena.Restore(Ranges("1004+4 1008+8 1028+4"))));
        Assert.Equal("1000+4 1004+4! 1008+8! 1024+4 1028+4!", Parts(arena));
    }

    [Fact]
    public async Task It_is_restored_once()
    {
        await using (LeaseSession session = await OpenHeirAsync((1000, 8)))
        {
            LeasedArena<ulong> arena = await OpenAsync(session, Options());
            Assert.Throws<ArgumentNullException>(() => arena.Restore(null!));
            _ = arena.Restore(Ranges("1000+1"));
            InvalidOperationException again = Assert.Throws<InvalidOperationException>(() => arena.Restore(Ranges("1001+1")));
            Assert.Contains("has been restored before", again.Message, StringComparison.Ordinal);
            await arena.DisposeAsync();
            Assert.Throws<ObjectDisposedException>(() => arena.Restore([]));
        }

        await using LeaseSession none = await OpenHeirAsync();
        LeasedArena<ulong> empty = await OpenAsync(none, Options());
        Assert.Empty(empty.Inherited);
        Assert.Empty(empty.Restore([]));
        Assert.Empty(empty.Restore([]));
        Assert.Throws<ArgumentException>(() => empty.Restore(Ranges("1000+1")));
    }

    /// <summary>Beside a span that the arena has already.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(24, true)]
    [InlineData(23, false)]
    [InlineData(16, false)]
    [InlineData(15, false)]
    public async Task It_is_restored_if_the_limit_has_room_for_all(ulong limit, bool isRestored)
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options(limit: limit));
        Assert.Equal(1008ul, (await arena.AllocateAsync(1, default, Token)).Start);
        if (isRestored)
        {
            Assert.Equal("1000+8 1016+8", Text(arena.Restore(Ranges("1000+8 1016+8"))));
            return;
        }

        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => arena.Restore(Ranges("1000+8")));
        Assert.Contains("ArenaOptions.Limit", refused.Message, StringComparison.Ordinal);
        Assert.Equal("1008+1! 1009+7", Parts(arena));
        await arena.DisposeAsync();
        LeasedArena<ulong> wide = await OpenAsync(session, Options());
        Assert.Equal("1000+8 1008+8 1016+8", Text(wide.Inherited));
        Assert.Equal("1008+1", Text(wide.Restore(Ranges("1008+1"))));
    }

    /// <summary>What was freed before the restart, in a span where something lives, may still be in use elsewhere.</summary>
    [Fact]
    public async Task A_span_in_which_something_lived_goes_through_quarantine()
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        IReadOnlyList<LeasedRange<ulong>> live = arena.Restore(Ranges("1000+2"));
        await UntilAsync(async () => await LeasedAsync() == 8);
        Assert.Equal("1000+8:Leased 1008+56:Free", await ExtentsAsync());
        arena.Free(live[0], clean: true);
        await UntilAsync(async () => await LeasedAsync() == 0);
        Assert.Equal("1000+8:Quarantined 1008+56:Free", await ExtentsAsync());
    }

    /// <summary>Until it is known what lives in them, inherited spans count as those that lie ready.</summary>
    [Theory]
    [InlineData(2, "", 0, 16)]
    [InlineData(3, "", 1, 24)]
    [InlineData(1, "", 0, 8)]
    [InlineData(2, "1000+1", 0, 24)]
    [InlineData(2, "1000+1 1016+1", 0, 32)]
    public async Task Inherited_spans_are_the_stock_as_far_as_nothing_lives_in_them(int stock, string live, int grants, int leased)
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options(stock));
        Assert.Equal(grants, Processes.Network.Grants);
        _ = arena.Restore(Ranges(live));
        await UntilAsync(async () => await LeasedAsync() == leased);
        for (int i = 0; i < stock; i++)
        {
            _ = await FinishAsync(arena.AllocateAsync(8, default, Token));
        }
    }

    [Fact]
    public async Task One_who_waits_gets_what_is_free_in_inherited_spans()
    {
        Size = 8;
        await using LeaseSession session = await OpenHeirAsync((1000, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(3, default, Token);
        Assert.False(waiting.IsCompleted);
        _ = arena.Restore(Ranges("1002+2"));
        LeasedRange<ulong> range = await FinishAsync(waiting);
        Assert.Equal((1004ul, arena.Inherited[0].Fence), (range.Start, range.Fence));
    }

    [Fact]
    public async Task A_span_that_is_lost_before_is_told_of_and_not_restored()
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        List<RangeLost<ulong>> lost = [];
        arena.RangeLost += lost.Add;
        await TakeAwayAsync(session, 1000);
        Processes.Pass(0.4);
        await Eventually.HoldsAsync(() => lost.Count != 0);
        Assert.Equal(arena.Inherited[0], Assert.Single(lost).Range);
        Assert.Contains("did not take it up again", lost[0].Reason, StringComparison.Ordinal);
        LeasedRange<ulong> live = Assert.Single(arena.Restore(Ranges("1000+2 1016+2")));
        Assert.Equal((1016ul, arena.Inherited[1].Fence), (live.Start, live.Fence));
        Assert.Equal("1016+2! 1018+6", Parts(arena));
        Assert.Throws<LeaseLostException>(() => arena.Free(arena.Inherited[0]));
        await arena.DisposeAsync();
        LeasedArena<ulong> again = await OpenAsync(session, Options());
        Assert.Equal("1016+8", Text(again.Inherited));
    }

    /// <summary>The next arena of the same session has all that was not restored, and the spans in which something is allocated.</summary>
    [Theory]
    [InlineData(false, "1000+8 1016+8", 16)]
    [InlineData(true, "1016+8", 8)]
    public async Task What_is_not_given_back_is_left_to_the_next(bool restores, string left, int leased)
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        IReadOnlyList<LeasedRange<ulong>> before = arena.Inherited;
        if (restores)
        {
            _ = arena.Restore(Ranges("1017+1"));
        }

        await arena.DisposeAsync();
        await arena.DisposeAsync();
        Assert.Equal(leased, await LeasedAsync());
        LeasedArena<ulong> again = await OpenAsync(session, Options());
        Assert.Equal(left, Text(again.Inherited));
        Assert.Subset(before.ToHashSet(), again.Inherited.ToHashSet());
    }

    [Fact]
    public async Task Without_a_name_nothing_is_left()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Options());
        _ = await arena.AllocateAsync(1, default, Token);
        Assert.Equal(8, await LeasedAsync());
        await arena.DisposeAsync();
        Assert.Equal(0, await LeasedAsync());
        Assert.True(session.IsValid);
    }

    /// <summary>What is restored in part: the spans before the fault, and none after it. The stock waits for them no more.</summary>
    [Fact]
    public async Task What_a_failed_restoration_did_not_come_to_is_left_to_the_next()
    {
        await using LeaseSession session = await OpenHeirAsync((1000, 8), (1016, 8), (1032, 8));
        LeasedArena<ulong> arena = await OpenAsync(session, Options(stock: 2));
        arena.Arena.AddSpan(1020, 4);
        Assert.Equal(0, Processes.Network.Grants);
        Assert.ThrowsAny<InvalidOperationException>(() => arena.Restore(Ranges("1000+8 1016+8 1032+8")));
        await UntilAsync(() => Task.FromResult(Processes.Network.Grants > 0));
        await arena.DisposeAsync();
        LeasedArena<ulong> again = await OpenAsync(session, Options());
        Assert.Equal("1000+8 1032+8", Text(again.Inherited.Where(static span => span.Start != 1016)));
    }
}
