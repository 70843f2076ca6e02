using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Policies;

/// <summary>Random fit: every place is equally likely, and a request fails only if there is none.</summary>
public class RandomFitTests
{
    /// <summary>The reference vector of SipHash-2-4 for eight bytes (Aumasson and Bernstein, appendix A's table).</summary>
    [Fact]
    public void The_numbers_are_SipHash() =>
        Assert.Equal(0x93F5F5799A932462ul, RandomNumbers.Hash(0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x0706050403020100));

    [Fact]
    public void A_seed_says_which_places()
    {
        using Arena<ushort> one = Ports(5);
        using Arena<ushort> same = Ports(5);
        using Arena<ushort> other = Ports(6);
        using Arena<ushort> secret = Ports(null);
        using Arena<ushort> another = Ports(null);
        ushort[] places = Draw(one);
        Assert.Equal(places, Draw(same));
        Assert.NotEqual(places, Draw(other));
        Assert.NotEqual(Draw(secret), Draw(another));
    }

    /// <summary>Two spans that hold every value of the type: how much is free is more than the type can say.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Every_value_of_the_type_can_be_drawn(byte from)
    {
        int[] times = new int[256];
        for (ulong seed = 0; seed < 8_000; seed++)
        {
            using Arena<byte> arena = new("bytes", 1, new() { Policy = FitPolicy.RandomFit, RandomSeed = seed });
            arena.AddSpan(0, 128);
            arena.AddSpan(128, 128);
            Assert.True(arena.TryAllocateConstrained(1, new() { Min = from }, FitPolicy.RandomFit, out byte start));
            times[start]++;
        }

        Assert.All(times.Take(from), count => Assert.Equal(0, count));
        Assert.All(times.Skip(from), count => Assert.InRange(count, 5, 150));
    }

    [Fact]
    public void Every_free_id_is_equally_likely() => AssertUniform(1, default, static _ => true);

    [Fact]
    public void Every_place_of_a_longer_range_is_equally_likely() => AssertUniform(3, default, static _ => true);

    [Fact]
    public void Every_place_of_a_window_is_equally_likely() =>
        AssertUniform(1, new() { Min = 700, Max = 1_900 }, static start => start is >= 700 and < 1_900);

    [Fact]
    public void Every_aligned_place_is_equally_likely() =>
        AssertUniform(2, new() { Align = 4, Phase = 1 }, static start => start % 4 == 1);

    [Fact]
    public void Every_aligned_place_longer_than_the_alignment_is_equally_likely() =>
        AssertUniform(6, new() { Align = 4, NoCross = 16 }, static start => start % 4 == 0 && (start % 16) + 6 <= 16);

    /// <summary>Ten places among 65,536 values: hardly a draw of any value would be one of them.</summary>
    [Theory]
    [InlineData(1, 0, 710)]
    [InlineData(4, 0, 713)]
    [InlineData(2, 8, 774)]
    [InlineData(1, 8, 773)]
    public void Every_place_of_a_narrow_window_of_an_arena_over_all_is_equally_likely(int size, int align, int max)
    {
        using var arena = Arena<ushort>.OverAll("values", 1, new ArenaOptions<ushort> { Policy = FitPolicy.RandomFit, RandomSeed = 3 });
        Dictionary<ushort, int> counts = [];
        for (int i = 0; i < 1_000; i++)
        {
            RangeConstraints<ushort> window = new() { Min = 700, Max = (ushort)max, Align = (ushort)align };
            ushort start = arena.AllocateConstrained((ushort)size, window);
            counts[start] = counts.GetValueOrDefault(start) + 1;
            arena.Free(start, (ushort)size);
        }

        int first = align == 0 ? 700 : 704;
        int step = align == 0 ? 1 : align;
        int places = align == 0 ? 10 : 9;
        Assert.Equal(Enumerable.Range(0, places).Select(place => first + (place * step)), counts.Keys.Order().Select(start => (int)start));
        Assert.All(counts.Values, count => Assert.InRange(count, 50, 170));
    }

