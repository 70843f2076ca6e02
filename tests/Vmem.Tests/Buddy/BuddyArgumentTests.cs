using Xunit;

namespace Vmem.Tests.Buddy;

public class BuddyArgumentTests
{
    [Theory]
    [InlineData(0, 0, 4, 64, "size")]             // nothing
    [InlineData(0, 3, 4, 64, "size")]             // less than a block
    [InlineData(200, 57, 4, 64, "size")]          // one past the top
    [InlineData(255, 2, 1, 64, "size")]
    [InlineData(0, 100, 0, 64, "minBlock")]
    [InlineData(0, 100, 3, 64, "minBlock")]
    [InlineData(0, 100, 4, 0, "maxBlock")]
    [InlineData(0, 100, 4, 65, "maxBlock")]
    [InlineData(0, 100, 8, 4, "maxBlock")]
    public void Each_mistake_at_construction_is_an_error_of_its_own(byte start, byte size, byte minBlock, byte maxBlock, string parameter)
    {
        var error = Assert.ThrowsAny<ArgumentException>(() => new BuddyAllocator<byte>(start, size, minBlock, maxBlock));
        Assert.Equal(parameter, error.ParamName);
    }

    [Theory]
    [InlineData(3, 4, "minBlock")]
    [InlineData(2, 0, "maxBlock")]
    [InlineData(4, 2, "maxBlock")]
    public void So_is_each_over_the_whole_range(byte minBlock, byte maxBlock, string parameter) =>
        Assert.Equal(
            parameter,
            Assert.ThrowsAny<ArgumentException>(() => BuddyAllocator<byte>.OverWholeRange(minBlock, maxBlock)).ParamName);

    [Fact]
    public void More_blocks_than_a_table_describes_are_refused()
    {
        Assert.Equal("minBlock", Assert.Throws<ArgumentException>(() => new BuddyAllocator<ulong>(0, 1ul << 40, 1, 64)).ParamName);
        Assert.Equal("minBlock", Assert.Throws<ArgumentException>(() => BuddyAllocator<ulong>.OverWholeRange(1, 1ul << 63)).ParamName);
        Assert.Equal("minBlock", Assert.Throws<ArgumentException>(() => BuddyAllocator<UInt128>.OverWholeRange(1, 1)).ParamName);
    }

    [Fact]
    public void A_null_name_is_an_error() =>
        Assert.Throws<ArgumentNullException>(() => new BuddyAllocator<uint>(0, 100, 4, 64, new BuddyAllocatorOptions { Name = null! }));

    [Fact]
    public void Size_0_is_an_error_everywhere()
    {
        BuddyAllocator<uint> allocator = new(0, 100, 4, 64);
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Allocate(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.TryAllocate(0, out _));
        uint start = allocator.Allocate(4);
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.TryResize(start, 0));
        Assert.Equal(0, allocator.GetStatistics().Failures);
    }

    [Theory]
    [InlineData(65, 65, FitFailure.LargerThanAnySpan, "above the largest block, 64")]
    [InlineData(uint.MaxValue, uint.MaxValue, FitFailure.LargerThanAnySpan, "above the largest block, 64")]
    [InlineData(33, 64, FitFailure.NotEnoughFree, "Only 32 is free")]
    [InlineData(9, 16, FitFailure.Fragmented, "32 is free, but in blocks of at most 8")]
    public void A_failure_says_why(uint size, uint requested, FitFailure failure, string words)
    {
        BuddyAllocator<uint> allocator = new(0, 64, 8, 64, new BuddyAllocatorOptions { Name = "small" });
        uint[] starts = [.. Enumerable.Range(0, 8).Select(_ => allocator.Allocate(8))];
        for (int i = 0; i < starts.Length; i += 2)
        {
            allocator.Free(starts[i]);
        }

        Assert.False(allocator.TryAllocate(size, out _));
        var error = Assert.Throws<ArenaExhaustedException>(() => allocator.Allocate(size));
        Assert.Equal(
            (failure, "small", (UInt128)requested, (UInt128)32, (UInt128)8),
            (error.Failure, error.ArenaName, error.Requested, error.Free, error.LargestFree));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Equal(2, allocator.GetStatistics().Failures);
    }

    [Fact]
    public void A_request_above_what_the_range_was_cut_into_says_so()
    {
        BuddyAllocator<uint> allocator = new(0, 100, 4, 1_024);
        Assert.Equal(64u, allocator.GetStatistics().LargestFree);
        Assert.Contains("The largest block in a range of 100 is 64", Assert.Throws<ArenaExhaustedException>(() => allocator.Allocate(80)).Message, StringComparison.Ordinal);
    }
}
