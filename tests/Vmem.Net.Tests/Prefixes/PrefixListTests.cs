using System.Net;

namespace Vmem.Net.Tests.Prefixes;

/// <summary>What a list says while others allocate and free.</summary>
public sealed class PrefixListTests
{
    /// <summary>Segments are copied in batches, and a prefix comes to lie across the end of one.</summary>
    [Theory]
    [InlineData(23, "10.0.0.0/23 (tag 7)")]
    [InlineData(24, "10.0.0.0/24 (tag 7)")]
    public void A_prefix_across_the_place_where_a_list_has_come_is_reported_as_it_is(int length, string expected)
    {
        for (int seen = 250; seen < 262; seen++)               // the end of a batch is among them
        {
            using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/23"));
            List<IPNetwork> given = [.. Enumerable.Range(0, 512).Select(_ => pool.Allocate(32))];
            using IEnumerator<PrefixAllocation> list = pool.GetAllocated().GetEnumerator();
            for (int i = 0; i < seen; i++)
            {
                Assert.True(list.MoveNext());
                Assert.Equal(given[i], list.Current.Prefix);
            }

            given.ForEach(pool.Free);
            pool.Claim(Prefix.Of(IPAddress.Parse("10.0.0.0"), length), tag: 7);
            List<string> rest = [];
            while (list.MoveNext())
            {
                rest.Add(list.Current.ToString());
            }

            Assert.Equal(seen < 1 << (32 - length) ? [expected] : [], rest);
        }
    }

    [Fact]
    public void What_stays_is_reported_once_whatever_happens_around_it()
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/20"));
        List<IPNetwork> given = [.. Enumerable.Range(0, 4096).Select(i => pool.Allocate(32, (ulong)i))];
        var random = new Random(8);
        List<PrefixAllocation> listed = [];
        foreach (PrefixAllocation allocation in pool.GetAllocated())
        {
            listed.Add(allocation);
            IPNetwork other = given[random.Next(2048) * 2];    // each second one comes and goes
            if (!pool.TryClaim(other, 1))
            {
                pool.Free(other);
            }
        }

        Assert.Equal(listed.Count, listed.DistinctBy(allocation => allocation.Prefix).Count());
        Assert.Equal(
            Enumerable.Range(0, 2048).Select(i => new PrefixAllocation(given[(2 * i) + 1], (ulong)((2 * i) + 1))),
            listed.Where(allocation => (allocation.Prefix.BaseAddress.GetAddressBytes()[3] & 1) == 1));
    }
}
