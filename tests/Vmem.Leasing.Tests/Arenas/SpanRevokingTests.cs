using Vmem.Leasing.Arenas;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What is told of spans that are taken from the arena, and to whom.</summary>
public sealed class SpanRevokingTests : LeasedArenaFixture
{
    private readonly List<ArenaRevocation<ulong>> _told = [];

    [Fact]
    public async Task What_the_program_revokes_is_told_at_once_and_what_is_taken_back_by_the_session()
    {
        LeaseSession session = await Processes.OpenAsync();
        SpanRevoker<ulong> revoker = new(session, _told.Add);
        using Arena<ulong> arena = NewArena(revoker);
        ulong[] starts = [arena.Allocate(10), arena.Allocate(6), arena.Allocate(16)];
        Assert.True(arena.Revoke(starts[0], 16));
        Assert.Equal([starts[0], starts[1]], Assert.Single(_told).Ranges.Select(static range => range.Start));
        IReadOnlyList<Segment<ulong>> gone = revoker.TakeBack(arena, new LeasedSpan<ulong>(starts[2], 16, null!), journal: null);
        Assert.Equal((starts[2], 16ul), (Assert.Single(gone).Start, gone[0].Size));
        await Eventually.HoldsAsync(() => _told.Count == 2);
        Assert.Equal(gone, _told[1].Ranges);
        Assert.Equal(0ul, arena.GetStatistics().TotalSize);
        Assert.Empty(revoker.TakeBack(arena, new LeasedSpan<ulong>(starts[2], 16, null!), journal: null));      // it is gone
        Assert.Empty(Processes.Faults);
    }

    /// <summary>It waits for room there, and is called when the span is gone.</summary>
    [Fact]
    public async Task What_others_throw_then_is_reported_and_keeps_nobody_from_being_told()
    {
        SpanRevoker<ulong> revoker = new(await Processes.OpenAsync(), _told.Add);
        using Arena<ulong> arena = NewArena(revoker);
        ulong start = arena.Allocate(3);
        Action listener = static () => throw new TimeZoneNotFoundException();
        ((INotifyingArenaSource<ulong>)arena).Subscribe(listener);
        Assert.Equal(start, Assert.Single(revoker.TakeBack(arena, new LeasedSpan<ulong>(start, 16, null!), journal: null)).Start);
        ((INotifyingArenaSource<ulong>)arena).Unsubscribe(listener);
        Assert.IsType<TimeZoneNotFoundException>(Assert.Single(Processes.Faults));
        await Eventually.HoldsAsync(() => _told.Count == 1);
        Assert.Equal(0ul, arena.GetStatistics().TotalSize);
    }

    [Fact]
    public async Task Nobody_need_listen()
    {
        SpanRevoker<ulong> revoker = new(await Processes.OpenAsync(), null);
        using Arena<ulong> arena = NewArena(revoker);
        ulong start = arena.Allocate(3);
        Assert.True(arena.Revoke(start, 16));
        ulong next = arena.Allocate(3);
        Assert.Equal(next, Assert.Single(revoker.TakeBack(arena, new LeasedSpan<ulong>(next, 16, null!), journal: null)).Start);
        Assert.Empty(Processes.Faults);
    }

    private static Arena<ulong> NewArena(SpanRevoker<ulong> revoker) =>
        new("leased", 1, new ArenaOptions<ulong> { Source = TestSources.Ascending(16ul, 1_024ul), Revoked = revoker.Note });
}
