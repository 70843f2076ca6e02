using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

public class SpanTests
{
    [Fact]
    public void An_arena_without_spans_has_room_for_nothing()
    {
        using Arena<uint> arena = new("empty", 1);
        Assert.False(arena.TryAllocate(1, out _));
        Assert.Equal(FitFailure.NoSpan, Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(1)).Failure);
        Assert.Empty(arena.GetSegments());
        arena.Validate();
    }

    [Fact]
    public void Neighbouring_spans_do_not_coalesce()
    {
        using Arena<uint> arena = new("spans", 0, 10, 1);
        arena.AddSpan(10, 10);
        Assert.False(arena.TryAllocate(11, out _));
        Assert.True(arena.TryAllocate(10, out _));
        Assert.True(arena.TryAllocate(10, out _));
    }

    [Fact]
    public void A_span_can_be_removed_only_whole_and_only_when_free()
    {
        using Arena<uint> arena = new("spans", 0, 100, 1);
        arena.AddSpan(200, 50);
        uint start = arena.AllocateConstrained(10, new() { Min = 200 });
        Assert.False(arena.TryRemoveSpan(200, 50));
        arena.Free(start, 10);
        foreach ((uint spanStart, uint size) in ((uint, uint)[])[(200, 49), (201, 49), (150, 10), (0, 250), (200, 0)])
        {
            Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(spanStart, size));
        }

        Assert.True(arena.TryRemoveSpan(200, 50));
        Assert.Equal("{0+100: (0+100)}", ArenaPicture.Segments(arena));
        Assert.False(arena.Contains(200));
        Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(200, 50));
        Assert.False(arena.TryAllocateConstrained(1, new() { Min = 200 }, FitPolicy.FirstFit, out _));
        arena.AddSpan(180, 100);
        arena.Validate();
    }

    [Fact]
    public void A_thousand_spans_come_back_in_address_order()
    {
        using Arena<uint> arena = new("spans", 1);
        for (uint i = 0; i < 1_000; i++)
        {
            // 389 is prime to 1,000: every slot once, out of order.
            arena.AddSpan(i * 389 % 1_000 * 10, 5);
        }

        arena.Validate();
        Assert.Equal(
            Enumerable.Range(0, 1_000).Select(i => (uint)i * 10),
            arena.GetSegments().Where(s => s.Kind == SegmentKind.Span).Select(s => s.Start));
        Assert.Equal(5_000u, arena.GetStatistics().TotalSize);
        Assert.True(arena.Contains(9_994));
        Assert.False(arena.Contains(9_995));
    }

    [Fact]
    public void Leaks_are_reported_when_an_arena_is_disposed()
    {
        List<ArenaLeak<uint>> leaks = [];
        Arena<uint> arena = new("leaky", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit, Leaked = leaks.Add });
        arena.Allocate(10);
        arena.Allocate(5);
        arena.Free(0, 10);
        arena.Dispose();
        ArenaLeak<uint> leak = Assert.Single(leaks);
        Assert.Equal(("leaky", 1L, 5u), (leak.ArenaName, leak.Ranges, leak.Size));
        Assert.Equal([new Segment<uint>(10, 5, SegmentKind.Allocated)], leak.First);
        new Arena<uint>("tidy", 0, 100, 1, new ArenaOptions<uint> { Leaked = leaks.Add }).Dispose();
        Assert.Single(leaks);
    }

    [Fact]
    public void After_dispose_every_member_says_so()
    {
        Arena<uint> arena = new("gone", 0, 100, 1);
        arena.TryAllocateHandle(1, out RangeHandle<uint> handle);
        ArenaSnapshot<uint> snapshot = arena.Snapshot();
        arena.Dispose();
        arena.Dispose();
        uint[] starts = [0];
        Action[] calls =
        [
            () => arena.AddSpan(
                200,
                1), () => arena.TryRemoveSpan(0, 100), () => arena.Allocate(1), () => arena.Allocate(1, FitPolicy.BestFit),
            () => arena.TryAllocate(
                1,
                out _), () => arena.TryAllocate(1, FitPolicy.NextFit, out _), () => arena.Free(0, 1), () => arena.FreeConstrained(0, 1),
            () => arena.AllocateConstrained(1, default), () => arena.AllocateConstrained(1, default, FitPolicy.LastFit),
            () => arena.TryAllocateConstrained(
                1,
                default,
                out _), () => arena.TryAllocateConstrained(1, default, FitPolicy.FirstFit, out _),
            () => arena.TryAllocateMany(1, starts), () => arena.FreeMany(starts, 1), () => arena.TryAllocateHandle(1, out _),
            () => arena.TryAllocateHandle(
                1,
                FitPolicy.BestFit,
                out _), () => arena.Free(handle), () => arena.TryExtend(0, 1, 2), () => arena.Contains(0),
            () => arena.TryGetSegment(0, out _), () => _ = arena.GetSegments().Count(), () => arena.GetStatistics(), () => arena.Explain(1),
            () => arena.Snapshot(), () => arena.Dump(TextWriter.Null), arena.Validate, () => arena.Reap(),
            () => ((IArenaSource<uint>)arena).TryImport(1, default, out _, out _), () => ((IArenaSource<uint>)arena).Release(0, 1),
        ];
        Assert.All(calls, call => Assert.Throws<ObjectDisposedException>(call));
        Arena<uint>.Restore(snapshot).Dispose();
    }
}
