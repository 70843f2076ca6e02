using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Classes of sizes: none is without a class, none in two.</summary>
public sealed class SizeClassesTests
{
    [Theory]
    [InlineData(0UL, 0UL, 16UL)]
    [InlineData(16UL, 0UL, 16UL)]
    [InlineData(17UL, 17UL, 32UL)]
    [InlineData(128UL, 113UL, 128UL)]
    [InlineData(129UL, 129UL, 160UL)]
    [InlineData(256UL, 225UL, 256UL)]
    [InlineData(4_096UL, 3_585UL, 4_096UL)]
    [InlineData(4_368UL, 4_097UL, 5_120UL)]
    [InlineData(ulong.MaxValue, (7UL << 61) + 1, ulong.MaxValue)]
    public void A_size_is_in_the_class_between_its_ends(ulong size, ulong least, ulong most)
    {
        int index = SizeClasses.IndexOf(size);
        Assert.Equal((least, most), (SizeClasses.Least(index), SizeClasses.Most(index)));
    }

    [Fact]
    public void Each_class_begins_where_the_one_before_it_ends()
    {
        for (int index = 0; index < SizeClasses.Count; index++)
        {
            Assert.Equal(index, SizeClasses.IndexOf(SizeClasses.Least(index)));
            Assert.Equal(index, SizeClasses.IndexOf(SizeClasses.Most(index)));
            Assert.True(index == 0 || SizeClasses.Least(index) == SizeClasses.Most(index - 1) + 1);
        }

        Assert.Equal(ulong.MaxValue, SizeClasses.Most(SizeClasses.Count - 1));
    }
}
