using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The slabs of one class, without a heap above them.</summary>
public sealed unsafe class SlabClassTests : IDisposable
{
    private const int Size = 4_096;

    private static readonly SlabGeometry s_geometry = new(SizeClasses.Of(Size));

    private readonly OwnWindow _own = new();
    private readonly SlabRecords _records = new();
    private readonly HeapSpace _space;
    private readonly SlabClass _slabs;

    public SlabClassTests()
    {
        _space = new HeapSpace(_own.Window, "class", limit: 0, huge: false);
        _slabs = new SlabClass(_space, _own.Window.States, _records, SizeClasses.Of(Size));
    }

    private static int Capacity => s_geometry.Capacity;

    public void Dispose()
    {
        _slabs.Dispose();
        _space.Dispose();
        _records.Dispose();
        _own.Dispose();
    }

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
        Assert.Equal(0, _space.ClassAt(slabs[place][0]));
        int[] others = [.. Enumerable.Range(0, 4).Where(slab => slab != place)];
        Assert.Equal([.. others.Select(slab => slabs[slab][3])], Take(3));
        foreach (int slab in others)
        {
            GiveBack(slabs[slab]);
        }

        Check(slabs: 0, blocksOut: 0);
        Assert.Equal(0u, _space.HeldBytes);
        Assert.Equal(Capacity, Take(Capacity).Length);
        Check(slabs: 1, blocksOut: Capacity);
    }

    /// <summary>What comes back in one call may be of many slabs, in any order, and wrong in parts.</summary>
    [Fact]
    public void Wrong_blocks_among_right_ones_are_named_and_the_others_come_back()
    {
        nuint[][] slabs = TakeSlabs(3);
        nuint beyond = slabs.Max(static slab => slab[0]) + s_geometry.Bytes;
        nuint[][] wrong = [[beyond], [slabs[1][2] + 8], [slabs[0][4]], [7]];
        foreach (nuint[] some in wrong)
        {
            nuint[] mixed = [slabs[0][4], slabs[1][0], .. some, slabs[2][1], slabs[0][1]];
            Assert.Equal(some[0], _slabs.GiveBack(mixed));
            Assert.Equal((3, (3 * Capacity) - 4), (_slabs.Count().Slabs, _slabs.Count().BlocksOut));
            Assert.Equal(4, Take(4).Length);
        }

        Check(slabs: 3, blocksOut: 3 * Capacity);
        GiveBack([.. slabs.SelectMany(static slab => slab).OrderBy(static block => block % 11)]);
        Check(slabs: 0, blocksOut: 0);
    }

    /// <summary>A row over the end of one slab goes on in the next that lies behind it.</summary>
    [Fact]
    public void A_row_over_two_slabs_comes_back_to_both()
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
        Assert.Equal(0u, _slabs.Trim());
        Assert.Equal((0, 0u, 0, 0), _slabs.Count());
        Assert.True(_slabs.IsEmpty);
    }

    /// <summary>The batches in front have lain there for a whole interval when the second ends. Of the depot, more is known then.</summary>
    [Fact]
    public void What_nobody_needed_for_an_interval_goes_back_to_the_slabs()
    {
        int filled = FillExchangeAndDepot();
        Assert.Equal(0u, _slabs.Tick());
        Assert.Equal(filled, _slabs.Count().InDepot);
        Assert.Equal(0u, _slabs.Tick());
        Assert.Equal(filled - (BatchExchange.MostPlaces * SizeClasses.Rounds(SizeClasses.Of(Size))), _slabs.Count().InDepot);
        Assert.Equal(0u, _slabs.Tick());
        Assert.Equal((0, 0u, 0, 0), _slabs.Count());
    }

    /// <summary>Each call goes on where the last one ended, and begins again behind the last slab. A page goes once.</summary>
    [Fact]
    public void Pages_without_blocks_go_back_slab_by_slab()
    {
        nuint[][] slabs = TakeSlabs(3);
        foreach (int slab in (int[])[2, 1, 0])
        {
            GiveBack(slabs[slab][..(slab + 2)]);
        }

        Assert.Equal(2u * Size, _slabs.DiscardSparse(enough: 1));
        Assert.Equal(7u * Size, _slabs.DiscardSparse(enough: 4 * Size));
        Assert.Equal(0u, _slabs.DiscardSparse(enough: nuint.MaxValue));
        GiveBack(slabs[0][2]);
        GiveBack(slabs[2][^1]);
        Assert.Equal(2u * Size, _slabs.DiscardSparse(enough: nuint.MaxValue));
        GiveBack(slabs[1][5]);
        GiveBack(slabs[1][7]);
        Assert.Equal((2u * Size, 0u), (_slabs.DiscardSparse(), _slabs.DiscardSparse()));
        GiveBack(slabs[0][4]);
        Assert.Equal(1u * Size, _slabs.DiscardSparse(enough: 1));
        Assert.Equal([slabs[0][0], slabs[0][1], slabs[0][2], slabs[0][4]], Take(4));      // where it looked last none is listed now
        GiveBack(slabs[1][8]);
        Assert.Equal(1u * Size, _slabs.DiscardSparse(enough: 1));
        Check(slabs: 3, (3 * Capacity) - 11);
    }

    [Fact]
    public void No_call_looks_at_more_than_64_slabs()
    {
        nuint[][] slabs = TakeSlabs(70);
        GiveBack([.. slabs.Select(static slab => slab[1])]);
        _ = Steps.Take();
        Assert.Equal(64u * Size, _slabs.DiscardSparse(enough: nuint.MaxValue));
        Assert.Equal(128, Steps.Take());          // a look, and a stretch of pages that goes
        Assert.Equal((6u * Size, 0u), (_slabs.DiscardSparse(nuint.MaxValue), _slabs.DiscardSparse()));
    }

    [Fact]
    public void The_start_of_the_block_around_an_address_is_found()
    {
        nuint[] blocks = TakeSlabs(1)[0];
        Assert.Equal(blocks[3], _slabs.StartOf(blocks[3]));
        Assert.Equal(blocks[3], _slabs.StartOf(blocks[3] + Size - 1));
        Assert.Equal(blocks[^1], _slabs.StartOf(blocks[^1] + Size - 1));
        Assert.Equal((0u, 0u), (_slabs.StartOf(blocks[0] - 1), _slabs.StartOf(blocks[0] + s_geometry.Bytes)));
        SlabClass long29 = new(_space, _own.Window.States, _records, SizeClasses.Of(29_000));
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
        _slabs.Reset();
        Assert.Equal((0, 0u, 0, 0), _slabs.Count());
        _ = FillExchangeAndDepot();
        _slabs.Reset();
        Assert.Equal((0, 0u, 0, 0), _slabs.Count());
        Assert.Equal(0u, _space.HeldBytes);
        Assert.True(_slabs.IsEmpty);
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
        _slabs.Dispose();
        Assert.Equal((0u, 0u, 0u), (_slabs.Give(blocks), _slabs.GiveBack(blocks), _slabs.StartOf(blocks[1])));
        Assert.Empty(Take(3));
        Assert.Equal((0u, 0u), (_slabs.Trim(), _slabs.Tick()));
        Assert.Equal((0u, 0u), (_slabs.DiscardSparse(), _slabs.DiscardSparse(nuint.MaxValue)));
    }

    /// <summary>Two threads have magazines. Returns how many blocks lie in the exchange and the depot.</summary>
    private int FillExchangeAndDepot()
    {
        _slabs.NoteThread(isNew: false);
        _slabs.NoteThread(isNew: true);
        Assert.Equal(0u, _slabs.Give(Take(1)));
        Assert.Equal((0, 0), (_slabs.Count().Slabs, _slabs.Count().InDepot));
        _slabs.NoteThread(isNew: true);
        int rounds = SizeClasses.Rounds(SizeClasses.Of(Size));
        nuint[] blocks = Take(20 * rounds);
        Assert.Equal(20 * rounds, blocks.Length);
        foreach (nuint[] batch in blocks.Chunk(rounds))
        {
            Assert.Equal(0u, _slabs.Give(batch));
        }

        Assert.Equal((blocks.Length, blocks.Length), (_slabs.Count().InDepot, _slabs.Count().BlocksOut));
        return blocks.Length;
    }

    private nuint[][] TakeSlabs(int count)
    {
        nuint[][] slabs = [.. Take(count * Capacity).Chunk(Capacity)];
        Assert.All(slabs, slab => Assert.Equal(slab[0] + s_geometry.Bytes, slab[^1] + Size));
        return slabs;
    }

    private nuint[] Take(int count)
    {
        nuint[] blocks = new nuint[count];
        int taken = 0;
        for (int more = 1; more > 0 && taken < count; taken += more)
        {
            more = _slabs.Take(blocks.AsSpan(taken), count - taken);
        }

        return blocks[..taken];
    }

    private void GiveBack(params nuint[] blocks) => Assert.Equal(0u, _slabs.GiveBack(blocks));

    private void Check(int slabs, int blocksOut)
    {
        (long seen, nuint bytes, long seenOut, int inDepot) = _slabs.Count();
        Assert.Equal((slabs, (nuint)slabs * s_geometry.Bytes, blocksOut, 0), (seen, bytes, seenOut, inDepot));
        _slabs.Validate([]);
    }
}
