using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which slabs blocks come from, and what becomes of those that come back.</summary>
public sealed unsafe class SlabClassTests : SlabClassFixture
{
    /// <summary>So the others get whole: a slab that gives is the one that got a block back last, and one without blocks is passed
    /// over.</summary>
    [Fact]
    public void The_slab_that_became_free_last_gives_first()
    {
        nuint[][] slabs = TakeSlabs(4);
        foreach (int slab in (int[])[2, 0, 3, 1])
        {
            GiveBack(slabs[slab][5]);
        }

        GiveBack(slabs[2][7]);                    // it is listed already
        Assert.Equal([slabs[1][5], slabs[3][5], slabs[0][5], slabs[2][5], slabs[2][7]], Take(5));
        Check(slabs: 4, blocksOut: 4 * Capacity);
    }

    /// <summary>At the beginning of the list, within it, at its end, and alone.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_slab_that_is_whole_goes_back_wherever_it_is_listed(int place)
    {
        nuint[][] slabs = TakeSlabs(4);
        for (int slab = 3; slab >= 0; slab--)
        {
            GiveBack(slabs[slab][3]);             // now they are listed in order
        }

        GiveBack([.. slabs[place].Where((_, i) => i != 3)]);
        Check(slabs: 3, blocksOut: 3 * (Capacity - 1));
        Assert.Equal(0, Space.ClassAt(slabs[place][0]));
        int[] others = [.. Enumerable.Range(0, 4).Where(slab => slab != place)];
        Assert.Equal([.. others.Select(slab => slabs[slab][3])], Take(3));
        foreach (int slab in others)
        {
            GiveBack(slabs[slab]);
        }

        Check(slabs: 0, blocksOut: 0);
        Assert.Equal(0u, Space.HeldBytes);
        Assert.Equal(Capacity, Take(Capacity).Length);
        Check(slabs: 1, blocksOut: Capacity);
    }

    /// <summary>What comes back in one call may be of many slabs, in any order, and wrong in parts.</summary>
    [Fact]
    public void Wrong_blocks_among_right_ones_are_named_and_the_others_come_back()
    {
        nuint[][] slabs = TakeSlabs(3);
        nuint beyond = slabs.Max(static slab => slab[0]) + Geometry.Bytes;
        nuint[][] wrong = [[beyond], [slabs[1][2] + 8], [slabs[0][4]], [7]];
        foreach (nuint[] some in wrong)
        {
            nuint[] mixed = [slabs[0][4], slabs[1][0], .. some, slabs[2][1], slabs[0][1]];
            Assert.Equal(some[0], Slabs.GiveBack(mixed));
            Assert.Equal((3, (3 * Capacity) - 4), (Slabs.Count().Slabs, Slabs.Count().BlocksOut));
            Assert.Equal(4, Take(4).Length);
        }

        Check(slabs: 3, blocksOut: 3 * Capacity);
        GiveBack([.. slabs.SelectMany(static slab => slab).OrderBy(static block => block % 11)]);
        Check(slabs: 0, blocksOut: 0);
    }

    /// <summary>A row over the end of one slab goes on in the next that lies behind it.</summary>
    [Fact]
    public void A_row_over_twoSlabs_comes_back_to_both()
    {
        nuint[] all = [.. TakeSlabs(2).SelectMany(static slab => slab).Order()];
        Assert.Equal(all[Capacity - 1] + Size, all[Capacity]);
        _ = Steps.Take();
        GiveBack([.. all[3..^3].Reverse()]);
        Assert.Equal(2, Steps.Take());
        Check(slabs: 2, blocksOut: 6);
    }

    [Fact]
    public void A_trim_empties_the_exchange_and_the_depot()
    {
        FillExchangeAndDepot();
        Assert.Equal(0u, Slabs.Trim());
        Assert.Equal((0, 0u, 0, 0), Slabs.Count());
        Assert.True(Slabs.IsEmpty);
    }

    /// <summary>The batches in front have lain there for a whole interval when the second ends. Of the depot, more is known then.</summary>
    [Fact]
    public void What_nobody_needed_for_an_interval_goes_back_to_theSlabs()
    {
        int filled = FillExchangeAndDepot();
        Assert.Equal(0u, Slabs.Tick());
        Assert.Equal(filled, Slabs.Count().InDepot);
        Assert.Equal(0u, Slabs.Tick());
        Assert.Equal(filled - (BatchExchange.MostPlaces * SizeClasses.Rounds(SizeClasses.Of(Size))), Slabs.Count().InDepot);
        Assert.Equal(0u, Slabs.Tick());
        Assert.Equal((0, 0u, 0, 0), Slabs.Count());
    }

