using System.Net;
using System.Net.Sockets;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Prefixes;

/// <summary>A pool above another one: what it gives back, and when.</summary>
public sealed class PrefixSourceTests
{
    [Theory]
    [InlineData("10.0.0.0/8", 33 - 8)]
    [InlineData("2001:db8::/32", 33)]
    public void What_is_free_goes_back_at_once(string network, int length)
    {
        using var provider = new PrefixPool("provider", Prefix.Parse(network));
        using var child = new PrefixPool("child", [], new() { Source = provider });
        IPNetwork one = child.Allocate(length);
        IPNetwork two = child.Allocate(length);
        child.Free(one);
        Assert.Equal(two, Assert.Single(provider.GetAllocated()).Prefix);
        child.Free(two);
        Assert.Empty(provider.GetAllocated());
        Assert.Empty(child.Networks);
        Assert.DoesNotContain("\"prefix\"", provider.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_rests_goes_back_when_its_rest_has_ended()
    {
        var time = new ManualTime();
        using var provider = new PrefixPool("provider", Prefix.Parse("10.0.0.0/8"));
        using var child = new PrefixPool("child", [], new() { Source = provider, ReuseDelay = TimeSpan.FromMinutes(1), TimeProvider = time });
        child.Free(child.Allocate(24));
        Assert.Single(provider.GetAllocated());
        time.Advance(TimeSpan.FromMinutes(1));
        _ = child.GetStatistics(AddressFamily.InterNetwork);
        Assert.Empty(provider.GetAllocated());
    }

    [Fact]
    public void A_pool_ends_whole_though_its_source_has_ended()
    {
        const string Name = "ends-after-its-source";
        var provider = new PrefixPool("provider", [Prefix.Parse("10.0.0.0/8"), Prefix.Parse("2001:db8::/32")]);
        var child = new PrefixPool(Name, [], new() { Source = provider });
        _ = child.Allocate(AddressFamily.InterNetwork, 24);
        _ = child.Allocate(AddressFamily.InterNetworkV6, 48);
        provider.Dispose();
        ObjectDisposedException first = Assert.Throws<ObjectDisposedException>(child.Dispose);
        Assert.Contains("IPv4", first.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(VmemProcess.Arenas, static arena => arena.Name.StartsWith(Name, StringComparison.Ordinal));
        child.Dispose();
    }
}
