using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Claiming;

public class OverAllTests
{
    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    [Fact]
    public void All_ids_of_ushort_are_handed_out_once()
    {
        using var arena = Arena<ushort>.OverAll("ids", 1, new ArenaOptions<ushort> { Policy = FitPolicy.FirstFit });
        for (int id = 0; id <= ushort.MaxValue; id++)
        {
            Assert.Equal(id, arena.Allocate(1));
        }

        Assert.False(arena.TryAllocate(1, out _));
        ArenaStatistics<ushort> figures = arena.GetStatistics();
        Assert.Equal((ushort.MaxValue, ushort.MaxValue, (ushort)0), (figures.TotalSize, figures.InUse, figures.Free));
        for (int id = 0; id <= ushort.MaxValue; id++)
        {
            arena.Free((ushort)id, 1);
        }

        Assert.Equal((1L, 0L), (arena.GetStatistics().FreeSegments, arena.GetStatistics().LiveSegments));
        arena.Validate();
    }

    [Theory]
    [MemberData(nameof(Policies))]
    [Trait("Once", "Release")]
    public void A_range_lies_anywhere(FitPolicy policy)
    {
        for (int quantum = 1; quantum <= 16; quantum *= 16)
        {
            using var arena = Arena<byte>.OverAll("all", (byte)quantum, new ArenaOptions<byte> { Policy = policy });
            for (int start = 0; start < 256; start += quantum)
            {
                for (int size = quantum; size <= 256 - start && size < 256; size += quantum)
                {
                    RangeConstraints<byte> place = new() { Min = (byte)start, Max = (byte)(start + size) };
                    Assert.True(arena.TryAllocateConstrained((byte)size, place, out byte found));
                    Assert.Equal(start, found);
                    Assert.Equal(256 - size, arena.GetStatistics().Free);
                    arena.Validate();
                    arena.FreeConstrained((byte)start, (byte)size);
                    arena.Validate();
                }
            }

            FitPolicy other = policy is FitPolicy.NextFit or > FitPolicy.LastFit ? FitPolicy.BestFit : policy;
            Assert.Equal(policy == FitPolicy.LastFit ? quantum : 0, arena.Allocate((byte)(256 - quantum), other));
        }
    }

