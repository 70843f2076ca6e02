using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Xunit;

namespace Vmem.Tests.PeerBugs;

/// <summary>Mistakes that other implementations make in placing a range; each test is named after one.</summary>
public class PlacementBugTests
{
    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    [Fact]
    public void Illumos_cannot_hand_out_address_zero()
    {
        using Arena<uint> arena = new("ids", 0, 4, 1);
        Assert.Equal(0u, arena.Allocate(1, FitPolicy.FirstFit));
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() =>
        {
            arena.Free(0, 1);
            Assert.Equal(0u, arena.Allocate(2, FitPolicy.FirstFit));
            arena.Free(1, 1);
        }).Reason);
        arena.Validate();
    }

    [Fact]
    public void The_rust_crate_refuses_a_span_that_ends_at_the_top_of_the_type()
    {
        using Arena<ulong> arena = new("top", 0x1000);
        arena.AddSpan(ulong.MaxValue - 0xffff, 0x10000);
        Assert.Equal(ulong.MaxValue - 0xfff, arena.Allocate(0x1000, FitPolicy.LastFit));
    }

    /// <summary>
    /// The BSDs compute <c>start = roundup(start - phase, align) + phase</c> and compare sums that may wrap: in 14,515 of 600,000 random
    /// 8-bit cases they return
    /// addresses below the minimum or outside the segment. Here each case is checked against the predicate, address by address.
    /// </summary>
    [Fact]
    public void The_fit_formula_of_the_bsds_wraps_in_600_000_random_8_bit_cases()
    {
        SeededRandom random = new(2);
        for (int spanCase = 0; spanCase < Night.Scaled(1_500); spanCase++)
        {
            int start = random.Below(256);
            int size = 1 + random.Below(Math.Min(255, 256 - start));
            using Arena<byte> arena = new("8 bits", (byte)start, (byte)size, 1);
            for (int request = 0; request < 400; request++)
            {
                CheckOneRequest(arena, start, size, random);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Illumos_skips_the_exact_list_for_a_constrained_request_when_a_higher_list_is_not_empty(FitPolicy policy)
    {
        // Only the 40-long segment has an aligned place; the higher lists hold segments that have none.
        using Arena<uint> arena = new("constrained", 1);
        arena.AddSpan(1_024, 40);
        arena.AddSpan(2_049, 1_000);
        arena.AddSpan(4_097, 4_000);
        Assert.Equal(1_024u, arena.AllocateConstrained(40, new() { Align = 1_024, Max = 3_000 }, policy));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_rust_crate_searches_only_the_first_nonempty_list_for_a_constrained_request(FitPolicy policy)
    {
        using Arena<uint> arena = new("constrained", 1);
        arena.AddSpan(100, 8);
        arena.AddSpan(200, 16);
        arena.AddSpan(300, 900);
        Assert.Equal(1_024u, arena.AllocateConstrained(8, new() { Align = 1_024 }, policy));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_rust_crate_and_tinyvmem_fail_a_request_for_exactly_the_whole_arena(FitPolicy policy)
    {
        using Arena<uint> arena = new("exact", 0x1000, 0x30, 1);
        Assert.True(arena.TryAllocate(0x30, policy, out uint start));
        Assert.Equal(0x1000u, start);
    }

    [Fact]
    public void Netbsd_and_freebsd_take_max_as_inclusive()
    {
        using Arena<uint> arena = new("max", 0, 100, 1);
        Assert.False(arena.TryAllocateConstrained(11, new() { Max = 10 }, FitPolicy.InstantFit, out _));
        Assert.Equal(0u, arena.AllocateConstrained(10, new() { Max = 10 }));
    }

    private static void CheckOneRequest(Arena<byte> arena, int spanStart, int spanSize, SeededRandom random)
    {
        int size = 1 + random.Below(random.Below(2) == 0 ? 20 : 255);
        int align = 1 << random.Below(8);
        ModelConstraints constraints = new(
            align, random.Below(align), random.Below(2) == 0
                ? 0
                : 1 << random.Below(8), random.Below(2) == 0 ? 0 : random.Below(256), random.Below(256));
        if (!constraints.AreWellFormed(size, 1))
        {
            constraints = constraints with { NoCross = 0 };
        }

        FitPolicy policy = (FitPolicy)random.Below(7);
        RangeConstraints<byte> asBytes = constraints.For<byte>();
        int[] valid = [.. Enumerable.Range(spanStart, Math.Max(0, spanSize - size + 1))
            .Where(place => PlacementRule.Holds(place, size, constraints, 1))];
        bool found = arena.TryAllocateConstrained((byte)size, asBytes, policy, out byte start);
        Assert.True(found == (valid.Length > 0), $"[{spanStart}, +{spanSize}): {size} {constraints} {policy} gave {found} {start}, valid are {string.Join(' ', valid)}");
        if (found)
        {
            bool right = policy switch
            {
                FitPolicy.LastFit => start == valid[^1],
                FitPolicy.FirstFit or FitPolicy.BestFit => start == valid[0],
                _ => valid.Contains(start),
            };
            Assert.True(right, $"[{spanStart}, +{spanSize}): {size} {constraints} {policy} gave {start}, valid are {string.Join(' ', valid)}");
            arena.FreeConstrained(start, (byte)size);
        }
    }
}
