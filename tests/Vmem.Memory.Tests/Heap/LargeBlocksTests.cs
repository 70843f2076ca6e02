using System.Runtime.InteropServices;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Blocks of whole pages, without a heap above them: where they lie, what is said of them, and what is counted.</summary>
public sealed unsafe class LargeBlocksTests : IDisposable
{
    private const nuint Page = 4_096;
    private const nuint Stride = PageMover.Stride;

    private readonly OwnWindow _own = new();
    private readonly HeapSpace _space;
    private readonly LargeBlocks _large;

    public LargeBlocksTests()
    {
        _space = new HeapSpace(_own.Window, "large", 200 * Stride, huge: false);
        _large = new LargeBlocks(_space, hasRuns: true);
    }

    public void Dispose()
    {
        _space.Dispose();
        _own.Dispose();
    }

    [Fact]
    public void Blocks_are_counted_until_they_go_back()
    {
        nuint block = Take(100_000);
        nuint run = _large.TakeRun(5, clear: false, out _);
        nuint roomy = _large.TakeRoomy(1_500_000);
        nuint[] sizes = [102_400, RunClasses.SizeOf(5), 1_503_232];
        Assert.Equal((0, 6, RunStates.Roomy), (StateOf(block), StateOf(run), StateOf(roomy)));
        Assert.Equal((sizes[0], sizes[1], sizes[2]), (_space.SizeAt(block), _space.SizeAt(run), _space.SizeAt(roomy)));
        Assert.Equal((sizes[0] + sizes[1] + sizes[2], 3, 3), (_large.Bytes, _large.Count, _large.Taken));
        Assert.Equal(0u, roomy % Stride);
        Assert.True(_large.TryFree(block, sizes[0]));
        Assert.False(_large.TryFree(block, sizes[0]));
        Assert.Equal((sizes[1] + sizes[2], 2, 3), (_large.Bytes, _large.Count, _large.Taken));
        Assert.True(_large.TryFree(run, sizes[1]) && _large.TryFree(roomy, sizes[2]));
        Assert.Equal((0u, 0, 3, 0u), (_large.Bytes, _large.Count, _large.Taken, _space.HeldBytes));
        _large.Reset();
        Assert.Equal(0, _large.Taken);
    }

    /// <summary>From 32 MiB on, so that their pages move by whole tables.</summary>
    [Fact]
    public void Long_blocks_lie_as_tables_of_pages_do()
    {
        nuint before = Take(Stride + Page);
        Assert.NotEqual(0u, Take((16 * Stride) - (2 * Page)) % Stride);       // so what follows has to be moved
        Assert.Equal(0u, Take(16 * Stride) % Stride);
        Assert.Equal(0u, Take(16 * Stride, 4 * Stride) % (4 * Stride));
        Assert.Equal(0u, Take(Page, 64 * Page) % (64 * Page));
        Assert.NotEqual(0u, before);
    }

    [Fact]
    public void What_can_never_fit_is_refused()
    {
        Assert.Equal((0u, 0u), (Take(_space.Size + 1), Take(Page, 2 * _space.Size)));
        Assert.Equal((0u, 0u), (_large.TakeRoomy(_space.Size + 1), _large.TakeRoomy(nuint.MaxValue)));
        Assert.Equal(0u, _large.Take(_space.Size + 1, 1, clear: true, out bool isZero));
        Assert.False(isZero);
        nuint all = Take(_space.Size);
        Assert.NotEqual(0u, all);
        Assert.Equal((0u, 0u, _space.Size, 1), (Take(Page), _large.TakeRun(0, clear: false, out _), _large.Bytes, _large.Count));
    }

    [Fact]
    public void A_block_is_resized_where_it_lies()
    {
        nuint block = Take(2 * Stride);
        nuint old = 2 * Stride;
        foreach ((nuint size, nuint length, byte state) in ((nuint, nuint, byte)[])
            [
                (2 * Stride, 2 * Stride, 0), ((2 * Stride) - 1, 2 * Stride, 0),
                (3 * Stride, 3 * Stride, 0), ((3 * Stride) + 1, (3 * Stride) + Page, 0), (Stride, Stride, 0),
                (500_000, 524_288, 32), (524_288, 524_288, 32), (100_000, 106_496, 13),
                (1 << 20, 1 << 20, 40), ((1 << 20) + 1, (1 << 20) + Page, 0),
            ])
        {
            Assert.True(_large.TryResize(block, old, size));
            Assert.Equal((length, state, length, 1), (_space.SizeAt(block), StateOf(block), _large.Bytes, _large.Count));
            old = length;
        }

        Assert.False(_large.TryResize(block, old, _space.Size + 1) || _large.TryResize(block, old, nuint.MaxValue));
        Assert.Equal((old, 0, old), (_space.SizeAt(block), StateOf(block), _large.Bytes));
    }

