using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which slabs of a class are looked at for pages without blocks.</summary>
public sealed unsafe class SparseLookTests : SlabClassFixture
{
    /// <summary>Each call goes on where the last one ended, and begins again behind the last slab. A page goes once.</summary>
    [Fact]
    public void Pages_without_blocks_go_back_slab_by_slab()
    {
        nuint[][] slabs = TakeSlabs(3);
        foreach (int slab in (int[])[2, 1, 0])
        {
            GiveBack(slabs[slab][..(slab + 2)]);
        }

        Assert.Equal(2u * Size, Slabs.DiscardSparse(enough: 1));
        Assert.Equal(7u * Size, Slabs.DiscardSparse(enough: 4 * Size));
        Assert.Equal(0u, Slabs.DiscardSparse(enough: nuint.MaxValue));
        GiveBack(slabs[0][2]);
        GiveBack(slabs[2][^1]);
        Assert.Equal(2u * Size, Slabs.DiscardSparse(enough: nuint.MaxValue));
        GiveBack(slabs[1][5]);
        GiveBack(slabs[1][7]);
        Assert.Equal((2u * Size, 0u), (Slabs.DiscardSparse(), Slabs.DiscardSparse()));
        GiveBack(slabs[0][4]);
        Assert.Equal(1u * Size, Slabs.DiscardSparse(enough: 1));
        Assert.Equal([slabs[0][0], slabs[0][1], slabs[0][2], slabs[0][4]], Take(4));      // where it looked last none is listed now
        GiveBack(slabs[1][8]);
        Assert.Equal(1u * Size, Slabs.DiscardSparse(enough: 1));
        Check(slabs: 3, (3 * Capacity) - 11);
    }

    [Fact]
    public void No_call_looks_at_more_than_64Slabs()
    {
        nuint[][] slabs = TakeSlabs(70);
        GiveBack([.. slabs.Select(static slab => slab[1])]);
        _ = Steps.Take();
        Assert.Equal(64u * Size, Slabs.DiscardSparse(enough: nuint.MaxValue));
        Assert.Equal(128, Steps.Take());          // a look, and a stretch of pages that goes
        Assert.Equal((6u * Size, 0u), (Slabs.DiscardSparse(nuint.MaxValue), Slabs.DiscardSparse()));
    }

    [Fact]
    public void A_call_ends_when_as_much_has_gone_as_was_wanted()
    {
        nuint[][] slabs = TakeSlabs(2);
        GiveBack(slabs[0][..2]);
        GiveBack(slabs[1][..3]);
        Assert.Equal(3u * Size, Slabs.DiscardSparse(enough: 3 * Size));
        Assert.Equal(0u, Slabs.DiscardSparse(enough: 0));
        Assert.Equal(2u * Size, Slabs.DiscardSparse(enough: 1));
    }

    /// <summary>Its neighbours in the list have changed meanwhile.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_the_last_slab_is_listed_no_more_the_looks_begin_at_the_first(bool isGone)
    {
        nuint[][] slabs = TakeSlabs(3);
        GiveBack(slabs[1][0]);
        GiveBack(slabs[0][0]);
        Assert.Equal(1u * Size, Slabs.DiscardSparse(enough: 1));
        if (isGone)
        {
            GiveBack(slabs[0][1..]);
        }
        else
        {
            Assert.Equal([slabs[0][0]], Take(1));
        }

        GiveBack(slabs[2][..2]);
        Assert.Equal(2u * Size, Slabs.DiscardSparse(enough: 1));
        Assert.Equal(1u * Size, Slabs.DiscardSparse(enough: 1));
    }

    /// <summary>A huge page may bring memory back to a page on which no block lies. It is counted as gone.</summary>
    [Fact]
    public void A_page_that_has_memory_again_goes_once_more_only_where_all_go()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        GiveBack(blocks[3]);
        Assert.Equal(1u * Size, Slabs.DiscardSparse(nuint.MaxValue));
        *(byte*)blocks[3] = 5;
        Assert.Equal((0u, 5), (Slabs.DiscardSparse(nuint.MaxValue), (int)*(byte*)blocks[3]));
        Assert.Equal((0u, 0), (Slabs.DiscardSparse(), (int)*(byte*)blocks[3]));
    }

    /// <summary>Else the heap would count memory that it does not have, and give it back once more.</summary>
    [Fact]
    public void What_has_gone_of_a_slab_that_goes_is_clean()
    {
        nuint[][] slabs = TakeSlabs(2);
        Assert.Equal(2 * Geometry.Bytes, Space.DirtyBytes);
        GiveBack(slabs[0][..3]);
        Assert.Equal(3u * Size, Slabs.DiscardSparse(nuint.MaxValue));
        Assert.Equal(2 * Geometry.Bytes, Space.DirtyBytes);
        GiveBack(slabs[0][3..]);
        Assert.Equal((2 * Geometry.Bytes) - (3 * Size), Space.DirtyBytes);
    }
}
