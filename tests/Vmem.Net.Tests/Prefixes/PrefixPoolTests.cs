using System.Net;
using System.Net.Sockets;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Prefixes;

public class PrefixPoolTests
{
    private const string TopOfV6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

    /// <summary>Halving a network again and again leaves one block of each length: a sum that anybody can check.</summary>
    [Theory]
    [InlineData("10.0.0.0/16", 30)]
    [InlineData("10.0.0.0/20", 32)]
    [InlineData("0.0.0.0/0", 32)]
    [InlineData("2001:db8::/64", 112)]
    [InlineData("2001:db8::/112", 128)]
    [InlineData("::/0", 128)]
    public void The_first_prefix_leaves_one_free_block_of_each_length(string network, int taken)
    {
        IPNetwork whole = Prefix.Parse(network);
        using var pool = new PrefixPool("pool", whole);
        Assert.Equal(Prefix.Of(whole.BaseAddress, taken), pool.Allocate(taken));
        Assert.Equal(Enumerable.Range(whole.PrefixLength + 1, taken - whole.PrefixLength),
            pool.GetFree().Select(free => free.PrefixLength).Order());
        Assert.All(pool.GetFree(), free => Assert.Equal(free, Prefix.Of(free.BaseAddress, free.PrefixLength)));
        pool.Validate();
    }

    /// <summary>The first prefix is cut out of the first half, the last address out of the second: both halves fall apart by
    /// halving.</summary>
    [Theory]
    [InlineData("10.0.0.0/16", 30)]
    [InlineData("10.0.0.0/20", 30)]
    [InlineData("255.255.0.0/16", 31)]
    [InlineData("2001:db8::/64", 112)]
    [InlineData("2001:db8::/112", 124)]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff::/112", 127)]
    public void Exclusions_at_both_ends_leave_what_halving_leaves(string network, int first)
    {
        IPNetwork whole = Prefix.Parse(network);
        IPAddress last = LastOf(whole);
        int bits = whole.BaseAddress.GetAddressBytes().Length * 8;
        IPNetwork[] exclusions = [Prefix.Of(whole.BaseAddress, first), Prefix.Of(last, bits)];
        using var pool = new PrefixPool("pool", whole, new() { Exclusions = exclusions });
        int half = whole.PrefixLength + 2;
        Assert.Equal(
            Enumerable.Range(half, first - half + 1).Concat(Enumerable.Range(half, bits - half + 1)).Order(),
            pool.GetFree().Select(free => free.PrefixLength).Order());
        UInt128 addresses = (UInt128.One << (bits - whole.PrefixLength)) - (UInt128.One << (bits - first)) - 1;
        Assert.Equal(addresses, pool.CountFree(bits));
        Assert.False(pool.TryClaim(last));
        Assert.True(pool.TryPeek(bits, out IPNetwork lowest));
        Assert.Equal(lowest, pool.Allocate(bits));
        Assert.Equal(addresses - 1, pool.CountFree(bits));
    }

    private static IPAddress LastOf(IPNetwork network)
    {
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        for (int bit = network.PrefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes);
    }

