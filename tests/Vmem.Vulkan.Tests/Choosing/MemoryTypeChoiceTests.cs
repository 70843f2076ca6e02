using Silk.NET.Vulkan;
using Vmem.Vulkan.Choosing;

namespace Vmem.Vulkan.Tests.Choosing;

/// <summary>Memory types as cards have them, and which of them VMA's documentation gives to which use.</summary>
public class MemoryTypeChoiceTests
{
    private const MemoryPropertyFlags Local = MemoryPropertyFlags.DeviceLocalBit;
    private const MemoryPropertyFlags Visible = MemoryPropertyFlags.HostVisibleBit | MemoryPropertyFlags.HostCoherentBit;
    private const MemoryPropertyFlags Cached = MemoryPropertyFlags.HostCachedBit;

    private static readonly Dictionary<string, MemoryPropertyFlags[]> s_cards = new()
    {
        // A card of NVIDIA with a window of its memory for the host.
        ["card"] = [0, Local, Visible, Visible | Cached, Local | Visible],
        // A card of AMD: coherent and uncached types, which cost time, behind the ordinary ones.
        ["amd"] = [
            Local, Local | Visible, Visible, Visible | Cached,
            Local | MemoryPropertyFlags.DeviceCoherentBitAmd | MemoryPropertyFlags.DeviceUncachedBitAmd,
            Visible | Cached | MemoryPropertyFlags.DeviceCoherentBitAmd | MemoryPropertyFlags.DeviceUncachedBitAmd,
        ],
        // One memory for both.
        ["integrated"] = [Local, Local | Visible, Local | Visible | Cached],
        ["software"] = [Local | Visible | Cached],
        // A Raspberry Pi: nothing is cached.
        ["uncached"] = [Local | Visible],
    };

    [Theory]
    [InlineData("card", HostAccess.None, GpuPreference.None, false, true, 1)]
    [InlineData("card", HostAccess.None, GpuPreference.Host, false, true, 0)]
    [InlineData("card", HostAccess.None, GpuPreference.None, false, false, 1)]
    [InlineData("card", HostAccess.Write, GpuPreference.None, false, true, 4)]      // constants of a frame: where the device reads fast
    [InlineData("card", HostAccess.Write, GpuPreference.Host, false, true, 2)]
    [InlineData("card", HostAccess.Write, GpuPreference.None, false, false, 2)]     // an upload: copied once
    [InlineData("card", HostAccess.Write, GpuPreference.Device, false, false, 4)]
    [InlineData("card", HostAccess.Write, GpuPreference.None, true, true, 4)]
    [InlineData("card", HostAccess.Read, GpuPreference.None, false, false, 3)]
    [InlineData("card", HostAccess.Read, GpuPreference.None, false, true, 3)]
    [InlineData("card", HostAccess.Read, GpuPreference.None, true, true, 1)]        // device memory and a copy are as good as cached memory
    [InlineData("amd", HostAccess.None, GpuPreference.None, false, true, 0)]
    [InlineData("amd", HostAccess.Write, GpuPreference.None, false, true, 1)]
    [InlineData("amd", HostAccess.Write, GpuPreference.None, false, false, 2)]
    [InlineData("amd", HostAccess.Read, GpuPreference.None, false, false, 3)]
    [InlineData("integrated", HostAccess.None, GpuPreference.None, false, true, 0)]
    [InlineData("integrated", HostAccess.Write, GpuPreference.None, true, true, 1)]
    [InlineData("integrated", HostAccess.Read, GpuPreference.None, true, true, 2)]
    [InlineData("software", HostAccess.None, GpuPreference.Host, false, true, 0)]
    [InlineData("software", HostAccess.Write, GpuPreference.None, false, false, 0)]
    [InlineData("uncached", HostAccess.Read, GpuPreference.None, false, false, 0)]
    public void A_use_gets_the_type_that_suits_it(
        string card, HostAccess access, GpuPreference preference, bool mayTransfer, bool isRead, int expected)
    {
        var use = new GpuUse { HostAccess = access, Preference = preference, AllowsTransferInstead = mayTransfer };
        MemoryTypeChoice choice = MemoryTypeChoice.Of(use, isRead, isIntegrated: card == "integrated");
        Assert.True(choice.TryChoose(Types(card), uint.MaxValue, out int best));
        Assert.Equal(expected, best);
    }

