using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What lies between the slabs of a class and its magazines.</summary>
public sealed class SlabClassDepotTests : SlabClassFixture
{
    /// <summary>No batch has so few: what is given by so many goes to the depot.</summary>
    private const int Few = 3;

    private static int Rounds => SizeClasses.Rounds(SizeClasses.Of(Size));

    [Fact]
    public void A_class_is_empty_if_neither_slabs_nor_depot_nor_exchange_have_blocks()
    {
        Assert.True(Slabs.IsEmpty);
        nuint[] blocks = [.. TakeSlabs(Rounds).SelectMany(static slab => slab)];
        Assert.True(Slabs.IsEmpty);
        GiveBack(blocks[0]);
        Assert.False(Slabs.IsEmpty);
        Assert.Equal([blocks[0]], Take(1));
        BeTwoThreads();
        Assert.True(Slabs.IsEmpty);
        Assert.Equal(0u, Slabs.Give(blocks.AsSpan(0, Few)));
        Assert.False(Slabs.IsEmpty);
        Assert.Equal(Few, Take(Few).Length);
        Assert.True(Slabs.IsEmpty);
        Assert.Equal(0u, Slabs.Give(blocks.AsSpan(0, Rounds)));
        Assert.False(Slabs.IsEmpty);
    }

    /// <summary>It might fail, and what the depot gave would be lost.</summary>
    [Fact]
    public void A_batch_that_begins_in_the_depot_takes_no_fresh_slab()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        BeTwoThreads();
        Assert.Equal(0u, Slabs.Give(blocks.AsSpan(0, Few)));
        nuint[] room = new nuint[SizeClasses.MostRounds];
        Assert.Equal(Few, Slabs.Take(room, Few + 2));
        Assert.Equal(blocks[..Few], room[..Few]);
        Check(slabs: 1, blocksOut: Capacity);
    }

    /// <summary>Of 40, ten were needed in the first whole interval, and none in the next.</summary>
    [Fact]
    public void Only_what_the_depot_has_too_much_of_goes_back_to_the_slabs()
    {
        BeTwoThreads();
        Give(Take(40));
        Assert.Equal(0u, Slabs.Tick());
        Give(Take(10));
        Assert.Equal(0u, Slabs.Tick());
        Assert.Equal(40, Slabs.Count().InDepot);
        Assert.Equal(0u, Slabs.Tick());
        Assert.Equal(10, Slabs.Count().InDepot);
        Slabs.Validate([]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_trim_or_a_reset_gives_the_depots_own_memory_back(bool isReset)
    {
        int growths = 0;
        using (TableFaults.Inject(() => ++growths < 0))
        {
            PutOnce();
            PutOnce();
            Assert.Equal(1, growths);
            if (isReset)
            {
                Slabs.Reset();
            }
            else
            {
                Assert.Equal(0u, Slabs.Trim());
            }

            PutOnce();
            Assert.Equal(2, growths);
        }

        void PutOnce()
        {
            if (Slabs.Count().Slabs == 0)
            {
                BeTwoThreads();
            }

            int before = growths;
            nuint[] blocks = Take(Few);
            growths = before;                     // those of the pages
            Give(blocks);
        }
    }

    private void BeTwoThreads()
    {
        Slabs.NoteThread(isNew: true);
        Slabs.NoteThread(isNew: true);
    }

    private void Give(nuint[] blocks)
    {
        foreach (nuint[] some in blocks.Chunk(Few))
        {
            Assert.Equal(0u, Slabs.Give(some));
        }
    }
}
