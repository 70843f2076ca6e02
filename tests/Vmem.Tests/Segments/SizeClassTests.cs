using System.Numerics;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which free list a size belongs to: one for each size up to 127 units, and 64 for each power of two above.</summary>
public sealed class SizeClassTests
{
    [Fact]
    public void Lists_cover_every_size_without_a_gap()
    {
        Check<byte>();
        Check<ushort>();
        Check<uint>();
        Check<ulong>();
        Check<UInt128>();
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(127, 0)]
    [InlineData(128, 1)]
    [InlineData(191, 1)]
    [InlineData(192, 2)]
    [InlineData(64 * 58, 57)]
    public void Members_differ_in_as_many_bits_as_a_list_is_wide(int list, int bits) => Assert.Equal(bits, SizeClass.Bits(list));

    private static void Check<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        int last = SizeClass.Of(T.MaxValue);
        Assert.Equal(FirstOf(last) + WidthOf(last) - 1, BigInteger.CreateChecked(T.MaxValue));
        for (int list = 1; list <= last; list++)
        {
            T first = T.CreateChecked(FirstOf(list));
            T end = T.CreateChecked(FirstOf(list) + WidthOf(list) - 1);
            Assert.Equal((list, list), (SizeClass.Of(first), SizeClass.Of(end)));
            Assert.Equal(list, SizeClass.Sure(first));
            Assert.Equal(first == end ? list : list + 1, SizeClass.Sure(end));
        }
    }

    private static BigInteger FirstOf(int list) => list < 128 ? list : (BigInteger)(64 + (list % 64)) << ((list / 64) - 1);

    private static BigInteger WidthOf(int list) => list < 128 ? 1 : BigInteger.One << ((list / 64) - 1);
}
