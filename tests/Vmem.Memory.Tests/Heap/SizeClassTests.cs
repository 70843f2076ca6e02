using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The sizes that small blocks come in, all of them.</summary>
public class SizeClassTests
{
    /// <summary>The bounds that <see cref="SizeClasses"/> derives: under 16 bytes up to 64, under a ninth of the block up to 1 KiB, under
    /// a seventeenth above.</summary>
    [Fact]
    public void The_waste_of_every_size_is_below_its_bound()
    {
        for (int size = 1; size <= SizeClasses.Largest; size++)
        {
            int sizeClass = SizeClasses.Of((nuint)size);
            int block = SizeClasses.SizeOf(sizeClass);
            int parts = size <= 64 ? block / 16 : size <= 1024 ? 9 : 17;
            Assert.True(SizeClasses.Contains(sizeClass) && block >= size && (block - size) * parts < block, $"{size} bytes get {block}");
        }
    }

    [Fact]
    public void No_class_is_too_many()
    {
        Assert.Equal(
            SizeClasses.Count - 1,
            Enumerable.Range(1, SizeClasses.Largest).Select(size => SizeClasses.Of((nuint)size)).Distinct().Count());
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            Assert.Equal(sizeClass, SizeClasses.Of((nuint)SizeClasses.SizeOf(sizeClass)));
        }

        Assert.False(SizeClasses.Contains(0) || SizeClasses.Contains(SizeClasses.Count));
    }

    [Fact]
    public void The_smallest_class_that_keeps_an_alignment_is_found()
    {
        for (nuint alignment = 1; alignment <= 2 * SizeClasses.Largest; alignment *= 2)
        {
            for (int size = 1; size <= SizeClasses.Largest; size += 1 + (size / 7))
            {
                int expected = Enumerable.Range(1, SizeClasses.Count - 1).FirstOrDefault(
                    sizeClass => SizeClasses.SizeOf(sizeClass) >= size && (nuint)SizeClasses.SizeOf(sizeClass) % alignment == 0);
                Assert.Equal(expected, SizeClasses.Aligned((nuint)size, alignment));
            }
        }
    }

    [Theory]
    [InlineData(16, 64)]
    [InlineData(256, 64)]
    [InlineData(288, 56)]
    [InlineData(512, 32)]
    [InlineData(4_096, 4)]
    [InlineData(8_192, 2)]
    [InlineData(32_768, 2)]
    public void A_batch_has_16_KiB_or_two_blocks_or_64(int size, int rounds) =>
        Assert.Equal(rounds, SizeClasses.Rounds(SizeClasses.Of((nuint)size)));

    /// <summary>What a thread holds of a class at most, in two halves of which each is a batch.</summary>
    [Fact]
    public void A_magazine_is_bounded()
    {
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            int rounds = SizeClasses.Rounds(sizeClass);
            Assert.InRange(rounds, 2, SizeClasses.MostRounds);
            Assert.True(rounds == 2 || rounds * SizeClasses.SizeOf(sizeClass) <= 16 * 1024, $"{rounds} of {SizeClasses.SizeOf(sizeClass)}");
        }
    }
}