    [Fact]
    public void Exclusions_overlap_and_reach_out_of_the_network()
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/20"), new()
        {
            Exclusions = [.. "10.0.0.0/30 10.0.0.0/31 10.0.0.2/32 10.0.15.255/32 10.0.16.0/24 9.0.0.0/8".Split(' ').Select(Prefix.Parse)],
        });
        // Without the first /30: one of each length from /21 to /30. The last address takes the /21 apart, into /22 … /32.
        Assert.Equal(Enumerable.Range(22, 9).Concat(Enumerable.Range(22, 11)).Order(),
            pool.GetFree().Select(free => free.PrefixLength).Order());
        Assert.Equal((UInt128)(4096 - 4 - 1), pool.CountFree(32));
        Assert.Equal((UInt128)14, pool.CountFree(24));
        Assert.Equal("10.0.0.4/32", pool.Allocate(32).ToString());
        Assert.Equal(PrefixObstacle.Excluded, Assert.Throws<PrefixUnavailableException>(() => pool.Claim(IPAddress.Parse("10.0.0.2"))).Obstacle);
        Assert.Contains("10.0.0.0/30 is excluded", Assert.Throws<PrefixUnavailableException>(() => pool.Claim(Prefix.Parse("10.0.0.0/24"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exclusion_of_everything_leaves_nothing()
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/24"), new() { Exclusions = [Prefix.Parse("10.0.0.0/8")] });
        Assert.False(pool.TryAllocate(32, out _));
        Assert.Empty(pool.GetFree());
    }

    [Theory]
    [InlineData("192.0.2.0/31", 32, "192.0.2.0/32 192.0.2.1/32")]
    [InlineData("192.0.2.7/32", 32, "192.0.2.7/32")]
    [InlineData("255.255.255.254/31", 32, "255.255.255.254/32 255.255.255.255/32")]
    [InlineData("2001:db8::/127", 128, "2001:db8::/128 2001:db8::1/128")]
    [InlineData("::/128", 128, "::/128")]
    [InlineData(TopOfV6 + "/128", 128, TopOfV6 + "/128")]
    public void Each_address_of_a_small_network_is_given_once(string network, int length, string expected)
    {
        using var pool = new PrefixPool("pool", Prefix.Parse(network));
        List<IPNetwork> given = [];
        while (pool.TryAllocate(length, out IPNetwork prefix))
        {
            given.Add(prefix);
        }

        Assert.Equal(expected, string.Join(' ', given));
        given.ForEach(pool.Free);
        Assert.Equal(network, Assert.Single(pool.GetFree()).ToString());
        pool.Validate();
    }

    [Fact]
    public void The_whole_of_both_families_is_a_pool()
    {
        using var pool = new PrefixPool("all", [Prefix.Parse("0.0.0.0/0"), Prefix.Parse("::/0")]);
        Assert.Equal(UInt128.MaxValue, pool.CountFree(AddressFamily.InterNetworkV6, 128));
        Assert.Equal(UInt128.One << 127, pool.CountFree(AddressFamily.InterNetworkV6, 127));
        Assert.Equal(UInt128.One, pool.CountFree(AddressFamily.InterNetworkV6, 0));
        Assert.Equal(UInt128.One << 32, pool.CountFree(AddressFamily.InterNetwork, 32));
        Assert.Equal("0.0.0.0/0 ::/0", string.Join(' ', pool.GetFree()));
        pool.Claim(IPAddress.Broadcast);
        pool.Claim(IPAddress.Parse(TopOfV6), tag: 7);
        Assert.Equal(UInt128.MaxValue, pool.CountFree(AddressFamily.InterNetworkV6, 128));
        Assert.Equal((UInt128.One << 127) - 1, pool.CountFree(AddressFamily.InterNetworkV6, 127));
        pool.Claim(IPAddress.IPv6Any);
        Assert.True(pool.TryGetHolder(IPAddress.Parse(TopOfV6), out PrefixAllocation top));
        Assert.Equal(7ul, top.Tag);
        Assert.False(pool.TryAllocate(AddressFamily.InterNetworkV6, 1, out _));
        Assert.Equal("4000::/2", pool.Allocate(AddressFamily.InterNetworkV6, 2).ToString());
        Assert.Equal("8000::/2", pool.Allocate(AddressFamily.InterNetworkV6, 2).ToString());
        Assert.Equal("fffe::/16", pool.AllocateWithin(Prefix.Parse("fffe::/15"), 16).ToString());
        Assert.Equal("128.0.0.0/2", pool.AllocateWithin(Prefix.Parse("128.0.0.0/1"), 2).ToString());
        Assert.Equal("::/0", string.Join(' ', pool.Networks.Where(network => network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6)));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Allocate(AddressFamily.InterNetworkV6, 0));
        Assert.Throws<InvalidOperationException>(() => pool.Allocate(24));
        pool.Validate();
    }

    [Fact]
    public void All_of_IPv4_is_given_as_one_prefix()
    {
        using var pool = new PrefixPool("all", Prefix.Parse("0.0.0.0/0"));
        IPNetwork all = pool.Allocate(0);
        Assert.Equal("0.0.0.0/0", all.ToString());
        Assert.False(pool.TryAllocate(32, out _));
        pool.Free(all);
        pool.Claim(all);
        using var halves = new PrefixPool("halves", Prefix.Parse("::/0"), new() { LongestV6 = 64 });
        Assert.Equal("::/1 8000::/1", $"{halves.Allocate(1)} {halves.Allocate(1)}");
        Assert.Throws<ArgumentOutOfRangeException>(() => halves.Claim(Prefix.Parse("::/0")));
    }

    [Fact]
    public void Networks_that_touch_are_one()
    {
        using var pool = new PrefixPool("pool", [Prefix.Parse("8000::/1"), Prefix.Parse("::/1"), Prefix.Parse("10.0.1.0/24"), Prefix.Parse("10.0.0.0/24")]);
        Assert.Equal("10.0.0.0/23", pool.Allocate(AddressFamily.InterNetwork, 23).ToString());
        Assert.Equal("10.0.0.0/24 10.0.1.0/24 ::/1 8000::/1", string.Join(' ', pool.Networks));
        Assert.Equal("::/0", Assert.Single(pool.GetFree()).ToString());
    }

    [Fact]
    public void Errors_are_in_the_language_of_networks()
    {
        using var pool = new PrefixPool("lan", Prefix.Parse("10.0.0.0/24"), new() { LongestV4 = 31 });
        pool.Claim(Prefix.Parse("10.0.0.0/26"), tag: 42);
        Assert.Equal("10.0.0.32/27 is taken by 10.0.0.0/26 (tag 42) in pool 'lan'.", Refusal("10.0.0.32/27"));
        Assert.Equal("10.0.0.0/24 is taken by 10.0.0.0/26 (tag 42) in pool 'lan'.", Refusal("10.0.0.0/24"));
        Assert.Equal("10.0.1.0/24 is outside pool 'lan' (10.0.0.0/24).", Refusal("10.0.1.0/24"));
        Assert.Equal("10.0.0.0/23 reaches out of pool 'lan' (10.0.0.0/24).", Refusal("10.0.0.0/23"));
        Assert.Equal(
            "No /24 is free in pool 'lan': the largest free prefix is 10.0.0.128/25.",
            Assert.Throws<PrefixUnavailableException>(() => pool.Allocate(24)).Message);
        Assert.Equal(
            "No /27 is free in 10.0.0.0/26 of pool 'lan': nothing is free there.",
            Assert.Throws<PrefixUnavailableException>(() => pool.AllocateWithin(Prefix.Parse("10.0.0.0/26"), 27)).Message);
        Assert.Equal(
            PrefixObstacle.OutsidePool,
            Assert.Throws<PrefixUnavailableException>(() => pool.AllocateWithin(Prefix.Parse("11.0.0.0/26"), 27)).Obstacle);
        Assert.Contains("from 0 to 31",
            Assert.Throws<ArgumentOutOfRangeException>(() => pool.Claim(IPAddress.Parse("10.0.0.70"))).Message, StringComparison.Ordinal);
        Assert.Contains("no IPv6 network", Assert.Throws<ArgumentException>(() => pool.Claim(IPAddress.IPv6Loopback)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.AllocateWithin(Prefix.Parse("10.0.0.128/25"), 24));

        string Refusal(string prefix) => Assert.Throws<PrefixUnavailableException>(() => pool.Claim(Prefix.Parse(prefix))).Message;
    }

    [Fact]
    public void A_wrong_free_says_what_is_there_and_changes_nothing()
    {
        using var pool = new PrefixPool("lan", Prefix.Parse("10.0.0.0/24"), new() { Exclusions = [Prefix.Parse("10.0.0.255/32")] });
        IPNetwork given = pool.Allocate(26, tag: 9);
        Assert.Contains("10.0.0.0/26 (tag 9)", Refusal("10.0.0.0/27", InvalidFreeReason.WrongSize), StringComparison.Ordinal);
        Assert.Contains("10.0.0.0/26 (tag 9)", Refusal("10.0.0.32/27", InvalidFreeReason.InteriorAddress), StringComparison.Ordinal);
        Assert.Contains("outside the pool, or excluded", Refusal("10.0.0.255/32", InvalidFreeReason.NotAllocated), StringComparison.Ordinal);
        Assert.Contains("free already", Refusal("10.0.0.128/25", InvalidFreeReason.AlreadyFree), StringComparison.Ordinal);
        Assert.Equal(given, Assert.Single(pool.GetAllocated()).Prefix);

        string Refusal(string prefix, InvalidFreeReason reason)
        {
            InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => pool.Free(Prefix.Parse(prefix)));
            Assert.Equal(reason, wrong.Reason);
            return wrong.Message;
        }
    }

    [Fact]
    public void What_was_freed_rests()
    {
        var time = new ManualTime();
        using var pool = new PrefixPool("lan", Prefix.Parse("10.0.0.0/31"), new() { ReuseDelay = TimeSpan.FromMinutes(1), TimeProvider = time });
        IPNetwork first = pool.Allocate(32, tag: 5);
        pool.Free(first);
        Assert.Equal("10.0.0.1/32", pool.Allocate(32).ToString());
        PrefixUnavailableException refusal = Assert.Throws<PrefixUnavailableException>(() => pool.Claim(first));
        Assert.Equal(PrefixObstacle.Resting, refusal.Obstacle);
        Assert.Equal(new PrefixAllocation(first, 5), refusal.Holder);
        Assert.Contains("rests", Assert.Throws<InvalidFreeException>(() => pool.Free(first)).Message, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(first, pool.Allocate(32));
    }

    [Fact]
    public void A_pool_above_another_takes_and_gives_back()
    {
        using var provider = new PrefixPool("provider", Prefix.Parse("2001:db8::/32"), new() { LongestV6 = 48 });
        using (var site = new PrefixPool("site", [], new() { LongestV6 = 64, Source = provider }))
        {
            Assert.Equal("2001:db8::/64", site.Allocate(64).ToString());
            Assert.Equal("2001:db8::/48", Assert.Single(site.Networks).ToString());
            Assert.Equal("2001:db8::/48", Assert.Single(provider.GetAllocated()).Prefix.ToString());
            Assert.Contains("outside pool 'provider'",
                Assert.Throws<PrefixUnavailableException>(() => site.Claim(Prefix.Parse("3001::/64"))).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(site.ToJson);
        }

        Assert.Empty(provider.GetAllocated());
    }

    [Fact]
    public void What_makes_no_pool_is_refused()
    {
        IPNetwork network = Prefix.Parse("10.0.0.0/24");
        Assert.Contains("overlaps",
            Assert.Throws<ArgumentException>(() => new PrefixPool("p", [network, Prefix.Parse("10.0.0.0/25")])).Message, StringComparison.Ordinal);
        Assert.Contains("networks or a source", Assert.Throws<ArgumentException>(() => new PrefixPool("p", [])).Message, StringComparison.Ordinal);
        Assert.Contains("unit of pool",
            Assert.Throws<ArgumentException>(() => new PrefixPool("p", network, new() { LongestV4 = 20 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PrefixPool("p", network, new() { LongestV4 = 33 }));
    }

    [Fact]
    public void A_snapshot_restores_what_is_allocated_and_what_rests()
    {
        var time = new ManualTime();
        var options = new PrefixPoolOptions { TimeProvider = time, Exclusions = [Prefix.Parse("10.0.0.0/30")] };
        using var before = new PrefixPool("both", [Prefix.Parse("10.0.0.0/24"), Prefix.Parse("::/0")], options);
        before.Claim(Prefix.Parse("10.0.0.64/26"), tag: ulong.MaxValue);
        before.Claim(IPAddress.Parse(TopOfV6));
        before.FreeAfter(before.Allocate(AddressFamily.InterNetwork, 30, tag: 3), TimeSpan.FromMinutes(5));
        string json = before.ToJson();
        using PrefixPool after = PrefixPool.FromJson(json, new() { TimeProvider = time });
        Assert.Equal(json, after.ToJson());
        Assert.Equal(before.GetFree(), after.GetFree());
        Assert.Equal(before.GetAllocated(), after.GetAllocated());
        Assert.False(after.TryClaim(Prefix.Parse("10.0.0.4/30")));
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(after.TryClaim(Prefix.Parse("10.0.0.4/30")));
        after.Validate();
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version":2}""")]
    [InlineData("""{"version":1,"name":null,"longestV4":32,"longestV6":128,"networks":["10.0.0.0/24"],"exclusions":[],"allocated":[],"resting":[]}""")]
    [InlineData("""{"version":1,"name":"p","longestV4":32,"longestV6":128,"networks":["10.0.0.1/24"],"exclusions":[],"allocated":[],"resting":[]}""")]
    [InlineData("""{"version":1,"name":"p","longestV4":32,"longestV6":128,"networks":["10.0.0.0/24"],"exclusions":[],"allocated":[{"prefix":"10.0.0.0/25"},{"prefix":"10.0.0.0/26"}],"resting":[]}""")]
    [InlineData("""{"version":1,"name":"p","longestV4":32,"longestV6":128,"networks":["10.0.0.0/24"],"exclusions":[],"allocated":[{"prefix":"11.0.0.0/25"}],"resting":[]}""")]
    [InlineData("""{"version":1,"name":"p","longestV4":32,"longestV6":128,"networks":["10.0.0.0/24"],"exclusions":[],"allocated":[],"resting":[{"prefix":"10.0.0.0/25","remaining":"-00:00:01"}]}""")]
    [InlineData("""{"version":1,"name":"p","longestV4":32,"longestV6":128,"networks":["10.0.0.0/24"],"exclusions":[],"allocated":[{"prefix":"10.0.0.0/25","tag":"-1"}],"resting":[]}""")]
    public void What_is_no_snapshot_is_refused(string json) => Assert.Throws<FormatException>(() => PrefixPool.FromJson(json));
}
