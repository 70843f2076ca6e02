using Vmem.Leasing.Arenas;
using Vmem.Testing.Internals;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>A lost span, where there is no memory to take all of it back.</summary>
public sealed class SpanRevokerTests : LeasedArenaFixture
{
    [Fact]
    public async Task What_is_gone_before_memory_ends_is_passed_on_and_the_rest_when_it_is_finished()
    {
        LeaseSession session = await Processes.OpenAsync();
        List<ArenaRevocation<ulong>> told = [];
        SpanRevoker<ulong> revoker = new(session, told.Add);
        ArenaOptions<ulong> options = new() { Source = TestSources.Ascending(1_024ul, 1_024ul), Revoked = revoker.Note };
        using Arena<ulong> arena = new("leased", 1, options);
        ulong[] starts = [.. Enumerable.Range(0, 600).Select(_ => arena.Allocate(1))];
        LeasedSpan<ulong> span = new(1_024, 1_024, null!);     // whose lease it is does not matter here
        int growths = 2;                                       // of what drains, and of the first 256 ranges
        using (VmemInternals.InjectGrowthFaults(() => growths-- == 0))
        {
            Assert.Equal([new Segment<ulong>(1_024, 1_024, SegmentKind.Span)], revoker.TakeBack(arena, span, journal: null));
        }

        revoker.Finish(arena, journal: null, static _ => false);
        await Eventually.HoldsAsync(() => told.Count == 2);      // the session tells when it can
        await session.DisposeAsync();
        Assert.Equal(0ul, arena.GetStatistics().InUse);
        Assert.Equal([256, 344], told.Select(static revocation => revocation.Ranges.Count));
        Assert.Equal(starts.Order(), told.SelectMany(static revocation => revocation.Ranges).Select(static range => range.Start).Order());
    }

    /// <summary>Where there is none for long, each loss tries once. What another lease has by then is left alone.</summary>
    [Fact]
    public async Task What_is_not_finished_is_tried_once_each_time_and_not_where_another_span_lies()
    {
        SpanRevoker<ulong> revoker = new(await Processes.OpenAsync(), null);
        ArenaOptions<ulong> options = new() { Source = TestSources.Ascending(16ul, 1_024ul), Revoked = revoker.Note };
        using Arena<ulong> arena = new("leased", 1, options);
        ulong[] starts = [arena.Allocate(16), arena.Allocate(16)];
        int tries = 0;
        using (VmemInternals.InjectGrowthFaults(() => ++tries > 0))
        {
            Assert.All(starts, start => Assert.Equal(SegmentKind.Span,
                Assert.Single(revoker.TakeBack(arena, new LeasedSpan<ulong>(start, 16, null!), journal: null)).Kind));
            Assert.Equal(2, tries);
            revoker.Finish(arena, journal: null, static _ => false);
            Assert.Equal(4, tries);
        }

        Assert.Equal(32ul, arena.GetStatistics().InUse);
        revoker.Finish(arena, journal: null, start => start == starts[1]);
        Assert.Equal(16ul, arena.GetStatistics().InUse);
        revoker.Finish(arena, journal: null, static _ => false);
        Assert.Equal(16ul, arena.GetStatistics().InUse);
    }
}
