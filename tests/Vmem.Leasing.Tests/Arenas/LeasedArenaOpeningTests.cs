using Vmem.Diagnostics;
using Vmem.Leasing.Metering;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>How an arena is opened, what it says of itself, and how it ends.</summary>
public sealed class LeasedArenaOpeningTests : LeasedArenaFixture
{
    /// <summary>1,024 quanta unless it is said; in whole quanta, and no more than the arena.</summary>
    [Theory]
    [InlineData(0, 1, 4096, 1024)]
    [InlineData(0, 4, 8192, 4096)]
    [InlineData(0, 1, 64, 64)]
    [InlineData(8, 4, 64, 8)]
    [InlineData(9, 4, 64, 12)]
    [InlineData(11, 4, 64, 12)]
    [InlineData(63, 1, 64, 63)]
    [InlineData(65, 1, 64, 64)]
    public async Task Spans_have_whole_quanta(ulong asked, ulong quantum, ulong size, int span)
    {
        LeasedArenaOptions<ulong> options = new()
        {
            SpanSize = asked,
            Stock = 1,
            Definition = new() { Start = 1000, Size = size, Quantum = quantum },
        };
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), options);
        Assert.Equal((UInt128)span, (await Processes.Memory.GetUsageAsync(1, Token)).Leased);
        Assert.Equal(("ids", quantum), (arena.Name, arena.Arena.Quantum));
    }

    [Theory]
    [InlineData(1, 3, 3)]
    [InlineData(4, 3, 4)]
    [InlineData(4, 4, 4)]
    [InlineData(4, 5, 8)]
    [InlineData(6, 5, 6)]
    [InlineData(6, 6, 6)]
    [InlineData(6, 7, 12)]
    public async Task Ranges_have_whole_quanta(ulong quantum, ulong asked, ulong size)
    {
        LeasedArenaOptions<ulong> options = new() { SpanSize = 24, Definition = new() { Start = 1200, Size = 48, Quantum = quantum } };
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), options);
        LeasedRange<ulong> range = await arena.AllocateAsync(asked, default, Token);
        Assert.Equal((1200ul, size), (range.Start, range.Size));
        Assert.True(arena.TryFree(range with { Size = asked }));        // as it was asked for, too
        Assert.False(arena.TryFree(range));
    }

    [Fact]
    public async Task What_cannot_be_opened_is_refused()
    {
        LeaseSession session = await Processes.OpenAsync();
        await Assert.ThrowsAsync<ArgumentNullException>(() => OpenAsync(null!));
        await Assert.ThrowsAsync<ArgumentException>(() => LeasedArena<ulong>.OpenAsync(session, "", Fleet.Ids(), Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => OpenAsync(session, Fleet.Ids(stock: -1)));
        await Assert.ThrowsAsync<ArgumentNullException>(() => OpenAsync(session, Fleet.Ids() with { Arena = null! }));
        Processes.Cut();
        Processes.Pass(1);
        await Assert.ThrowsAsync<LeaseSuspendedException>(() => OpenAsync(session));
        Processes.Mend();
        await session.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => OpenAsync(session));
    }

    [Fact]
    public async Task An_arena_that_exists_is_opened_by_its_name()
    {
        LeaseSession session = await Processes.OpenAsync();
        await OpenAsync(session);
        LeasedArena<ulong> again = await LeasedArena<ulong>.OpenAsync(session, "ids", null, Token);
        Assert.Equal((UInt128)64, (await Processes.Memory.GetUsageAsync(1, Token)).Leased);        // its two spans are larger than that
        Assert.Same(session, again.Session);
    }

    [Fact]
    public async Task The_list_says_all_that_the_store_has()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session);
        LeasedRange<ulong> range = await arena.AllocateAsync(1, default, Token);
        IReadOnlyList<LeaseInfo<ulong>> list = await arena.ListAsync(Token);
        DateTimeOffset now = Processes.Time.GetUtcNow();
        Assert.Equal(new LeaseInfo<ulong>(1000, 8, LeaseExtentState.Leased, session.Instance, "one", range.Fence, now, null), list[0]);
        Assert.Equal((1008ul, 56ul, LeaseExtentState.Free, Guid.Empty), (list[1].Start, list[1].Size, list[1].State, list[1].Session));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => arena.ListAsync(new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Its_figures_are_its_spans_and_its_stock_until_it_ends()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(stock: 2));
        Assert.Equal((0, 0, 2, 0), Figures(arena));
        _ = await arena.AllocateAsync(20, default, Token);
        _ = await arena.AllocateAsync(1, default, Token);
        await Eventually.HoldsAsync(() => Figures(arena) == (2, 28, 2, 0));
        Assert.True(((IMetered)arena).TryRead((int)LeaseFigure.Spans, out _));
        Assert.Equal("ids", ((IMetered)arena).Name);
        Assert.Contains(arena, LeaseMetrics.Arenas.Present());
        await arena.DisposeAsync();
        Assert.False(((IMetered)arena).TryRead((int)LeaseFigure.Spans, out _));
        Assert.DoesNotContain(arena, LeaseMetrics.Arenas.Present());
    }

    /// <summary>All at once: what was freed and is not clean goes through quarantine.</summary>
    [Fact]
    public async Task At_its_end_all_goes_back()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session, Fleet.Ids(stock: 1));
        _ = await arena.AllocateAsync(8, default, Token);
        LeasedRange<ulong> used = await FinishAsync(arena.AllocateAsync(4, default, Token));
        _ = await FinishAsync(arena.AllocateAsync(4, default, Token));
        arena.Free(used);
        ValueTask<LeasedRange<ulong>> waiting = arena.AllocateAsync(64, default, Token);
        await arena.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        Assert.Equal(["1000+8 Free", "1008+8 Quarantined", "1016+48 Free"],
            (await Processes.Memory.ListAsync(1, Token)).Select(static extent => $"{extent.Start}+{extent.Size} {extent.State}"));
        Assert.False(arena.TryAllocate(1, out _));
        Assert.False(arena.TryFree(used));
        Assert.Throws<ArgumentException>(() => arena.Free(used));
        Assert.True(session.IsValid);
    }

    /// <summary>What can never be is refused: too much, nothing, and what no store can do.</summary>
    [Fact]
    public async Task Requests_that_can_never_be_met_are_refused()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await arena.AllocateAsync(0, default, Token));
        await Assert.ThrowsAsync<ArgumentException>(async () => await arena.AllocateAsync(65, default, Token));
        ArgumentException both = await Assert.ThrowsAsync<ArgumentException>(
            async () => await arena.AllocateAsync(1, new() { Align = 4, Phase = 1, NoCross = 16 }, Token));
        Assert.Contains("use one of them", both.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_for_the_whole_arena_is_met()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(64ul, (await FinishAsync(arena.AllocateAsync(64, default, Token))).Size);
    }

    /// <summary>Else the store would refuse each call for it, and whoever asks after that would wait for ever.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_request_for_more_than_the_arena_keeps_nobody_waiting(ulong align)
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        await Assert.ThrowsAsync<ArgumentException>(async () => await arena.AllocateAsync(65, new() { Align = align }, Token));
        Assert.Equal(1000ul, (await FinishAsync(arena.AllocateAsync(1, default, Token))).Start);
        Assert.Empty(Processes.Faults);
    }

    [Fact]
    public async Task Errors_of_wrong_frees_say_what_is_there()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        LeasedRange<ulong> range = await arena.AllocateAsync(4, default, Token);
        ArgumentException foreign = Assert.Throws<ArgumentException>(() => arena.Free(new LeasedRange<ulong>(900, 4, 7)));
        Assert.DoesNotContain("is leased under", foreign.Message, StringComparison.Ordinal);
        ArgumentException late = Assert.Throws<ArgumentException>(() => arena.Free(range with { Fence = 99 }));
        Assert.Contains($"is leased under fence {range.Fence}", late.Message, StringComparison.Ordinal);
        ArgumentException wrong = Assert.Throws<ArgumentException>(() => arena.Free(range with { Size = 3 }));
        Assert.DoesNotContain("is leased under", wrong.Message, StringComparison.Ordinal);
        Assert.False(arena.TryFree(range with { Size = 3 }, clean: true));
    }

    /// <summary>Its maker decided on its quarantine, unless it is said what that must be.</summary>
    [Fact]
    public async Task Another_quarantine_is_refused_only_if_it_was_asked_for()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArenaDefinition<ulong> twice = Fleet.Ids().Definition! with { Quarantine = 2 * Fleet.Ttl };
        await OpenAsync(session, Fleet.Ids() with { Definition = twice });
        await OpenAsync(session);
        await OpenAsync(session, Fleet.Ids() with { Definition = twice });
        await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => OpenAsync(session, Fleet.Ids() with { Definition = twice with { Quarantine = Fleet.Ttl } }));
    }

    private static (long Spans, long Held, long Stock, long Quarantined) Figures(IMetered arena)
    {
        long[] figures = new long[4];
        for (int figure = 0; figure < figures.Length; figure++)
        {
            Assert.True(arena.TryRead(figure, out figures[figure]));
        }

        return (figures[0], figures[1], figures[2], figures[3]);
    }
}
