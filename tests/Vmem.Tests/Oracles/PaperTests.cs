using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Oracles;

/// <summary>Acceptance 1 and 2: Bonwick and Adams, "Magazines and Vmem" (USENIX 2001).</summary>
public class PaperTests
{
    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    /// <summary>§4.3.2 prints 262, and 262 mod 64 is 6, not 8. The valid answers are 200 and 264.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void The_xalloc_example_of_section_4_3_2_has_exactly_two_answers(FitPolicy policy)
    {
        foreach (uint quantum in (uint[])[1, 4])
        {
            using Arena<uint> arena = new("paper", 100, 400, quantum);
            RangeConstraints<uint> constraints = new() { Align = 64, Phase = 8, Min = 200, Max = 300 };

            uint first = arena.AllocateConstrained(20, constraints, policy);
            uint second = arena.AllocateConstrained(20, constraints, policy);

            Assert.Equal([200u, 264u], new[] { first, second }.Order());
            Assert.False(arena.TryAllocateConstrained(20, constraints, policy, out _));
            arena.Validate();
        }
    }

    [Fact]
    public void First_and_last_fit_choose_the_lower_and_the_upper_answer()
    {
        using Arena<uint> arena = new("paper", 100, 400, 1);
        RangeConstraints<uint> constraints = new() { Align = 64, Phase = 8, Min = 200, Max = 300 };
        Assert.Equal(264u, arena.AllocateConstrained(20, constraints, FitPolicy.LastFit));
        Assert.Equal(200u, arena.AllocateConstrained(20, constraints, FitPolicy.FirstFit));
    }

    /// <summary>§4.4.2: what instant fit may waste is bounded because it never cuts a segment of which it is not sure while it has one of
    /// which it is.</summary>
    [Fact]
    public void Instant_fit_takes_from_a_list_that_surely_fits_while_there_is_one()
    {
        // 8,193 lies within the list of [8,192, 8,320). The first span's free segment is of that list and would fit; the second's is of a
        // higher one.
        using Arena<ulong> arena = new("instant", 1);
        arena.AddSpan(100_000, 8_250);
        arena.AddSpan(200_000, 20_000);
        Assert.Equal(200_000ul, arena.Allocate(8_193, FitPolicy.InstantFit));
        Assert.Equal("{100000+8250: (100000+8250)} {200000+20000: 200000+8193 (208193+11807)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void Instant_fit_takes_from_the_list_that_may_fit_before_it_fails()
    {
        using Arena<ulong> arena = new("instant", 1);
        arena.AddSpan(100_000, 8_193);
        arena.AddSpan(200_000, 8_200);
        arena.AddSpan(300_000, 8_250);
        Assert.Equal(300_000ul, arena.Allocate(8_201, FitPolicy.InstantFit));
        Assert.True(arena.TryAllocate(8_193, FitPolicy.InstantFit, out ulong second));
        Assert.True(arena.TryAllocate(8_193, FitPolicy.InstantFit, out ulong third));
        Assert.Equal([100_000ul, 200_000ul], new[] { second, third }.Order());
        Assert.False(arena.TryAllocate(8_193, FitPolicy.InstantFit, out _));
    }

    /// <summary>Below 128 quanta each size has a list of its own, so that instant fit finds what best fit finds.</summary>
    [Fact]
    public void Instant_fit_of_small_requests_takes_the_smallest_size_that_fits()
    {
        for (uint size = 1; size < 100; size++)
        {
            using Arena<uint> arena = new("small", 1);
            uint[] sizes = [120, 7, 64, 31, 100, 3, 127, 16];
            for (uint i = 0; i < sizes.Length; i++)
            {
                arena.AddSpan(1_000 * (i + 1), sizes[i]);
            }

            uint start = arena.Allocate(size, FitPolicy.InstantFit);
            Assert.Equal(sizes.Where(candidate => candidate >= size).Min(), sizes[(start / 1_000) - 1]);
        }
    }
}
