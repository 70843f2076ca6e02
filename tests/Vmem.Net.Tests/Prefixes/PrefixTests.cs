using System.Net;

namespace Vmem.Net.Tests.Prefixes;

public class PrefixTests
{
    [Theory]
    [InlineData("10.0.0.0/24")]
    [InlineData("0.0.0.0/0")]
    [InlineData("255.255.255.255/32")]
    [InlineData("::/0")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")]
    [InlineData("2001:db8::/127")]
    [InlineData("0.0.0.0/32")]
    [InlineData("::ffff:10.0.0.1/128")]
    public void What_is_a_prefix_is_read(string text) => Assert.Equal(text, Prefix.Parse(text).ToString());

    [Fact]
    public void An_address_is_the_prefix_of_its_full_length()
    {
        Assert.Equal("10.0.0.1/32", Prefix.Parse("10.0.0.1").ToString());
        Assert.Equal("::1/128", Prefix.Parse("::1").ToString());
    }

    [Theory]
    [InlineData("10.0.0.1/24", "10.0.0.1/24 has host bits set; did you mean 10.0.0.0/24?")]
    [InlineData("2001:db8::1/64", "2001:db8::1/64 has host bits set; did you mean 2001:db8::/64?")]
    [InlineData("10.0.0.0/33", "0 to 32")]
    [InlineData("::/129", "0 to 128")]
    [InlineData("10.0.0.0/-1", "0 to 32")]
    [InlineData("10.0.0.0/", "0 to 32")]
    [InlineData("network", "'network' is no prefix")]
    [InlineData("", "'' is no prefix")]
    [InlineData("/8", "'/8' is no prefix")]
    [InlineData("10.0.0.0/024", "0 to 32")]
    [InlineData("10.0.0.0/24\0", "0 to 32")]
    [InlineData("10.0.0.0/24/8", "0 to 32")]
    [InlineData("10.0.0.0/4294967296", "0 to 32")]
    public void What_is_none_says_why(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => Prefix.Parse(text)).Message, StringComparison.Ordinal);

    /// <summary>What <see cref="IPAddress.Parse(string)"/> reads besides: short, octal and hexadecimal IPv4; brackets, ports and zones of
    /// IPv6.</summary>
    [Theory]
    [InlineData("010.0.0.0/8")]
    [InlineData("10.0.0.00/8")]
    [InlineData("0x0a.0.0.0/8")]
    [InlineData("10.1")]
    [InlineData("10.0.1/24")]
    [InlineData("1")]
    [InlineData("10/8")]
    [InlineData("167772160/8")]
    [InlineData("10.0.0.256/32")]
    [InlineData("10.0.0.0./8")]
    [InlineData(" 10.0.0.0/8")]
    [InlineData("10.0.0.0 /8")]
    [InlineData("[2001:db8::]/32")]
    [InlineData("[2001:db8::]:443/32")]
    [InlineData("[2001:db8::]:443")]
    [InlineData("fe80::1%1")]
    [InlineData("fe80::%eth0/64")]
    [InlineData("::ffff:010.0.0.1")]
    [InlineData("::ffff:10.1")]
    [InlineData("10.0.0.1:443")]
    public void Other_notations_of_addresses_are_no_prefix(string text) =>
        Assert.StartsWith($"'{text}' is no prefix: write", Assert.Throws<FormatException>(() => Prefix.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("10.0.0.0", "10.0.0.255", "10.0.0.0/24")]
    [InlineData("10.0.0.1", "10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32")]
    [InlineData("0.0.0.0", "255.255.255.255", "0.0.0.0/0")]
    [InlineData("255.255.255.255", "255.255.255.255", "255.255.255.255/32")]
    [InlineData("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0")]
    [InlineData("::1", "::2", "::1/128 ::2/128")]
    public void A_range_is_the_fewest_prefixes(string first, string last, string expected) =>
        Assert.Equal(expected, string.Join(' ', Prefix.Cover(IPAddress.Parse(first), IPAddress.Parse(last))));

    [Fact]
    public void All_but_both_ends_of_IPv6_are_two_prefixes_for_each_bit_but_the_first()
    {
        IReadOnlyList<IPNetwork> prefixes = Prefix.Cover(IPAddress.Parse("::1"), IPAddress.Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"));
        Assert.Equal(254, prefixes.Count);
        Assert.All(Enumerable.Range(2, 127), length => Assert.Equal(2, prefixes.Count(prefix => prefix.PrefixLength == length)));
    }

    [Fact]
    public void A_range_of_two_families_or_backwards_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Prefix.Cover(IPAddress.Any, IPAddress.IPv6Any));
        Assert.Throws<ArgumentException>(() => Prefix.Cover(IPAddress.Broadcast, IPAddress.Any));
    }
}
