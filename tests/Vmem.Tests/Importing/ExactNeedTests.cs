using Vmem.Importing;
using Vmem.Ranges;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What an arena below is asked for, under limits that leave just enough, and one less.</summary>
public class ExactNeedTests
{
    [Theory]
    [InlineData(65u, 128u, "128 align 64")]
    [InlineData(64u, 64u, "64 align 64")]
    public void A_plain_request_is_whole_units(uint size, uint headroom, string expected)
    {
        Assert.Equal(expected, Need(size, default, unit: 64, sourceQuantum: 64, headroom));
        Assert.Equal("none", Need(size, default, unit: 64, sourceQuantum: 64, headroom - 1));
        // The arena below aligns to its own quantum: to the larger unit it is told to.
        Assert.Equal(expected, Need(size, default, unit: 64, sourceQuantum: 16, headroom));
    }

    /// <summary>48 at a multiple of 32 may straddle two units of 64: with less than both of them left, it must not.</summary>
    [Fact]
    public void A_limit_rules_out_places_that_straddle()
    {
        RangeConstraints<uint> loose = new() { Align = 32 };
        Assert.Equal("48 align 32", Need(48, loose, 64, 64, headroom: 128));
        Assert.Equal("48 align 32 within 64, tight", Need(48, loose, 64, 64, headroom: 127));
        Assert.Equal("48 align 32 within 64, tight", Need(48, loose, 64, 64, headroom: 64));
        Assert.Equal("none", Need(48, loose, 64, 64, headroom: 63));
    }

    /// <summary>What may not cross a multiple of 64, or of 32, never straddles; what may not cross one of 128 does.</summary>
    [Fact]
    public void What_may_not_cross_a_unit_cannot_straddle_two()
    {
        Assert.Equal("32 align 32 within 64", Need(32, new() { Align = 32, NoCross = 64 }, 64, 64, headroom: 64));
        Assert.Equal("32 align 32 within 32", Need(32, new() { Align = 32, NoCross = 32 }, 64, 64, headroom: 64));
        Assert.Equal("32 align 32 within 64, tight", Need(32, new() { Align = 32, NoCross = 128 }, 64, 64, headroom: 64));
    }

    /// <summary>From a phase of 17 on, 48 reach past a unit of 64.</summary>
    [Fact]
    public void A_phase_may_leave_no_place_within_a_unit()
    {
        Assert.Equal("32 align 32 within 64, tight", Need(32, new() { Align = 32 }, 64, 64, headroom: 64));
        Assert.Equal("none, tight", Need(48, new() { Align = 32, Phase = 17 }, 64, 64, headroom: 64));
        Assert.Equal("48 align 32 phase 16 within 64, tight", Need(48, new() { Align = 32, Phase = 16 }, 64, 64, headroom: 64));
    }

    /// <summary>Several units are asked for from a multiple of the unit on, where the limit leaves no more than these.</summary>
    [Fact]
    public void Several_units_begin_with_one_under_a_tight_limit()
    {
        Assert.Equal("80 align 32", Need(80, new() { Align = 32 }, 64, 64, headroom: 192));
        Assert.Equal("128 align 64, tight", Need(80, new() { Align = 32 }, 64, 64, headroom: 191));
        Assert.Equal("128 align 64, tight", Need(80, new() { Align = 32 }, 64, 64, headroom: 128));
    }

    /// <summary>An alignment of whole units straddles none more than it must.</summary>
    [Fact]
    public void An_alignment_of_units_is_passed_on_as_it_is()
    {
        Assert.Equal("32 align 128", Need(32, new() { Align = 128 }, 64, 64, headroom: 64));
        Assert.Equal("64 align 128", Need(32, new() { Align = 128 }, 64, 16, headroom: 64));
        Assert.Equal("none", Need(32, new() { Align = 128, Phase = 48 }, 64, 16, headroom: 64));
        Assert.Equal("128 align 128", Need(32, new() { Align = 128, Phase = 48 }, 64, 16, headroom: 128));
    }

    private static string Need(uint size, RangeConstraints<uint> constraints, uint unit, uint sourceQuantum, uint headroom)
    {
        Placement<uint> placement = new(size, constraints, quantum: 16);
        bool possible = ExactNeed<uint>.TryMake(placement, unit, sourceQuantum, headroom, out Placement<uint> need, out bool isTight);
        string phase = need.Phase == 0 ? "" : $" phase {need.Phase}";
        string within = need.NoCross == 0 ? "" : $" within {need.NoCross}";
        return $"{(possible ? $"{need.Size} align {need.Align}{phase}{within}" : "none")}{(isTight ? ", tight" : "")}";
    }
}
