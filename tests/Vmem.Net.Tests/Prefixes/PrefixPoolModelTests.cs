using System.Net;
using Vmem.Testing.Generation;

namespace Vmem.Net.Tests.Prefixes;

/// <summary>Generated calls of a pool of a /24, against one owner for each of its 256 addresses.</summary>
public class PrefixPoolModelTests
{
    private const int Addresses = 256;
    private const int Excluded = -1;

    [Theory]
    [InlineData("10.1.2.0/24", 1)]
    [InlineData("10.1.2.0/24", 2)]
    [InlineData("255.255.255.0/24", 3)]
    [InlineData("0.0.0.0/24", 4)]
    [InlineData("2001:db8::/120", 5)]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120", 6)]
    [InlineData("::/120", 7)]
    public void It_does_what_a_table_of_addresses_does(string text, ulong seed)
    {
        IPNetwork network = Prefix.Parse(text);
        int bits = network.PrefixLength + 8;
        var random = new SeededRandom(seed);
        IPNetwork[] exclusions = [.. Enumerable.Range(0, 4).Select(_ => PrefixAt(random.Below(Addresses), random.Below(4)))];
        var owners = new int[Addresses];                       // 0: free; else the number of the allocation
        foreach (IPNetwork exclusion in exclusions)
        {
            PlacesOf(exclusion).ForEach(place => owners[place] = Excluded);
        }

        using var pool = new PrefixPool("model", network, new() { Exclusions = exclusions });
        Dictionary<int, IPNetwork> live = [];
        for (int step = 1; step <= 1500; step++)
        {
            int order = random.Below(6);
            int call = random.Below(8);
            if (call < 2)
            {
                IPNetwork? expected = Lowest(order, 0, Addresses);
                Assert.Equal(expected is not null, pool.TryPeek(bits - order, out IPNetwork peeked));
                Assert.Equal(expected is not null, pool.TryAllocate(bits - order, out IPNetwork prefix, (ulong)step));
                Note(expected, prefix);
                Assert.Equal(prefix, peeked);
            }
            else if (call == 2)
            {
                IPNetwork parent = PrefixAt(random.Below(Addresses), order + random.Below(3));
                List<int> places = PlacesOf(parent);
                IPNetwork? expected = Lowest(order, places[0], places[0] + places.Count);
                Assert.Equal(expected is not null, pool.TryAllocateWithin(parent, bits - order, out IPNetwork prefix, (ulong)step));
                Note(expected, prefix);
            }
            else if (call == 3)
            {
                IPNetwork wanted = PrefixAt(random.Below(Addresses), order);
                bool isFree = PlacesOf(wanted).TrueForAll(place => owners[place] == 0);
                Assert.Equal(isFree, pool.TryClaim(wanted, (ulong)step));
                Note(isFree ? wanted : null, wanted);
            }
            else if (call == 4)
            {
                IPNetwork wrong = PrefixAt(random.Below(Addresses), order);
                if (!live.ContainsValue(wrong))
                {
                    Assert.Throws<InvalidFreeException>(() => pool.Free(wrong));
                }
            }
            else if (live.Count > 0)
            {
                int number = live.Keys.ElementAt(random.Below(live.Count));
                pool.Free(live[number]);
                PlacesOf(live[number]).ForEach(place => owners[place] = 0);
                live.Remove(number);
            }

            Compare(step);

            void Note(IPNetwork? expected, IPNetwork given)
            {
                if (expected is { } prefix)
                {
                    Assert.Equal(prefix, given);
                    PlacesOf(prefix).ForEach(place => owners[place] = step);
                    live.Add(step, prefix);
                }
            }
        }

        IPNetwork PrefixAt(int place, int order) => Prefix.Of(AddressAt(network, place), bits - order);

        List<int> PlacesOf(IPNetwork prefix)
        {
            int first = prefix.BaseAddress.GetAddressBytes()[^1];
            return [.. Enumerable.Range(first, 1 << (bits - prefix.PrefixLength))];
        }

        IPNetwork? Lowest(int order, int from, int to)
        {
            for (int place = from; place < to; place += 1 << order)
            {
                IPNetwork prefix = PrefixAt(place, order);
                if (PlacesOf(prefix).TrueForAll(at => owners[at] == 0))
                {
                    return prefix;
                }
            }

            return null;
        }

        void Compare(int step)
        {
            pool.Validate();
            int[] free = [.. pool.GetFree().SelectMany(PlacesOf)];
            Assert.Equal(Enumerable.Range(0, Addresses).Where(place => owners[place] == 0), free);
            Assert.Equal(live.Values.OrderBy(prefix => PlacesOf(prefix)[0]), pool.GetAllocated().Select(allocation => allocation.Prefix));
            int probe = step % Addresses;
            Assert.Equal(owners[probe] > 0, pool.TryGetHolder(AddressAt(network, probe), out PrefixAllocation holder));
            Assert.Equal(Math.Max(owners[probe], 0), (int)holder.Tag);
            for (int order = 0; order <= 8; order++)
            {
                int count = Enumerable.Range(0, Addresses >> order).Count(number =>
                    Enumerable.Range(number << order, 1 << order).All(place => owners[place] == 0));
                Assert.Equal((UInt128)(uint)count, pool.CountFree(bits - order));
            }
        }
    }

    private static IPAddress AddressAt(IPNetwork network, int place)
    {
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        bytes[^1] = (byte)place;
        return new IPAddress(bytes);
    }
}
