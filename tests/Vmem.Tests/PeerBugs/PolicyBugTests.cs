using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.PeerBugs;

/// <summary>Policies that do something else than their name in other implementations; each test is named after one.</summary>
public class PolicyBugTests
{
    /// <summary>40 and 60 lie in the same power-of-two list [32, 64), in either order of being freed.</summary>
    [Fact]
    public void Best_fit_of_the_bsds_is_the_first_that_fits_in_a_list()
    {
        foreach (bool smallerFreedFirst in (bool[])[true, false])
        {
            using Arena<uint> arena = new("best", 0, 1_000, 1);
            uint low = arena.Allocate(60, FitPolicy.FirstFit);
            arena.Allocate(1, FitPolicy.FirstFit);
            uint high = arena.Allocate(40, FitPolicy.FirstFit);
            arena.Allocate(899, FitPolicy.FirstFit);
            (uint Start, uint Size)[] order = smallerFreedFirst ? [(high, 40), (low, 60)] : [(low, 60), (high, 40)];
            foreach ((uint start, uint size) in order)
            {
                arena.Free(start, size);
            }

            Assert.Equal(high, arena.Allocate(33, FitPolicy.BestFit));
        }
    }

    /// <summary>illumos looks into the request's own list only when nothing is above it: the exact 50 in the list [32, 64) loses to a
    /// 64.</summary>
    [Fact]
    public void Best_fit_of_illumos_stops_at_the_first_list_with_a_fit()
    {
        using Arena<uint> arena = new("best", 1);
        arena.AddSpan(1_000, 64);
        arena.AddSpan(2_000, 50);
        arena.AddSpan(3_000, 51);
        Assert.Equal(2_000u, arena.Allocate(45, FitPolicy.BestFit));
    }

    [Fact]
    public void Best_fit_ties_go_to_the_lowest_address_whatever_the_order_of_the_frees()
    {
        using Arena<uint> arena = new("best", 0, 70, 1);
        uint[] starts = [.. Enumerable.Range(0, 7).Select(_ => arena.Allocate(10, FitPolicy.FirstFit))];
        foreach (int index in (int[])[3, 5, 1])
        {
            arena.Free(starts[index], 10);
        }

        Assert.Equal(10u, arena.Allocate(10, FitPolicy.BestFit));
        Assert.Equal(30u, arena.Allocate(10, FitPolicy.BestFit));
        Assert.Equal(50u, arena.Allocate(10, FitPolicy.BestFit));
    }

    [Fact]
    public void First_fit_of_illumos_is_in_the_order_of_the_free_list()
    {
        using Arena<uint> arena = new("first", 0, 64, 8);
        uint[] starts = [.. Enumerable.Range(0, 8).Select(_ => arena.Allocate(8, FitPolicy.FirstFit))];
        foreach (int index in (int[])[1, 6, 4])
        {
            arena.Free(starts[index], 8);
        }

        Assert.Equal(8u, arena.Allocate(8, FitPolicy.FirstFit));
        Assert.Equal(32u, arena.Allocate(8, FitPolicy.FirstFit));
        Assert.Equal(48u, arena.Allocate(8, FitPolicy.FirstFit));
    }

    /// <summary>illumos' VM_ENDALLOC takes the end of the segment, whatever max, nocross and align say.</summary>
    [Fact]
    public void Endalloc_of_illumos_ignores_max_and_nocross_and_misaligns()
    {
        using Arena<uint> arena = new("last", 0, 1_000, 1);
        Assert.Equal(490u, arena.AllocateConstrained(10, new() { Max = 500 }, FitPolicy.LastFit));
        Assert.Equal(960u, arena.AllocateConstrained(10, new() { Align = 64 }, FitPolicy.LastFit));
        Assert.Equal(886u, arena.AllocateConstrained(10, new() { NoCross = 128, Max = 900 }, FitPolicy.LastFit));
        arena.Validate();
    }

    [Fact]
    public void Next_fit_of_freebsd_allows_no_constraints()
    {
        using Arena<uint> arena = new("next", 0, 256, 1);
        RangeConstraints<uint> aligned = new() { Align = 64 };
        Assert.Equal(0u, arena.AllocateConstrained(8, aligned, FitPolicy.NextFit));
        Assert.Equal(64u, arena.AllocateConstrained(8, aligned, FitPolicy.NextFit));
        arena.Free(0, 8);
        Assert.Equal(128u, arena.AllocateConstrained(8, aligned, FitPolicy.NextFit));
        Assert.Equal(192u, arena.AllocateConstrained(8, aligned, FitPolicy.NextFit));
        Assert.Equal(0u, arena.AllocateConstrained(8, aligned, FitPolicy.NextFit));
        Assert.False(arena.TryAllocateConstrained(8, aligned, FitPolicy.NextFit, out _));
    }

    [Fact]
    public void Next_fit_of_freebsd_passes_an_unrounded_size()
    {
        using Arena<uint> arena = new("next", 0, 64, 16);
        Assert.Equal(0u, arena.Allocate(9, FitPolicy.NextFit));
        Assert.Equal(16u, arena.Allocate(17, FitPolicy.NextFit));
        Assert.Equal(48u, arena.Allocate(1, FitPolicy.NextFit));
        Assert.Equal("{0+64: 0+16 16+32 48+16}", ArenaPicture.Segments(arena));
    }

    /// <summary>A rotor in a list of segments is lost when its segment is coalesced; one that is an address is not.</summary>
    [Fact]
    public void The_rotor_survives_the_coalescing_of_what_lies_around_it()
    {
        using Arena<uint> arena = new("next", 0, 100, 1);
        uint one = arena.Allocate(10, FitPolicy.NextFit);
        uint two = arena.Allocate(10, FitPolicy.NextFit);
        arena.Free(two, 10);
        arena.Free(one, 10);
        Assert.Equal(20u, arena.Allocate(10, FitPolicy.NextFit));
    }

    [Fact]
    public void All_but_drm_mm_accept_overlapping_spans()
    {
        using Arena<uint> arena = new("spans", 100, 100, 1);
        string before = ArenaPicture.Of(arena);
        foreach ((uint start, uint size) in ((uint, uint)[])[(100, 100), (50, 51), (199, 1), (150, 10), (0, 1_000), (150, 100)])
        {
            Assert.Throws<ArgumentException>(() => arena.AddSpan(start, size));
            Assert.Equal(before, ArenaPicture.Of(arena));
        }

        arena.AddSpan(200, 10);
        arena.AddSpan(90, 10);
        Assert.Equal("{90+10: (90+10)} {100+100: (100+100)} {200+10: (200+10)}", ArenaPicture.Segments(arena));
    }
}
