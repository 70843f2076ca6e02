using Vmem.Memory.Platform;
using Vmem.Platform;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Reservations where they are wanted, from systems that do not know how.</summary>
[Collection(Footprint.Collection)]
public unsafe class AddressSpaceTests
{
    private static readonly nuint s_large = Footprint.Large;

    private static Placement<nuint> Aligned(nuint size, nuint align, nuint quantum) =>
        new(size, new RangeConstraints<nuint> { Align = align }, quantum);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(15, false)]
    [InlineData(1, true)]
    [InlineData(15, true)]
    public void Without_trimming_a_place_is_asked_for_until_it_is_had(int lostRaces, bool asWishes)
    {
        Footprint footprint = new();
        UntrimmableSystem system = new() { LostRaces = lostRaces, TakesPlacesAsWishes = asWishes };
        AddressSpace space = new(system);
        Assert.True(space.TryReserve(Aligned(s_large, 1u << 30, space.Quantum), out nuint start));
        Assert.Equal(0u, start % (1u << 30));
        Assert.Equal(1, system.Outstanding);
        Assert.Equal($"-- {s_large}", ProcessMap.Describe((void*)start, s_large));
        space.Release(start, s_large);
        footprint.CheckUnchanged();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_trimming_it_gives_up_in_the_end(bool asWishes)
    {
        UntrimmableSystem system = new() { LostRaces = int.MaxValue, TakesPlacesAsWishes = asWishes };
        AddressSpace space = new(system);
        Assert.False(space.TryReserve(Aligned(s_large, 1u << 30, space.Quantum), out _));
        Assert.InRange(int.MaxValue - system.LostRaces, 2, 100);
        Assert.Equal(0, system.Outstanding);
    }

    [Fact]
    public void What_is_trimmed_goes_back()
    {
        Footprint footprint = new();
        AddressSpace space = new(MemorySystem.Choose());
        Assert.True(space.TryReserve(Aligned(space.Quantum, s_large, space.Quantum), out nuint start));
        footprint.CheckUnchanged();
        Assert.Equal(0u, start % s_large);
        space.Release(start, space.Quantum);
    }

    [Fact]
    public void What_the_system_will_not_take_back_goes_back_later()
    {
        Footprint footprint = new();
        AddressSpace space = new(MemorySystem.Choose());
        Placement<nuint> placement = new(s_large, default, space.Quantum);
        Assert.True(space.TryReserve(placement, out nuint first));
        Assert.True(space.TryReserve(placement, out nuint second));
        Assert.Equal(0, MemorySystem.Choose().Commit((void*)first, space.Quantum));
        *(int*)first = 1;
        using (SystemCallFault fault = SystemCallFault.Inject(SystemCall.Release, 1))
        {
            space.Release(first, s_large);
            Assert.Equal(1, fault.Failed);
        }

        Assert.Equal(s_large, space.StrandedSize);
        Assert.Equal($"-- {s_large}", ProcessMap.Describe((void*)first, s_large));
        space.Release(second, s_large);
        Assert.Equal(0u, space.StrandedSize);
        footprint.CheckUnchanged();
    }

    [Fact]
    public void A_reservation_that_fails_offers_it_again_first()
    {
        Footprint footprint = new();
        AddressSpace space = new(MemorySystem.Choose());
        Placement<nuint> placement = new(s_large, default, space.Quantum);
        Assert.True(space.TryReserve(placement, out nuint start));
        using (SystemCallFault.Inject(SystemCall.Release, 1))
        {
            space.Release(start, s_large);
        }

        using (SystemCallFault.Inject(SystemCall.Reserve, 1))
        {
            Assert.True(space.TryReserve(placement, out start));
        }

        Assert.Equal(0u, space.StrandedSize);
        space.Release(start, s_large);
        footprint.CheckUnchanged();
    }

    [Fact]
    public void A_trim_that_fails_is_made_up_for_later()
    {
        Footprint footprint = new();
        AddressSpace space = new(MemorySystem.Choose());
        nuint start;
        using (SystemCallFault fault = SystemCallFault.Inject(call => call == SystemCall.Release))
        {
            Assert.True(space.TryReserve(Aligned(space.Quantum, s_large, space.Quantum), out start));
            Assert.InRange(fault.Failed, 1, 3);
            Assert.InRange(fault.Count(SystemCall.Release), 1, 3);
        }

        Assert.Equal(s_large - space.Quantum, space.StrandedSize);
        Assert.Equal(0u, start % s_large);
        space.Release(start, space.Quantum);
        Assert.Equal(0u, space.StrandedSize);
        footprint.CheckUnchanged();
    }
}
