using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Claiming;

public class ClaimManyTests
{
    [Theory]
    [InlineData(false, 0u)]
    [InlineData(true, 0u)]
    [InlineData(true, 8u)]
    public void A_copy_of_an_arena_holds_the_same(bool shuffled, uint cacheMax)
    {
        using Arena<uint> original = new("original", 16, 60_000, 4, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        SeededRandom random = new(7);
        for (int i = 0; i < 4_000; i++)
        {
            _ = original.TryAllocateConstrained(4u + (uint)random.Below(20), new() { Min = (uint)random.Below(50_000) }, out _);
        }

        Segment<uint>[] ranges = [.. original.GetSegments().Where(segment => segment.Kind == SegmentKind.Allocated)];
        if (shuffled)
        {
            for (int i = ranges.Length - 1; i > 0; i--)
            {
                int other = random.Below(i + 1);
                (ranges[i], ranges[other]) = (ranges[other], ranges[i]);
            }
        }

        using Arena<uint> copy = new("copy", 16, 60_000, 4, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        copy.AllocateAtMany(ranges);
        Assert.Equal(ArenaPicture.Segments(original), ArenaPicture.Segments(copy));
        Array.ForEach(ranges, range => copy.Free(range.Start, range.Size));
        Assert.Equal(0u, copy.GetStatistics().InUse);
        copy.Validate();
    }

    [Fact]
    public void All_or_none_and_the_lowest_conflict_is_named()
    {
        using Arena<uint> arena = new("all", 0, 100_000, 1);
        Segment<uint>[] ranges = [.. Enumerable.Range(0, 5_000).Select(i =>
            new Segment<uint>((uint)(4_999 - i) * 20, 10, SegmentKind.Allocated))];
        Assert.True(arena.TryAllocateAt(90_005, 3));
        Assert.True(arena.TryAllocateAt(95_005, 3));
        string before = ArenaPicture.Segments(arena);
        ArenaExhaustedException taken = Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany(ranges));
        Assert.Contains("range 499 of 5000, at 90000", taken.Message, StringComparison.Ordinal);
        Assert.Equal(before, ArenaPicture.Segments(arena));
        ranges[77] = new Segment<uint>(200_000, 1, SegmentKind.Allocated);
        arena.Free(90_005, 3);
        arena.Free(95_005, 3);
        Assert.Contains("range 77 of 5000, at 200000", Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany(ranges)).Message, StringComparison.Ordinal);
        Assert.Equal("{0+100000: (0+100000)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void Wrong_ranges_are_argument_errors_that_say_which()
    {
        using Arena<byte> arena = new("wrong", 0, 128, 4);
        Check([new(0, 8, SegmentKind.Allocated), new(4, 4, SegmentKind.Allocated)], "Range 1 of 2, 4 at 4: It overlaps range 0, 8 at 0.");
        Check([new(20, 4, SegmentKind.Allocated), new(16, 5, SegmentKind.Allocated)], "Range 0 of 2, 4 at 20: It overlaps range 1, 5 at 16.");
        Check([new(0, 4, SegmentKind.Allocated), new(8, 4, SegmentKind.Free)], "Range 1 of 2, 4 at 8: It is marked Free");
        Check([new(0, 4, SegmentKind.Allocated), new(9, 4, SegmentKind.Allocated)], "Range 1 of 2, 4 at 9: A range starts at a multiple of the quantum 4");
        Check([new(8, 0, SegmentKind.Allocated)], "Range 0 of 1, 0 at 8: A range must not be empty.");
        Check([new(252, 8, SegmentKind.Allocated)], "reaches past the top of Byte.");
        arena.AllocateAtMany([]);
        arena.Validate();

        void Check(Segment<byte>[] ranges, string message)
        {
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => arena.AllocateAtMany(ranges)).Message,
                StringComparison.Ordinal);
            Assert.Equal(0, arena.GetStatistics().InUse);
        }
    }

    [Fact]
    public void Caches_and_the_source_are_asked_for_ranges_of_a_batch()
    {
        using Arena<uint> below = new("below", 0, 4096, 64);
        using Arena<uint> arena = new("above", 1, new ArenaOptions<uint> { Source = below, QuantumCacheMax = 8 });
        arena.Free(arena.Allocate(3), 3);
        arena.AllocateAtMany([new(0, 64, SegmentKind.Allocated), new(64, 3, SegmentKind.Allocated),
            new(1024, 1024, SegmentKind.Allocated)]);
        Assert.Equal(64u + 3 + 1024, arena.GetStatistics().InUse);
        Assert.Throws<ArenaExhaustedException>(() =>
            arena.AllocateAtMany([new(512, 4, SegmentKind.Allocated), new(5000, 4, SegmentKind.Allocated)]));
        Assert.Equal(64u + 3 + 1024, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void An_audit_knows_who_claimed()
    {
        using Arena<uint> arena = new("audited", 0, 100, 1, new ArenaOptions<uint> { Audit = true });
        arena.TryAllocateAt(0, 10);
        arena.Reserve(20, 10);
        arena.AllocateAtMany([new(40, 10, SegmentKind.Allocated)]);
        Assert.Equal([AuditCall.AllocateAt, AuditCall.AllocateAt, AuditCall.Reserve],
            arena.GetAuditReport().Groups.SelectMany(group => group.First).Select(range => range.Call).Order());
        arena.Free(0, 10);
        arena.FreeConstrained(20, 10);
        arena.Free(40, 10);
        arena.Validate();
    }
}
