using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>What an arena above keeps of an allocator comes back before a request fails.</summary>
public class BuddyRecallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_needs_what_an_arena_above_keeps_gets_it(bool audit)
    {
        BuddyAllocator<uint> source = Make(audit);
        using Arena<uint> above = Keeping(source);
        Assert.True(source.TryAllocate(50, out uint start));
        Assert.Equal(0u, start);
        source.Validate();
        BuddyStatistics<uint> figures = source.GetStatistics();
        Assert.Equal((64u, 64u, 2L, 0L), (figures.InUse, figures.PeakInUse, figures.Allocations, figures.Failures));
        Assert.Equal(audit ? 1 - (50 / 64.0) : null, figures.LiveInternalWaste);
        Assert.Equal(0u, above.GetStatistics().TotalSize);
        source.Free(start);
        source.Validate();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_fails_all_the_same_is_counted_once(bool audit)
    {
        BuddyAllocator<uint> source = Make(audit);
        using Arena<uint> above = Keeping(source);
        Assert.True(above.TryAllocateAt(0, 16));
        Assert.False(source.TryAllocate(64, out uint start));
        Assert.Equal((0u, 1L, 1L), (start, source.GetStatistics().Failures, source.GetStatistics().Allocations));
        source.Validate();
    }

    /// <summary>No block is so large: nothing is asked for.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_above_every_block_takes_nothing_from_anybody(bool audit)
    {
        BuddyAllocator<uint> source = Make(audit);
        using Arena<uint> above = Keeping(source);
        Assert.False(source.TryAllocate(65, out _));
        Assert.Equal((16u, 1L), (above.GetStatistics().TotalSize, source.GetStatistics().Failures));
    }

    [Fact]
    public void A_loan_is_a_whole_block_and_goes_back_as_one()
    {
        IArenaSource<uint> source = Make(audit: false);
        Assert.False(source.TryImport(16, new RangeConstraints<uint> { Align = 16 }, out uint start, out uint size));
        Assert.Equal((0u, 0u), (start, size));
        Assert.True(source.TryImport(17, default, out start, out size));
        Assert.Equal((0u, 32u), (start, size));
        InvalidFreeException refused = Assert.Throws<InvalidFreeException>(() => source.Release(0, 17));
        Assert.Equal((InvalidFreeReason.WrongSize, (UInt128)17), (refused.Reason, refused.Size));
        Assert.Contains("The block there has size 32, not 17", refused.Message, StringComparison.Ordinal);
        source.Release(0, 32);
        Assert.True(source.TryImport(64, default, out _, out _));
    }

    private static BuddyAllocator<uint> Make(bool audit) => new(0, 64, 16, 64, new BuddyAllocatorOptions { Audit = audit });

    /// <summary>An arena that has an empty import of 16, and keeps it.</summary>
    private static Arena<uint> Keeping(BuddyAllocator<uint> source)
    {
        Arena<uint> above = new("keeps", 1, new ArenaOptions<uint> { Source = source });
        above.Free(above.Allocate(16), 16);
        Assert.Equal((16u, 16u), (above.GetStatistics().TotalSize, source.GetStatistics().InUse));
        return above;
    }
}
