using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Requests for a certain place: what is leased for them, and what is known of a place that is not leased.</summary>
public sealed class LeasedPlaceTests : LeasedArenaFixture
{
    private static readonly string[] s_oneCell = ["1000+8 Free", "1008+8 Leased", "1016+48 Free"];

    [Fact]
    public async Task The_whole_cell_around_a_place_is_leased()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(1010ul, (await arena.AllocateAsync(4, At(1010, 4), Token)).Start);
        Assert.Equal(s_oneCell, await ExtentsAsync());
        Assert.True(arena.TryAllocate(2, out _));
        Assert.True(arena.TryAllocate(2, out _));
    }

    [Fact]
    public async Task Both_cells_of_a_place_are_leased_as_one_span()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(1014ul, (await arena.AllocateAsync(4, At(1014, 4), Token)).Start);
        Assert.Equal(["1000+8 Free", "1008+16 Leased", "1024+40 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task The_last_cell_may_be_shorter()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(20, 8));
        Assert.Equal(1018ul, (await arena.AllocateAsync(2, At(1018, 2), Token)).Start);
        Assert.Equal(["1000+16 Free", "1016+4 Leased"], await ExtentsAsync());
    }

    [Fact]
    public async Task If_others_have_a_part_of_the_cell_the_place_alone_is_leased()
    {
        await TakeAsync(1008, 1);
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(1010ul, (await arena.AllocateAsync(4, At(1010, 4), Token)).Start);
        Assert.Equal(["1000+8 Free", "1008+1 Leased", "1009+1 Free", "1010+4 Leased", "1014+50 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task A_window_and_an_alignment_get_a_whole_span_in_the_window()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        RangeConstraints<ulong> constraints = new() { Min = 1018, Max = 1040, Align = 4 };
        Assert.Equal(1020ul, (await arena.AllocateAsync(2, constraints, Token)).Start);
        Assert.Equal(["1000+18 Free", "1018+8 Leased", "1026+38 Free"], await ExtentsAsync());
    }

    [Fact]
    public async Task A_window_around_the_whole_arena_is_none()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(20, 16));
        RangeConstraints<ulong> whole = new() { Min = 999, Max = 1020, Align = 1 };
        Assert.Equal(1000ul, (await arena.AllocateAsync(16, whole, Token)).Start);
        Assert.Equal(1016ul, (await arena.AllocateAsync(3, whole, Token)).Start);
        Assert.Equal(["1000+16 Leased", "1016+4 Leased"], await ExtentsAsync());
    }

    [Fact]
    public async Task A_place_that_is_sought_is_leased_by_its_cell_and_handed_out()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(1010ul, await SeekAsync(arena, 4, 1010, 1063));
        Assert.Equal(s_oneCell, await ExtentsAsync());
        Assert.True(arena.Arena.TryAllocateAt(1010, 4));
        Assert.Equal(1014ul, await SeekAsync(arena, 1, 1010, 1063));
        Assert.Equal(s_oneCell, await ExtentsAsync());
    }

    [Theory]
    [InlineData(1010, 1, 1011, 5)]                             // the rest of the cell
    [InlineData(1010, 6, 1016, 8)]
    [InlineData(1000, 20, 1020, 4)]
    [InlineData(1010, 54, null, 0)]
    public async Task Where_others_have_the_place_the_next_is_found(int from, int size, int? expected, int leased)
    {
        await TakeAsync((UInt128)from, (UInt128)size);
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal((ulong?)expected, await SeekAsync(arena, 1, 1010, 1063));
        Assert.Equal(leased, (await Processes.Memory.ListAsync(1, Token)).Where(static extent => extent.Owner == "one")
            .Sum(static extent => (int)extent.Size));
    }

    [Fact]
    public async Task A_place_that_is_not_in_the_arena_is_the_next_that_is()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Assert.Equal(1000ul, await SeekAsync(arena, 1, 0, ulong.MaxValue));
        Assert.Null(await SeekAsync(arena, 1, 2000, 3000));
        Assert.Null(await SeekAsync(arena, 65, 0, ulong.MaxValue));
    }

    [Fact]
    public async Task What_lies_ready_is_found_without_the_store()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(64, 8, 2));
        int calls = Processes.Network.Calls;
        Assert.Equal(1010ul, await SeekAsync(arena, 4, 1010, 1063));
        Assert.Equal(calls, Processes.Network.Calls);
    }

    [Fact]
    public async Task What_a_dead_session_had_is_found_when_it_is_reclaimed()
    {
        Guid dead = await TakeAsync(1008, 8);
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        await Processes.Memory.CloseSessionAsync(dead, clean: false, Token);
        Assert.Equal(1016ul, await SeekAsync(arena, 1, 1010, 1063));
        Processes.Pass(1.1);
        Assert.Equal(1010ul, await FinishAsync(SeekAsync(arena, 1, 1010, 1063)));
    }

    [Fact]
    public async Task An_answer_that_was_lost_is_asked_for_again_and_is_the_same_place()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        int lost = 0;
        Processes.Network.Fate = call => call == "grant" && Interlocked.Increment(ref lost) == 1 ? CallFate.AnswerLost : CallFate.Answered;
        Assert.Equal(1010ul, await FinishAsync(SeekAsync(arena, 1, 1010, 1063)));
        Assert.Equal(s_oneCell, await ExtentsAsync());
    }

    [Fact]
    public async Task If_the_store_fails_once_a_search_waits_for_another_try()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Processes.Network.Fate = static _ => CallFate.Fails;
        ValueTask<ulong?> seeking = SeekAsync(arena, 1, 1010, 1063);
        Processes.Pass(0.3);
        Assert.False(seeking.IsCompleted);
        Processes.Mend();
        Assert.Equal(1010ul, await FinishAsync(seeking));
    }

    [Fact]
    public async Task A_search_that_is_cancelled_or_whose_arena_is_closed_ends()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync());
        Processes.Cut();                                              // a store that fails twice answers a search
        using var patience = new CancellationTokenSource();
        ISeekingArenaSource<ulong> source = arena.Arena;
        ValueTask<ulong?> cancelled = source.SeekAsync(1, 1010, 1063, patience.Token);
        ValueTask<ulong?> ended = SeekAsync(arena, 1, 1010, 1063);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled);
        Processes.Mend();
        Processes.Network.Fate = static call => call == "grant" ? CallFate.Fails : CallFate.Answered;
        Task closing = arena.DisposeAsync().AsTask();
        await UntilAsync(() => Task.FromResult(closing.IsCompleted));
        Assert.Null(await EndAsync(ended));
    }

    /// <summary>The search may end before the arena of the process is disposed of, or after.</summary>
    private static async Task<ulong?> EndAsync(ValueTask<ulong?> seeking)
    {
        try
        {
            return await seeking;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    [Fact]
    public async Task When_the_session_is_lost_a_search_ends()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeasedArena<ulong> arena = await OpenAsync(session);
        Processes.Network.Fate = static call => call == "grant" ? CallFate.Fails : CallFate.Answered;
        ValueTask<ulong?> seeking = SeekAsync(arena, 1, 1010, 1063);
        await Processes.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        Assert.Null(await FinishAsync(seeking));
        Assert.Null(await SeekAsync(arena, 1, 1010, 1063));
    }

    private static RangeConstraints<ulong> At(ulong start, ulong size) => new() { Min = start, Max = start + size };

    private static ValueTask<ulong?> SeekAsync(LeasedArena<ulong> arena, ulong size, ulong first, ulong last) =>
        ((ISeekingArenaSource<ulong>)arena.Arena).SeekAsync(size, first, last, Token);

    private async Task<string[]> ExtentsAsync() => [.. (await Processes.Memory.ListAsync(1, Token))
        .Select(static extent => $"{extent.Start}+{extent.Size} {extent.State}")];

    /// <summary>Another session takes a place.</summary>
    private async Task<Guid> TakeAsync(UInt128 start, UInt128 size)
    {
        LeaseDefinition definition = Fleet.Ids().Definition!.ToStore(Fleet.Ttl);
        LeaseArena arena = await Processes.Memory.EnsureArenaAsync("ids", definition, Token);
        var session = Guid.NewGuid();
        await Processes.Memory.OpenSessionAsync(session, "others", Fleet.Ttl, 0, Token);
        LeaseRequest request = new(arena.Id, session, Guid.NewGuid(), size) { Min = start, Max = start + size };
        Assert.Equal(LeaseVerdict.Granted, (await Processes.Memory.GrantAsync(request, Token)).Verdict);
        return session;
    }
}
