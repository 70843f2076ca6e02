using System.Numerics;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The numbers are SipHash-2-4 of 0, 1, 2 and so on, cut to size.</summary>
public sealed class RandomNumbersTests
{
    private const ulong Seed = 0x1234_5678_9ABC_DEF0;
    private const ulong SeedsOwn = 0x9E3779B97F4A7C15;         // the other half of the key

    /// <summary>The reference vector for eight bytes (Aumasson and Bernstein, appendix A's table).</summary>
    [Fact]
    public void The_numbers_are_SipHash()
    {
        Assert.Equal(0x93F5F5799A932462ul, RandomNumbers.Hash(0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x0706050403020100));
        RandomNumbers numbers = new(Seed);
        for (ulong count = 0; count < 10; count++)
        {
            Assert.Equal(RandomNumbers.Hash(Seed, SeedsOwn, count), numbers.Next<ulong>());
        }
    }

    /// <summary>As another implementation has them.</summary>
    [Fact]
    public void A_seed_has_these_numbers()
    {
        RandomNumbers numbers = new(Seed);
        ulong[] expected =
        [
            0xE7C8B928EC1870F7, 0x4F8A47A539A559EE, 0xAA8CB1C1C937BC4D, 0x34D9196B1B856ACD,
            0xEC05D6CFB10570F5, 0x25DADB6A9ECEB7C5, 0x35C4283814CC2056, 0xE7011C79FE7DE9F7,
        ];
        Assert.Equal(expected, expected.Select(_ => numbers.Next<ulong>()));
    }

    [Fact]
    public void A_number_of_the_type_is_the_lower_part_of_one_or_two_of_them()
    {
        RandomNumbers numbers = new(Seed);
        Assert.Equal((byte)Hash(0), numbers.Next<byte>());
        Assert.Equal((ushort)Hash(1), numbers.Next<ushort>());
        Assert.Equal((uint)Hash(2), numbers.Next<uint>());
        Assert.Equal(new UInt128(Hash(3), Hash(4)), numbers.Next<UInt128>());
        Assert.Equal(Hash(5), numbers.Next<ulong>());
    }

    [Fact]
    public void A_number_below_a_bound_is_the_first_that_is_small_enough()
    {
        Below<byte>(200);
        Below<byte>(128);
        Below<byte>(129);
        Below<byte>(3);
        Below<byte>(2);
        Below<ushort>(5_000);
        Below<uint>(1u << 31);
        Below<ulong>((1ul << 40) + 1);
        Below<ulong>(ulong.MaxValue);
        Below<UInt128>((UInt128.One << 100) + 5);
    }

    /// <summary>The only one that there is takes none of the numbers.</summary>
    [Fact]
    public void Below_1_there_is_only_0()
    {
        RandomNumbers numbers = new(Seed);
        Assert.Equal((byte)0, numbers.Below<byte>(1));
        Assert.Equal(UInt128.Zero, numbers.Below(UInt128.One));
        Assert.Equal(Hash(0), numbers.Next<ulong>());
    }

    [Fact]
    public void Without_a_seed_each_has_a_key_of_its_own()
    {
        HashSet<ulong> first = [];
        for (int i = 0; i < 20; i++)
        {
            RandomNumbers numbers = new(null);
            Assert.True(first.Add(numbers.Next<ulong>()));
            Assert.True(first.Add(numbers.Next<ulong>()));
        }
    }

    private static ulong Hash(ulong count) => RandomNumbers.Hash(Seed, SeedsOwn, count);

    private static void Below<T>(T bound)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        RandomNumbers numbers = new(Seed);
        RandomNumbers all = new(Seed);
        int drops = T.MaxValue.GetShortestBitLength() - (bound - T.One).GetShortestBitLength();
        for (int i = 0; i < 200; i++)
        {
            T number = numbers.Below(bound);
            Assert.True(number < bound);
            T expected;
            do
            {
                expected = all.Next<T>() >>> drops;
            }
            while (expected >= bound);
            Assert.Equal(expected, number);
        }
    }
}