    [Fact]
    public void Every_value_of_an_arena_over_all_is_equally_likely()
    {
        using var arena = Arena<byte>.OverAll("bytes", 1, new ArenaOptions<byte> { Policy = FitPolicy.RandomFit, RandomSeed = 3 });
        int[] counts = new int[256];
        for (int i = 0; i < 256 * 100; i++)
        {
            byte start = arena.Allocate(1);
            counts[start]++;
            arena.Free(start, 1);
        }

        AssertUniform(counts);
    }

    /// <summary>One place among much that is none, where draws fail.</summary>
    [Fact]
    public void The_only_place_is_found()
    {
        using Arena<uint> arena = new("rare", 0, 40_000, 1, new ArenaOptions<uint> { Policy = FitPolicy.RandomFit, RandomSeed = 1 });
        for (uint start = 0; start < 40_000; start += 4)
        {
            Assert.True(arena.TryAllocateAt(start, 1));
        }

        Assert.False(arena.TryAllocate(4, out _));
        arena.Free(20_000, 1);
        for (int i = 0; i < 100; i++)
        {
            uint found = arena.Allocate(7);
            Assert.Equal(19_997u, found);
            arena.Free(found, 7);
            Assert.Equal(20_000u, arena.AllocateConstrained(4, new() { Align = 16 }));
            Assert.False(arena.TryAllocateConstrained(4, new() { Align = 16 }, out _));
            arena.FreeConstrained(20_000, 4);
        }
    }

    private static void AssertUniform(uint size, RangeConstraints<uint> constraints, Func<uint, bool> isAllowed)
    {
        using Arena<uint> arena = Fragmented();
        List<uint> places = [];
        foreach (Segment<uint> free in arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free))
        {
            for (uint start = free.Start; start + size <= free.Start + free.Size; start++)
            {
                if (isAllowed(start))
                {
                    places.Add(start);
                }
            }
        }

        Assert.True(places.Count > 50);
        var indexes = places.Select((start, index) => (start, index)).ToDictionary(static pair => pair.start, static pair => pair.index);
        int[] counts = new int[places.Count];
        for (int i = 0; i < 100 * places.Count; i++)
        {
            uint start = arena.AllocateConstrained(size, constraints);
            counts[indexes[start]]++;
            arena.FreeConstrained(start, size);
        }

        AssertUniform(counts);
    }

    /// <summary>Pearson's chi-square, four standard deviations on either side: a generator that is fair fails once in 15,000 seeds, and
    /// this is one seed.</summary>
    private static void AssertUniform(int[] counts)
    {
        double expected = counts.Average();
        double chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);
        double freedom = counts.Length - 1;
        Assert.InRange(chiSquare, freedom - (4 * Math.Sqrt(2 * freedom)), freedom + (4 * Math.Sqrt(2 * freedom)));
    }

    /// <summary>Free segments of 1 to 12 between others, two spans.</summary>
    private static Arena<uint> Fragmented()
    {
        Arena<uint> arena = new("fragmented", 0, 2_000, 1, new ArenaOptions<uint> { Policy = FitPolicy.RandomFit, RandomSeed = 11 });
        arena.AddSpan(3_000, 500);
        var random = new SeededRandom(4);
        foreach (Segment<uint> span in arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Span).ToList())
        {
            uint end = span.Start + span.Size;
            for (uint at = span.Start; at < end; at += 1 + (uint)random.Below(12))
            {
                uint size = Math.Min(1 + (uint)random.Below(8), end - at);
                Assert.True(arena.TryAllocateAt(at, size));
                at += size;
            }
        }

        return arena;
    }

    private static Arena<ushort> Ports(ulong? seed) =>
        new("ports", 49_152, 16_384, 1, new ArenaOptions<ushort> { Policy = FitPolicy.RandomFit, RandomSeed = seed });

    private static ushort[] Draw(Arena<ushort> arena) => [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(1))];
}
