using Vmem.Checks;
using Vmem.Platform;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The range that a large table lies in: which calls of the system it makes, and which it saves.</summary>
public sealed unsafe class TableRangeTests : IDisposable
{
    private const nuint Page = 4_096;
    private const nuint MiB = 1 << 20;
    private const ulong Most = 1ul << 30;

    private GrowingBlock _block;

    public void Dispose() => _block.Release();

    [Fact]
    public void A_large_table_reserves_once_and_goes_in_one_piece()
    {
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        _block.Grow(GrowingBlock.MostMoved, Most);
        Assert.Equal((0, 0), (calls.Count(SystemCall.Reserve), calls.Count(SystemCall.Commit)));
        _block.Grow(GrowingBlock.MostMoved + 1, Most);
        Assert.Equal((1, 1), (calls.Count(SystemCall.Reserve), calls.Count(SystemCall.Commit)));
        _block.Grow(MiB, Most);
        Assert.Equal((1, 2), (calls.Count(SystemCall.Reserve), calls.Count(SystemCall.Commit)));
        int before = calls.Count(SystemCall.Release);
        _block.Release();
        Assert.Equal((before + 1, 0), (calls.Count(SystemCall.Release), calls.Count(SystemCall.Decommit)));
    }

    [Fact]
    public void Within_a_page_nothing_is_committed_and_nothing_goes_back()
    {
        _block.Grow(100_000, Most);
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        _block.Grow(100_010, Most);
        Assert.Equal(0, calls.Count(SystemCall.Commit));
        Assert.Equal((nuint)100_000, _block.Shrink(100_000));
        Assert.Equal(0, calls.Count(SystemCall.Decommit));
        _block.Grow((25 * Page) + 1, Most);
        Assert.Equal((1, 0), (calls.Count(SystemCall.Commit), calls.Count(SystemCall.Decommit)));
        Assert.Equal(25 * Page, _block.Shrink(25 * Page));
        Assert.Equal((1, 1), (calls.Count(SystemCall.Commit), calls.Count(SystemCall.Decommit)));
    }

    /// <summary>What is committed of a table of 4 MiB and more ends where a huge page does.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void A_very_large_table_is_committed_by_huge_pages(int size)
    {
        _block.Grow(MiB, Most);
        nuint used = (nuint)size * MiB;
        _block.Grow(used, Most);
        nuint rest = (0 - ((nuint)_block.Start + used)) & (HugePages.Size - 1);
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        if (rest != 0)
        {
            _block.Grow(used + rest, Most);
            Assert.Equal(0, calls.Count(SystemCall.Commit));
        }

        _block.Grow(used + rest + 1, Most);
        Assert.Equal(1, calls.Count(SystemCall.Commit));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(4, 1)]
    public void A_very_large_table_asks_for_huge_pages(int size, int asked)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux is asked.");
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        _block.Grow((nuint)size * MiB, Most);
        Assert.Equal(asked, calls.Count(SystemCall.AdviseHuge));
    }

    [Fact]
    public void A_range_without_memory_goes_back()
    {
        _block.Grow(GrowingBlock.MostMoved, Most);
        int usual;
        using (SystemCallFault calls = SystemCallFault.Inject(static _ => false))
        {
            GrowingBlock other = default;
            other.Grow(MiB, Most);
            usual = calls.Count(SystemCall.Release);
            other.Release();
        }

        using (SystemCallFault calls = SystemCallFault.Inject(SystemCall.Commit, nth: 1))
        {
            Assert.Throws<InsufficientMemoryException>(() => _block.Grow(MiB, Most));
            Assert.Equal(usual + 1, calls.Count(SystemCall.Release));
        }
    }

    /// <summary>The system has as many mappings as may be: the memory at least goes back.</summary>
    [Fact]
    public void What_the_system_does_not_release_is_decommitted()
    {
        _block.Grow(MiB, Most);
        using SystemCallFault calls = SystemCallFault.Inject(SystemCall.Release, nth: 1);
        _block.Release();
        Assert.Equal((1, 1), (calls.Count(SystemCall.Release), calls.Count(SystemCall.Decommit)));
    }

    /// <summary>All tables together take an eighth of the address space.</summary>
    [Fact]
    public void A_table_that_could_take_too_much_reserves_a_multiple_of_what_it_has()
    {
        ulong most = NativePages.MemorySystem!.Extent / 4;
        using (SystemCallFault calls = SystemCallFault.Inject(static call => call == SystemCall.Reserve))
        {
            _block.Grow(2 * GrowingBlock.MostMoved, most);
            Assert.Equal(1, calls.Count(SystemCall.Reserve));
            _block.Release();
        }

        using (SystemCallFault calls = SystemCallFault.Inject(static _ => false))
        {
            _block.Grow(2 * GrowingBlock.MostMoved, most);
            _block.Grow(TableRange.Margin * 2 * GrowingBlock.MostMoved, most);
            Assert.Equal(1, calls.Count(SystemCall.Reserve));
            _block.Grow((TableRange.Margin * 2 * GrowingBlock.MostMoved) + 1, most);
            Assert.Equal(2, calls.Count(SystemCall.Reserve));
        }
    }

    [Fact]
    public void A_growth_that_fails_changes_nothing()
    {
        _block.Grow(1_000, Most);
        nint start = (nint)_block.Start;
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InsufficientMemoryException>(() => _block.Grow(2_000, Most));
        }

        Assert.Equal(start, (nint)_block.Start);
        Assert.Equal(1_000, _block.Taken(used: 10));
    }

    /// <summary>Where the system has no range for it, it is the C library's, and one call makes it shorter.</summary>
    [Fact]
    public void A_table_without_a_range_shrinks_at_once()
    {
        using (SystemCallFault.Inject(static call => call == SystemCall.Reserve))
        {
            _block.Grow(8 * MiB, Most);
        }

        Assert.Equal((nuint)100_000, _block.Shrink(100_000));
        Assert.Equal(100_000, _block.Taken(used: 1_000_000));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void A_table_as_short_as_may_be_moved_leaves_its_range(int more, bool leaves)
    {
        _block.Grow(MiB, Most);
        nint range = (nint)_block.Start;
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        _ = _block.Shrink(GrowingBlock.MostMoved + (nuint)more);
        Assert.Equal(leaves, range != (nint)_block.Start);
        Assert.Equal(leaves ? 1 : 0, calls.Count(SystemCall.Release));
    }
}