    [Theory]
    [InlineData((HostAccess)3, GpuPreference.None)]
    [InlineData((HostAccess)(-1), GpuPreference.Host)]
    [InlineData(HostAccess.Write, (GpuPreference)3)]
    [InlineData(HostAccess.None, (GpuPreference)(-1))]
    public void A_use_that_there_is_none_of_is_refused(HostAccess access, GpuPreference preference)
    {
        var use = new GpuUse { HostAccess = access, Preference = preference };
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(
            () => MemoryTypeChoice.Of(use, isRead: true, isIntegrated: false));
        Assert.Equal("use", refused.ParamName);
        Assert.Equal(Enum.IsDefined(access) ? (object)preference : access, refused.ActualValue);
    }

    [Fact]
    public void The_next_best_serves_where_the_best_is_not_allowed() =>
        Assert.Equal([1, 4, 0, 2, 3], Order(default, "card", 0b11111));

    /// <summary>A device without the feature deviceCoherentMemory must not be asked for such a type, even if all others are full.</summary>
    [Theory]
    [InlineData(MemoryPropertyFlags.None, MemoryPropertyFlags.None, new[] { 0, 1, 2, 3 })]
    [InlineData(MemoryPropertyFlags.None, MemoryPropertyFlags.DeviceCoherentBitAmd, new[] { 0, 1, 2, 3 })]
    [InlineData(MemoryPropertyFlags.DeviceCoherentBitAmd, MemoryPropertyFlags.None, new[] { 4, 5 })]
    [InlineData(MemoryPropertyFlags.DeviceUncachedBitAmd, MemoryPropertyFlags.None, new[] { 4, 5 })]
    public void A_type_that_needs_a_feature_serves_only_where_it_is_required(
        MemoryPropertyFlags required, MemoryPropertyFlags preferred, int[] expected) =>
        Assert.Equal(expected, Order(new GpuUse { Required = required, Preferred = preferred }, "amd", uint.MaxValue));

    [Fact]
    public void What_is_required_is_never_missing()
    {
        var use = new GpuUse { HostAccess = HostAccess.Write, Required = MemoryPropertyFlags.HostCachedBit };
        MemoryTypeChoice choice = MemoryTypeChoice.Of(use, isRead: true, isIntegrated: false);
        Assert.True(choice.TryChoose(Types("card"), uint.MaxValue, out int best));
        Assert.Equal(3, best);
        Assert.False(choice.TryChoose(Types("card"), 0b10111, out _));
    }

    [Fact]
    public void What_is_preferred_is_not_unwanted()
    {
        var use = new GpuUse { HostAccess = HostAccess.Write, Preferred = MemoryPropertyFlags.HostCachedBit };
        MemoryTypeChoice choice = MemoryTypeChoice.Of(use, isRead: false, isIntegrated: false);
        Assert.True(choice.TryChoose(Types("card"), uint.MaxValue, out int best));
        Assert.Equal(3, best);
        var coherent = new GpuUse { Required = MemoryPropertyFlags.DeviceCoherentBitAmd };
        Assert.True(MemoryTypeChoice.Of(coherent, isRead: true, isIntegrated: false).TryChoose(Types("amd"), uint.MaxValue, out best));
        Assert.Equal(4, best);
    }

    private static List<int> Order(GpuUse use, string card, uint allowed)
    {
        MemoryTypeChoice choice = MemoryTypeChoice.Of(use, isRead: true, isIntegrated: false);
        List<int> order = [];
        while (choice.TryChoose(Types(card), allowed, out int best))
        {
            order.Add(best);
            allowed &= ~(1u << best);
        }

        return order;
    }

    private static MemoryType[] Types(string card) => [.. s_cards[card].Select(flags => new MemoryType { PropertyFlags = flags })];
}
