using System.Numerics;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Oracles;

/// <summary>Acceptance 7: arenas that hold every value of their type, or end where it ends.</summary>
public class TopOfTheTypeTests
{
    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    [Theory]
    [MemberData(nameof(Policies))]
    public void All_256_values_of_byte(FitPolicy policy) => FillAndEmpty<byte>([(0, 128), (128, 128)], 1, policy);

    [Theory]
    [MemberData(nameof(Policies))]
    public void All_256_values_of_byte_in_unequal_spans(FitPolicy policy) => FillAndEmpty<byte>([(0, 255), (255, 1)], 1, policy);

    [Theory]
    [MemberData(nameof(Policies))]
    public void All_65536_values_of_ushort(FitPolicy policy) => FillAndEmpty<ushort>([(0, 32_768), (32_768, 32_768)], 1, policy);

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_ulong_span_that_ends_at_2_to_the_64(FitPolicy policy) =>
        FillAndEmpty<ulong>([(ulong.MaxValue - 65_535, 65_536ul)], 16, policy);

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_nuint_span_that_ends_at_its_top(FitPolicy policy) =>
        FillAndEmpty<nuint>([(nuint.MaxValue - 4_095, (nuint)4_096)], 1, policy);

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_UInt128_span_that_ends_at_2_to_the_128(FitPolicy policy) =>
        FillAndEmpty<UInt128>([(UInt128.MaxValue - 4_095, (UInt128)4_096)], 4, policy);

    [Fact]
    public void All_2_to_the_64_values_in_two_spans_saturate_the_statistics()
    {
        using Arena<ulong> arena = new("everything", 1);
        arena.AddSpan(0, 1ul << 63);
        arena.AddSpan(1ul << 63, 1ul << 63);
        arena.Validate();
        Assert.Equal(ulong.MaxValue, arena.GetStatistics().TotalSize);
        Assert.Equal(ulong.MaxValue, arena.GetStatistics().Free);
        Assert.Equal(0ul, arena.Allocate(1ul << 63, FitPolicy.FirstFit));
        Assert.Equal(1ul << 63, arena.GetStatistics().Free);
        Assert.Equal(1ul << 63, arena.Allocate(1ul << 63));
        Assert.Equal(ulong.MaxValue, arena.GetStatistics().InUse);
        Assert.Equal(0ul, arena.GetStatistics().Free);
        Assert.False(arena.TryAllocate(1, out _));
        arena.Free(1ul << 63, 1ul << 63);
        arena.Free(0, 1ul << 63);
        arena.Validate();
        Assert.Equal(2, arena.GetStatistics().FreeSegments);
    }

    [Fact]
    public void The_longest_single_span_ends_at_the_top()
    {
        using Arena<ulong> arena = new("most", 1, ulong.MaxValue, 1);
        Assert.Equal(ulong.MaxValue, arena.Allocate(1, FitPolicy.LastFit));
        Assert.Equal(1ul, arena.Allocate(ulong.MaxValue - 1));
        Assert.False(arena.Contains(0));
        Assert.True(arena.Contains(ulong.MaxValue));
        arena.Validate();
    }

    [Fact]
    public void An_IPv6_slash_32_hands_out_slash_48s_and_slash_64s()
    {
        UInt128 prefix = (UInt128)0x20010db8 << 96;
        UInt128 site = UInt128.One << 80;
        UInt128 subnet = UInt128.One << 64;
        using Arena<UInt128> arena = new("2001:db8::/32", prefix, UInt128.One << 96, subnet, new ArenaOptions<UInt128> { Policy = FitPolicy.BestFit });
        RangeConstraints<UInt128> aligned = new() { Align = site };

        UInt128 first = arena.Allocate(subnet);
        Assert.Equal(prefix, first);
        List<UInt128> sites = [];
        while (arena.TryAllocateConstrained(site, aligned, FitPolicy.BestFit, out UInt128 start))
        {
            Assert.Equal((UInt128)0, start % site);
            sites.Add(start);
        }

        Assert.Equal(65_535, sites.Distinct().Count());
        for (int i = 1; i < 65_536; i++)
        {
            Assert.Equal(prefix + ((UInt128)i * subnet), arena.Allocate(subnet));
        }

        Assert.False(arena.TryAllocate(subnet, out _));
        Assert.Equal((UInt128)0, arena.GetStatistics().Free);
        sites.ForEach(start => arena.Free(start, site));
        for (int i = 65_535; i >= 0; i--)
        {
            arena.Free(prefix + ((UInt128)i * subnet), subnet);
        }

        arena.Validate();
        Assert.Equal(
            [new Segment<UInt128>(prefix, UInt128.One << 96, SegmentKind.Free)],
            arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free));
    }

    /// <summary>Fills the spans one quantum at a time, fails cleanly, frees every second range and then the others, and finds each span
    /// whole again.</summary>
    private static void FillAndEmpty<T>((T Start, T Size)[] spans, T quantum, FitPolicy policy)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        using Arena<T> arena = new("full", quantum, new ArenaOptions<T> { Policy = policy });
        int units = 0;
        foreach ((T start, T size) in spans)
        {
            arena.AddSpan(start, size);
            units += int.CreateChecked(size / quantum);
        }

        string empty = ArenaPicture.Segments(arena);
        HashSet<T> starts = [];
        while (arena.TryAllocate(quantum, out T start))
        {
            Assert.True(starts.Add(start), $"{start} was handed out twice.");
        }

        Assert.Equal(units, starts.Count);
        Assert.Contains(T.MaxValue - quantum + T.One, starts);
        arena.Validate();
        Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(quantum));
        foreach (T start in starts.Where((_, index) => index % 2 == 0).Concat(starts.Where((_, index) => index % 2 == 1)))
        {
            arena.Free(start, quantum);
        }

        arena.Validate();
        Assert.Equal(empty, ArenaPicture.Segments(arena));
    }
}