    /// <summary>The length of a run does not fit between the block and the next one. What is asked for does, until it does not
    /// either.</summary>
    [Fact]
    public void A_block_that_has_no_room_for_a_run_has_what_was_asked_for()
    {
        nuint block = Take(69_632);
        nuint next = Take(Page);
        Assert.Equal(block + 69_632, next);
        Assert.True(_large.TryResize(block, 69_632, 65_536));
        Assert.Equal((65_536u, 8), (_space.SizeAt(block), StateOf(block)));
        Assert.True(_large.TryResize(block, 65_536, 66_000));
        Assert.Equal((69_632u, 0, 69_632 + Page), (_space.SizeAt(block), StateOf(block), _large.Bytes));
        Assert.False(_large.TryResize(block, 69_632, 70_000));
        Assert.Equal((69_632u, 0, 69_632 + Page), (_space.SizeAt(block), StateOf(block), _large.Bytes));
        Assert.False(_large.TryResize(block, 69_632, 66_000));    // it has that already
        Assert.True(_large.TryFree(next, Page) && _large.TryResize(block, 69_632, 70_000));
        Assert.Equal((73_728u, 9), (_space.SizeAt(block), StateOf(block)));
    }

    [Fact]
    public void A_block_may_become_all_of_the_space()
    {
        nuint block = Take(Stride);
        Assert.True(_large.TryResize(block, Stride, _space.Size));
        Assert.Equal((_space.Size, _space.Size), (_space.SizeAt(block), _large.Bytes));
        Assert.True(_large.TryFree(block, _space.Size));
        nuint roomy = _large.TakeRoomy(_space.Size);
        Assert.Equal((0u, _space.Size), (roomy % Stride, _space.SizeAt(roomy)));
    }

    /// <summary>Neither as a run, nor as long as was asked for. What stands for it stays.</summary>
    [Fact]
    public void A_block_that_has_no_room_at_all_is_as_it_was()
    {
        nuint block = Take(69_632);
        Assert.Equal(block + 69_632, Take(Page));
        Assert.False(_large.TryResize(block, 69_632, 74_000));
        Assert.Equal((69_632u, 0, 69_632 + Page), (_space.SizeAt(block), StateOf(block), _large.Bytes));
        nuint roomy = _large.TakeRoomy(9 * Stride);
        nuint all = _large.Bytes;
        Assert.False(_large.TryResize(roomy, 9 * Stride, _space.Size));
        Assert.Equal((9 * Stride, RunStates.Roomy, all), (_space.SizeAt(roomy), StateOf(roomy), _large.Bytes));
        Assert.True(_large.TryResize(roomy, 9 * Stride, 8 * Stride));
    }

    [Fact]
    public void A_roomy_block_grows_and_shrinks_by_a_ninth_without_a_word()
    {
        nuint block = _large.TakeRoomy(9 * Stride);
        nuint length = 9 * Stride;
        Assert.True(_large.TryResize(block, length, 8 * Stride));
        Assert.Equal((length, RunStates.Roomy, length), (_space.SizeAt(block), StateOf(block), _large.Bytes));
        Assert.True(_large.TryResize(block, length, (8 * Stride) - 1));
        Assert.Equal((8 * Stride, 0), (_space.SizeAt(block), StateOf(block)));
        Assert.True(_large.TryResize(block, 8 * Stride, (8 * Stride) - (2 * Page)));
        Assert.Equal((8 * Stride) - (2 * Page), _space.SizeAt(block));
    }

    [Fact]
    public void What_was_given_up_is_neither_freed_resized_nor_moved()
    {
        nuint block = Take(4 * Stride);
        nuint other = Take(4 * Stride, Stride);
        Assert.True(_space.Runs.TryGive(block, 0));
        Assert.False(_large.TryFree(block, 4 * Stride) || _large.TryResize(block, 4 * Stride, 5 * Stride)
            || _large.TryResize(block, 4 * Stride, 3 * Stride) || _large.TryMove(block, other, 4 * Stride));
        Assert.Equal((RunStates.Gone, 4 * Stride, 8 * Stride), (StateOf(block), _space.SizeAt(block), _large.Bytes));
    }

    /// <summary>What is too short, or does not lie at pages, is copied by the caller. Where the system moves no pages, nothing
    /// does.</summary>
    [Fact]
    public void Only_long_blocks_of_whole_pages_move()
    {
        nuint block = Take(4 * Stride, Stride);
        nuint moved = Take(4 * Stride, Stride);
        *(long*)block = 5;
        *(long*)(block + (4 * Stride) - 8) = 7;
        Assert.False(_large.TryMove(block, moved, Stride - Page) || _large.TryMove(block, moved, Stride + 8)
            || _large.TryMove(block, moved + 8, 2 * Stride) || _large.TryMove(block, moved, 5 * Stride));
        Assert.Equal((0, 5), (StateOf(block), *(long*)block));
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux))
        {
            return;
        }

        nuint least = Take(Stride, Stride);
        nuint leastMoved = Take(Stride, Stride);
        Assert.True(_large.TryMove(least, leastMoved, Stride) && _large.TryFree(leastMoved, Stride));
        nuint charged = _own.Budget.Charged;
        Assert.True(_large.TryMove(block, moved, 4 * Stride));
        Assert.Equal((5, 7), (*(long*)moved, *(long*)(moved + (4 * Stride) - 8)));
        Assert.Equal((4 * Stride, 1, 0u), (_large.Bytes, _large.Count, _space.SizeAt(block)));
        Assert.Equal(4 * Stride, charged - _own.Budget.Charged);
        Assert.Equal((RunStates.Gone, 0), (StateOf(block), StateOf(moved)));
    }

    private int StateOf(nuint block) => _space.RunAt(block);

    private nuint Take(nuint size, nuint alignment = 1) => _large.Take(size, alignment, clear: false, out _);
}
