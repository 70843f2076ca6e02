using Vmem.Tool.Commands;

namespace Vmem.Tool.Tests.Commands;

public sealed class SizeTextTests
{
    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("4096", 4096UL)]
    [InlineData("64K", 65_536UL)]
    [InlineData("64kb", 65_536UL)]
    [InlineData("3MiB", 3_145_728UL)]
    [InlineData("2G", 2_147_483_648UL)]
    [InlineData("1T", 1_099_511_627_776UL)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void Sizes_that_are_understood(string text, ulong expected)
    {
        Assert.True(SizeText.TryParse(text, out ulong size));
        Assert.Equal(expected, size);
    }

    [Theory]
    [InlineData("")]
    [InlineData("K")]
    [InlineData("-1")]
    [InlineData("1.5M")]
    [InlineData("1 M")]
    [InlineData("64X")]
    [InlineData("0x10")]
    [InlineData("18446744073709551616")]
    [InlineData("16777216T")]
    public void Sizes_that_are_not(string text) => Assert.False(SizeText.TryParse(text, out _));
}
