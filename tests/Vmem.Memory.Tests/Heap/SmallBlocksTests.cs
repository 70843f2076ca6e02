using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The blocks of all classes, without a heap above them: what is taken and given goes through magazines, if there are
/// any.</summary>
public sealed class SmallBlocksTests : IDisposable
{
    private static readonly int s_class = SizeClasses.Of(200);

    private readonly OwnWindow _own = new();
    private readonly HeapSpace _space;
    private SmallBlocks? _small;

    public SmallBlocksTests() => _space = new HeapSpace(_own.Window, "small", limit: 0, huge: false);

    public void Dispose()
    {
        _small?.Dispose();
        _space.Dispose();
        _own.Dispose();
    }

    [Fact]
    public void A_block_is_given_once()
    {
        SmallBlocks small = Make();
        nuint block = small.Take(s_class);
        Assert.True(small.IsLive(block, s_class) && small.TryGive(block, s_class));
        Assert.False(small.TryGive(block, s_class) || small.IsLive(block, s_class));
        Assert.Equal((0, 1), (Count(small).LiveBlocks, Count(small).Allocations));
        Assert.Equal(block, small.Take(s_class));
    }

    [Fact]
    public void Without_magazines_blocks_come_from_their_slab_and_go_back_there()
    {
        SmallBlocks small = Make(hasMagazines: false);
        nuint first = small.Take(s_class);
        nuint second = small.Take(s_class);
        Assert.True(first < second && small.TryGive(first, s_class));
        Assert.Equal((1, 0u), (Count(small).LiveBlocks, Count(small).Cached));
        Assert.Equal(first, small.Take(s_class));
        Assert.True(small.TryGive(second, s_class) && small.TryGive(first, s_class));
        Assert.Equal((0, 0u, 3), (Count(small).LiveBlocks, Count(small).Cached, Count(small).Allocations));
    }

    /// <summary>As if two threads had freed it in the same moment: the next one in the magazine is as good.</summary>
    [Fact]
    public void A_copy_of_a_block_that_a_user_has_is_passed_over()
    {
        SmallBlocks small = Make();
        nuint[] blocks = [.. Enumerable.Range(0, 4).Select(_ => small.Take(s_class))];
        Assert.Equal(0, small.Magazines.Mine(s_class).Rounds);
        Assert.True(small.TryGive(blocks[2], s_class) && small.TryGive(blocks[1], s_class));
        Assert.True(_space.States.TryTake(blocks[1], SizeClasses.SlotShiftOf(s_class)) && small.TryGive(blocks[1], s_class));
        Assert.Null(small.TakeWrongFree());
        Assert.Equal((blocks[1], blocks[2]), (small.Take(s_class), small.Take(s_class)));
        Assert.Equal(InvalidFreeReason.AlreadyFree, small.TakeWrongFree()?.Reason);
        Assert.Null(small.TakeWrongFree());
    }

    /// <summary>A sample is due each time that one is over. What was taken in it counts all the same.</summary>
    [Fact]
    public void Stretches_end_and_nothing_that_was_taken_is_lost()
    {
        SmallBlocks small = Make(every: 1_000);
        Assert.False(small.TryEndStretch(s_class, out bool counts) || counts);
        int taken = 0;
        int ended = 0;
        for (int i = 0; i < 20_000; i++)
        {
            bool isOver = small.Magazines.Mine(s_class).IsStretchOver;
            bool isThere = small.Magazines.Mine(s_class).Rounds > 0;
            Assert.Equal((isOver, isThere), (small.TryEndStretch(s_class, out counts), counts));
            ended += isOver ? 1 : 0;
            nuint block = small.Magazines.Mine(s_class).TryPop(out nuint popped) ? popped : small.Take(s_class);
            taken++;
            if (block == popped)
            {
                Assert.True(_space.States.TryTake(block, SizeClasses.SlotShiftOf(s_class)));
            }

            Assert.True(small.TryGive(block, s_class));
        }

        Assert.InRange(ended, 5, 60);
        Assert.Equal((taken, 0), (Count(small).Allocations, Count(small).LiveBlocks));
        Assert.False(small.TryEndStretch(SizeClasses.Of(5_000), out counts) || counts);
    }

    /// <summary>Each block is a sample: a stretch is over before anything was taken in it.</summary>
    [Fact]
    public void A_stretch_of_nothing_is_over_at_once()
    {
        SmallBlocks small = Make(every: 1);
        using (SystemCallFault.Inject(static call => call == SystemCall.Commit))
        {
            Assert.Equal(0u, small.Take(s_class));
        }

        Assert.True(small.TryEndStretch(s_class, out bool counts) && !counts);
        Assert.NotEqual(0u, small.Take(s_class));
        Assert.True(small.TryEndStretch(s_class, out counts) && counts);
        Assert.Equal(1, Count(small).Allocations);
    }

    private static NativeHeapStatistics Count(SmallBlocks small)
    {
        NativeHeapStatistics figures = new();
        small.Count(ref figures);
        return figures;
    }

    private SmallBlocks Make(bool hasMagazines = true, int every = 0) =>
        _small = new SmallBlocks(_space, hasMagazines, rate: every == 0 ? null : new SampleRate(every, seed: 1));
}
