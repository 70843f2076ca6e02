using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>Why a request for a place or a window does not fit: each reason has a name of its own, and a sentence.</summary>
public class ObstacleTests
{
    [Fact]
    public void Who_is_at_a_place()
    {
        using Arena<uint> arena = new("who", 0, 100, 1);
        arena.TryAllocateAt(16, 40);
        FitReport<uint> report = arena.Explain(30, new() { Min = 0, Max = 30 });
        Assert.Equal((FitObstacle.Taken, new Segment<uint>(16, 40, SegmentKind.Allocated)), (report.Obstacle, report.Holder!.Value));
        Assert.Equal("30 at 0 is not free: an allocated segment of 40 at 16 is there.", report.ToString());
        arena.Reserve(0, 100);
        Assert.Equal("30 at 20 is not free: an allocated segment of 40 at 16 is there.", arena.Explain(30, new() { Min = 20, Max = 50 }).ToString());
        ArenaExhaustedException exhausted = Assert.Throws<ArenaExhaustedException>(() =>
            arena.AllocateConstrained(1, new() { Min = 99, Max = 100 }));
        Assert.Equal((FitObstacle.Taken, (UInt128)56, (UInt128)44), (exhausted.Obstacle, exhausted.ObstacleStart, exhausted.ObstacleSize));
        Assert.Contains("1 at 99 is not free: an allocated segment of 44 at 56 is there.", exhausted.Message, StringComparison.Ordinal);
        exhausted = Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany([new(10, 2, SegmentKind.Allocated)]));
        Assert.Equal((FitObstacle.Taken, (UInt128)0, (UInt128)16), (exhausted.Obstacle, exhausted.ObstacleStart, exhausted.ObstacleSize));
    }

    [Fact]
    public void What_lies_outside()
    {
        using Arena<byte> arena = new("out", 16, 16, 1);
        arena.AddSpan(40, 8);
        arena.AddSpan(48, 8);
        FitReport<byte> report = arena.Explain(20, new() { Min = 20, Max = 40 });
        Assert.Equal((FitObstacle.OutsideSpans, 32, 8), (report.Obstacle, report.OutsideStart, report.OutsideSize));
        Assert.Equal((FitObstacle.OutsideSpans, 0, 10), Outside(arena.Explain(10, new() { Max = 10 })));
        Assert.Equal((FitObstacle.OutsideSpans, 246, 10), Outside(arena.Explain(10, new() { Min = 246 })));
        Assert.Equal((FitObstacle.OutsideSpans, 100, 50), Outside(arena.Explain(10, new() { Min = 100, Max = 150 })));
        Assert.Equal("10 in [100, 150) is not to be had: 50 at 100 lies in no span.", arena.Explain(10, new() { Min = 100, Max = 150 }).ToString());
        Assert.Equal("10 at 44 is free, but lies in two spans that touch and were not joined.", arena.Explain(10, new() { Min = 44, Max = 54 }).ToString());

        static (FitObstacle Obstacle, byte Start, byte Size) Outside(in FitReport<byte> report) =>
            (report.Obstacle, report.OutsideStart, report.OutsideSize);
    }

    [Fact]
    public void What_is_misaligned_crowded_or_too_short()
    {
        using Arena<uint> arena = new("align", 8, 40, 8);
        Assert.Equal("Enough is free in one piece, but no place for 8 there has Align 64, Phase 56.", arena.Explain(8, new() { Align = 64, Phase = 56 }).ToString());
        Assert.Equal("Enough is free in one piece in [8, 128), but no place for 8 there has Align 64.", arena.Explain(8, new() { Align = 64, Min = 8, Max = 128 }).ToString());
        Assert.Equal("[8, 64) holds no place for 8 that has Align 64, whatever is free.", arena.Explain(8, new() { Align = 64, Min = 8, Max = 64 }).ToString());
        Assert.Equal("[8, 20) holds no place for 16, whatever is free.", arena.Explain(16, new() { Min = 8, Max = 20 }).ToString());
        arena.TryAllocateAt(16, 8);
        arena.TryAllocateAt(32, 8);
        Assert.Equal("Nothing as long as 16 is free in [8, 48).", arena.Explain(16, new() { Min = 8, Max = 48 }).ToString());
        Assert.Equal(FitObstacle.None, arena.Explain(16).Obstacle);
        Assert.Equal(FitObstacle.None, arena.Explain(8).Obstacle);
    }

    [Fact]
    public void The_limit_is_named()
    {
        using Arena<uint> below = new("below", 0, 1024, 1);
        using Arena<uint> arena = new("limit", 1, new ArenaOptions<uint> { Source = below, Limit = 100 });
        arena.Allocate(60);
        FitReport<uint> report = arena.Explain(50);
        Assert.Equal((false, 100u), (report.CanImport, report.Limit));
        Assert.EndsWith(" An import would exceed the arena's limit of 100 (ArenaOptions.Limit).", report.ToString(), StringComparison.Ordinal);
        Assert.Equal((true, 0u), (arena.Explain(40).CanImport, arena.Explain(40).Limit));
        Assert.Equal((UInt128)100, Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(50)).Limit);
        Assert.Equal((UInt128)0, Assert.Throws<ArenaExhaustedException>(() => below.Allocate(2000)).Limit);
    }

    [Fact]
    public void Slabs_of_caches_are_ranges()
    {
        using Arena<uint> arena = new("cached", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint[] starts = [.. Enumerable.Range(0, 16).Select(_ => arena.Allocate(4))];
        Assert.Equal(new Segment<uint>(starts[3], 4, SegmentKind.Allocated),
            arena.Explain(2, new() { Min = starts[3] + 1, Max = starts[3] + 3 }).Holder);
    }

    /// <summary>Every place of an arena of eight bits, against what its segments say.</summary>
    [Fact]
    public void Each_place_has_the_reason_that_its_segments_say()
    {
        using Arena<byte> arena = new("every", 1);
        arena.AddSpan(0, 20);
        arena.AddSpan(20, 30);
        arena.AddSpan(60, 40);
        arena.AddSpan(230, 26);
        foreach (byte start in (byte[])[3, 19, 25, 62, 99, 230, 255])
        {
            Assert.True(arena.TryAllocateAt(start, 1));
        }

        Segment<byte>[] segments = [.. arena.GetSegments()];
        for (int start = 0; start < 256; start++)
        {
            for (int size = 1; start + size <= 256 && size < 256; size++)
            {
                FitReport<byte> report = arena.Explain((byte)size, new() { Min = (byte)start, Max = (byte)(start + size) });
                Assert.Equal(Expected(start, start + size), report.Obstacle);
                bool can = arena.TryAllocateAt((byte)start, (byte)size);
                Assert.Equal(can, report.Fits);
                if (can)
                {
                    arena.Free((byte)start, (byte)size);
                }
            }
        }

        FitObstacle Expected(int from, int end)
        {
            int home = -1;
            for (int value = from; value < end; value++)
            {
                int span = Array.FindIndex(segments, segment => segment.Kind == SegmentKind.Span && Holds(segment, value));
                Segment<byte> there = Array.Find(segments, segment => segment.Kind != SegmentKind.Span && Holds(segment, value));
                FitObstacle obstacle = span < 0 ? FitObstacle.OutsideSpans : home >= 0 && span != home ? FitObstacle.Seam
                    : there.Kind == SegmentKind.Allocated ? FitObstacle.Taken : FitObstacle.None;
                if (obstacle != FitObstacle.None)
                {
                    return obstacle;
                }

                home = span;
            }

            return FitObstacle.None;
        }

        static bool Holds(in Segment<byte> segment, int value) => value >= segment.Start && value < segment.Start + segment.Size;
    }
}