    [Theory]
    [InlineData(false, true, "the span of every value of UInt64 overlaps the one of 16 at 5")]
    [InlineData(true, false, "the span of 16 at 5 overlaps the one of every value of UInt64")]
    [InlineData(true, true, "the span of every value of UInt64 overlaps the one of every value of UInt64")]
    public void A_snapshot_with_another_span_beside_all_is_refused_in_its_own_numbers(bool isFirstAll, bool isSecondAll, string message)
    {
        SpanSnapshot<ulong> whole = new() { Start = 0, Size = 0, IsWhole = true, Allocated = [] };
        SpanSnapshot<ulong> small = new() { Start = 5, Size = 16, Allocated = [] };
        ArenaSnapshot<ulong> snapshot = new()
        {
            Name = "all",
            Quantum = 1,
            Spans = [isFirstAll ? whole : small, isSecondAll ? whole : small],
        };
        FormatException thrown = Assert.Throws<FormatException>(() => Arena<ulong>.Restore(snapshot));
        Assert.EndsWith($"{message}.", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_overlaps_the_span_of_all_is_told_so()
    {
        using var arena = Arena<byte>.OverAll("all", 1);
        ArgumentException thrown = Assert.Throws<ArgumentException>(() => arena.AddSpan(5, 16));
        Assert.StartsWith("The span of 16 at 5 overlaps the one of every value of Byte.", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_saturate_and_words_say_so()
    {
        using var arena = Arena<ulong>.OverAll("everything", 16);
        ArenaStatistics<ulong> figures = arena.GetStatistics();
        Assert.Equal((ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0ul, 1L),
            (figures.TotalSize, figures.Free, figures.LargestFree, figures.InUse, figures.FreeSegments));
        Assert.Equal(0, figures.Fragmentation);
        Assert.Equal([new(0, ulong.MaxValue, SegmentKind.Span), new(0, ulong.MaxValue, SegmentKind.Free)], arena.GetSegments());
        Assert.True(arena.TryGetSegment(ulong.MaxValue, out Segment<ulong> segment));
        Assert.Equal(new Segment<ulong>(0, ulong.MaxValue, SegmentKind.Free), segment);
        Assert.True(arena.Contains(0) && arena.Contains(ulong.MaxValue));
        FitReport<ulong> report = arena.Explain(1ul << 63);
        Assert.Equal((true, 1L, ulong.MaxValue, ulong.MaxValue), (report.Fits, report.LongEnough, report.LargestFree, report.LargestSpan));
        Assert.Equal(1ul << 62, arena.Explain(16, new() { Min = 1ul << 62 }).Start);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Allocate(ulong.MaxValue));        // 2^64 when rounded
        Assert.Throws<ArgumentException>(() => arena.AddSpan(0, 16));
        Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(0, ulong.MaxValue));
        Assert.Throws<ArgumentException>(() => arena.TryGrowSpan(0, ulong.MaxValue & ~15ul, 16));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(32, 16)).Reason);
        var text = new StringWriter();
        arena.Dump(text);
        Assert.Contains("every value of UInt64", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("0xffffffffffffffff                  2^64  span", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("0xffffffffffffffff                  2^64  free", text.ToString(), StringComparison.Ordinal);
        arena.Validate();
    }

    /// <summary>With one value at rest what is free is as long as a size can say, and does not reach the top.</summary>
    [Fact]
    public void A_dump_of_what_rests_at_the_top_shows_no_value_twice()
    {
        using var arena = Arena<byte>.OverAll("all", 1);
        Assert.True(arena.TryAllocateAt(255, 1));
        arena.FreeAfter(255, 1, TimeSpan.FromHours(1));
        var text = new StringWriter();
        arena.Dump(text);
        Assert.Contains("0x00  0xfe                   255  free", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("0xff  0xff                     1  resting", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_brings_it_back()
    {
        using var arena = Arena<byte>.OverAll("all", 4, new ArenaOptions<byte> { Policy = FitPolicy.FirstFit });
        using var empty = Arena<byte>.Restore(ArenaSnapshot<byte>.FromJson(arena.Snapshot().ToJson()));
        Assert.Equal(255, empty.GetStatistics().Free);
        Assert.Equal(4, empty.AllocateConstrained(252, new() { Min = 4 }));
        arena.Allocate(100);
        arena.TryAllocateAt(120, 16);
        arena.TryAllocateAt(248, 8);
        using var restored = Arena<byte>.Restore(ArenaSnapshot<byte>.FromJson(arena.Snapshot().ToJson()));
        Assert.Equal(ArenaPicture.Segments(arena), ArenaPicture.Segments(restored));
        restored.Free(0, 100);
        restored.Free(120, 16);
        restored.Free(248, 8);
        Assert.Equal(252, restored.Allocate(252) + 252);
        restored.Validate();
    }

    [Fact]
    public void Two_joined_halves_are_all()
    {
        using Arena<UInt128> arena = new("halves", 0, UInt128.One << 127, 1);
        arena.TryAllocateAt(5, 1);
        arena.AddSpan(UInt128.One << 127, UInt128.One << 127, joinNeighbors: true);
        Assert.Equal((UInt128)6, arena.AllocateConstrained(UInt128.MaxValue - 5, new() { Min = 6 }));
        arena.Free(6, UInt128.MaxValue - 5);
        arena.Free(5, 1);
        Assert.Equal(UInt128.MaxValue, arena.GetStatistics().LargestFree);
        arena.Validate();
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        using Arena<byte> below = new("below", 0, 16, 1);
        Assert.Throws<ArgumentException>(() => Arena<byte>.OverAll("x", 1, new ArenaOptions<byte> { Source = below }));
        Assert.Throws<ArgumentException>(() => Arena<byte>.OverAll("x", 1, new ArenaOptions<byte> { Limit = 255 }));
        Assert.Throws<ArgumentException>(() => Arena<byte>.OverAll("x", 3));
        Assert.Throws<ArgumentNullException>(() => Arena<byte>.OverAll(null!, 1));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 6)]
    public void Frees_by_every_way_leave_all_free(bool audit, byte cacheMax)
    {
        using var arena = Arena<byte>.OverAll("ways", 1, new ArenaOptions<byte> { Audit = audit, QuantumCacheMax = cacheMax });
        SeededRandom random = new(3);
        byte[] starts = new byte[8];
        for (int round = 0; round < 300; round++)
        {
            Assert.True(arena.TryAllocateHandle((byte)(1 + random.Below(255)), (FitPolicy)random.Below(7), out RangeHandle<byte> handle));
            arena.Validate();
            arena.Free(handle);
            arena.Validate();
            arena.FreeMany(starts.AsSpan(0, arena.TryAllocateMany(31, starts)), 31);
            arena.Validate();
            byte start = arena.Allocate(5);
            Assert.True(arena.TryExtend(start, 5, 7));
            arena.Validate();
            arena.Free(start, 7);
            Assert.Equal(255, arena.Reserve(1, 255));
            arena.Validate();
            Assert.Equal(1, arena.Reserve(0, 255));
            arena.Free(1, 255);
            arena.FreeMany([0], 1);
            _ = arena.Reap();
            arena.Validate();
            Assert.Equal(255, arena.GetStatistics().LargestFree);
        }
    }

    [Fact]
    public void An_arena_above_imports_from_it()
    {
        using var below = Arena<byte>.OverAll("below", 1);
        using Arena<byte> above = new("above", 1, new ArenaOptions<byte> { Source = below });
        Assert.Equal(1, above.AllocateConstrained(255, new() { Min = 1 }));
        above.Free(1, 255);
        Assert.Equal(0, above.AllocateConstrained(255, new() { Max = 255 }));
        above.Validate();
        below.Validate();
        using var coarse = Arena<byte>.OverAll("coarse", 128);
        using Arena<byte> fine = new("fine", 1, new ArenaOptions<byte> { Source = coarse });
        Assert.False(fine.TryAllocateAt(100, 60));               // both units, which no size says
        Assert.True(fine.TryAllocateAt(128, 60));
        coarse.Validate();
    }
}