    [Fact]
    public void The_start_of_the_block_around_an_address_is_found()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        Assert.Equal(blocks[3], Slabs.StartOf(blocks[3]));
        Assert.Equal(blocks[3], Slabs.StartOf(blocks[3] + Size - 1));
        Assert.Equal(blocks[^1], Slabs.StartOf(blocks[^1] + Size - 1));
        Assert.Equal((0u, 0u), (Slabs.StartOf(blocks[0] - 1), Slabs.StartOf(blocks[0] + Geometry.Bytes)));
        SlabClass long29 = new(Space, Own.Window.States, Records, SizeClasses.Of(29_000));
        nuint[] longs = new nuint[1];
        Assert.Equal(1, long29.Take(longs, 1));
        SlabGeometry geometry = new(SizeClasses.Of(29_000));
        nuint end = longs[0] + ((nuint)geometry.Capacity * (nuint)geometry.Size);
        Assert.True(end < longs[0] + geometry.Bytes);
        Assert.Equal((end - (nuint)geometry.Size, 0u), (long29.StartOf(end - 1), long29.StartOf(end)));
        long29.Dispose();
    }

    [Fact]
    public void A_class_that_was_reset_is_as_new()
    {
        nuint[][] slabs = TakeSlabs(3);
        GiveBack(slabs[1][0]);
        Slabs.Reset();
        Assert.Equal((0, 0u, 0, 0), Slabs.Count());
        _ = FillExchangeAndDepot();
        Slabs.Reset();
        Assert.Equal((0, 0u, 0, 0), Slabs.Count());
        Assert.Equal(0u, Space.HeldBytes);
        Assert.True(Slabs.IsEmpty);
        nuint[] blocks = Take(Capacity + 1);
        Check(slabs: 2, blocksOut: Capacity + 1);
        GiveBack(blocks);
        Check(slabs: 0, blocksOut: 0);            // no other thread has a magazine: nothing stays in a depot
    }

    [Fact]
    public void A_class_that_has_ended_gives_and_takes_nothing()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        GiveBack(blocks[0]);
        Slabs.Dispose();
        Assert.Equal((0u, 0u, 0u), (Slabs.Give(blocks), Slabs.GiveBack(blocks), Slabs.StartOf(blocks[1])));
        Assert.Empty(Take(3));
        Assert.Equal((0u, 0u), (Slabs.Trim(), Slabs.Tick()));
        Assert.Equal((0u, 0u), (Slabs.DiscardSparse(), Slabs.DiscardSparse(nuint.MaxValue)));
    }

    /// <summary>Else a slab without blocks would be asked for one.</summary>
    [Fact]
    public void Wrong_blocks_alone_list_no_slab()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(blocks[3] + 8, Slabs.GiveBack([blocks[3] + 8]));
            Check(slabs: 1, blocksOut: Capacity);
            Assert.True(Slabs.IsEmpty);
        }
    }

    [Fact]
    public void What_a_user_has_does_not_come_back()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        int shift = SizeClasses.SlotShiftOf(Slabs.SizeClass);
        Assert.True(Own.Window.States.TryTake(blocks[3], shift));
        Assert.Equal(blocks[3], Slabs.GiveBack([blocks[2], blocks[3], blocks[5]]));
        Check(slabs: 1, blocksOut: Capacity - 2);
        Assert.True(Own.Window.States.TryGive(blocks[3], shift));
        GiveBack(blocks[3]);
        Check(slabs: 1, blocksOut: Capacity - 3);
    }

    /// <summary>A first batch begins on another line of the bytes of live blocks if several threads have magazines, and there are such
    /// bytes.</summary>
    [Fact]
    public void First_batches_of_several_threads_lie_apart()
    {
        const int Batch = HeapMagazine.LeastBatch;
        SlabGeometry geometry = new(SizeClasses.Of(64));
        int line = (int)geometry.BytesByLine / 64;
        foreach (bool isChecked in (bool[])[true, false])
        {
            SlabClass slabs = new(Space, isChecked ? Own.Window.States : null, Records, SizeClasses.Of(64));
            nuint start = TakeOne(slabs, Batch);
            slabs.NoteThread(isNew: true);
            Assert.Equal(start + (Batch * 64), TakeOne(slabs, Batch));
            slabs.NoteThread(isNew: true);
            nuint apart = start + (nuint)((isChecked ? line : 2 * Batch) * 64);
            Assert.Equal(apart, TakeOne(slabs, Batch));
            nuint passed = isChecked ? start + (2 * Batch * 64) : apart + (Batch * 64);
            Assert.Equal(passed, TakeOne(slabs, Batch + 1));
            slabs.Dispose();
        }

        static nuint TakeOne(SlabClass slabs, int count)
        {
            nuint[] room = new nuint[SizeClasses.MostRounds];
            Assert.Equal(count, slabs.Take(room, count));
            Assert.Equal(room[0] + ((nuint)(count - 1) * 64), room[count - 1]);
            return room[0];
        }
    }
}
