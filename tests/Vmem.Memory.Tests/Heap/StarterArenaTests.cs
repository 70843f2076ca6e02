using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The arena of every class's first blocks.</summary>
public unsafe class StarterArenaTests
{
    private const nuint Space = 67 << 20;

    [Fact]
    public void A_class_has_its_share_and_no_more()
    {
        using HeapSpace space = new(AddressWindow.Shared, "share", Space, huge: false);
        using StarterArena starter = new(space);
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            Assert.Equal(StarterArena.Share, Take(starter, sizeClass).Count);
            Assert.False(starter.TryTake(sizeClass, alignment: 1, out _));
        }

        starter.Validate();
    }

    /// <summary>What comes back is not handed out again: a class that goes on asking shall have slabs.</summary>
    [Fact]
    public void What_comes_back_does_not_add_to_the_share()
    {
        using HeapSpace space = new(AddressWindow.Shared, "back", Space, huge: false);
        using StarterArena starter = new(space);
        List<nuint> blocks = Take(starter, 1);
        blocks.ForEach(block => Assert.True(starter.TryFree(block)));
        Assert.False(starter.TryTake(1, alignment: 1, out _));
        Assert.Equal((64, 0), (starter.Figures.Allocations, starter.Figures.LiveBlocks));
    }

    [Fact]
    public void Blocks_are_found_by_their_addresses()
    {
        using HeapSpace space = new(AddressWindow.Shared, "found", Space, huge: false);
        using StarterArena starter = new(space);
        nuint end = 0;
        foreach ((nuint block, nuint size) in TakeAll(starter).Order())
        {
            nuint promised = size % 16 == 0 ? 16u : 8u;
            Assert.True(block % promised == 0 && block >= end, $"{size} bytes at {block}, the one before ends at {end}");
            Assert.True(starter.TryFind(block, out nuint start, out nuint found) && (start, found) == (block, size));
            Assert.True(starter.TryFind(block + size - 1, out start, out found) && (start, found) == (block, size));
            Assert.Equal(StarterArena.SizeClass, space.ClassAt(block));
            end = block + size;
        }

        Assert.False(starter.TryFind(end + HeapSpace.Granule, out _, out _));
    }

    [Fact]
    public void A_second_free_is_refused()
    {
        using HeapSpace space = new(AddressWindow.Shared, "twice", Space, huge: false);
        using StarterArena starter = new(space);
        nuint[] blocks = [.. Take(starter, 2)];
        Assert.True(starter.TryFree(blocks[1]));
        Assert.False(starter.TryFind(blocks[1], out _, out _));
        Assert.False(starter.TryFree(blocks[1]) || starter.TryFree(blocks[2] + 16) || starter.TryFree(blocks[2] + 1));
        Assert.Equal(blocks.Length - 1, starter.Figures.LiveBlocks);
        starter.Validate();
    }

    [Fact]
    public void A_trim_gives_pages_back_of_which_no_block_is_live()
    {
        using HeapSpace space = new(AddressWindow.Shared, "trim", Space, huge: false);
        using StarterArena starter = new(space);
        List<(nuint Block, nuint Size)> blocks = TakeAll(starter);
        (nuint kept, nuint keptSize) = blocks[0];
        blocks[1..].ForEach(block => Assert.True(starter.TryFree(block.Block)));
        starter.Trim();
        Assert.Equal((HeapSpace.Granule, keptSize), (starter.Figures.Held, starter.Figures.InUse));
        Assert.True(starter.TryFree(kept));
        starter.Trim();
        Assert.Equal(0u, starter.Figures.Held);
        Assert.All(blocks, block => Assert.Equal(0, space.ClassAt(block.Block)));
        Assert.True(space.TryAllocate(space.Size, 1, clear: false, out _, out _));
    }

    [Fact]
    public void Without_pages_there_are_none()
    {
        using HeapSpace space = new(AddressWindow.Shared, "full", Space, huge: false);
        using StarterArena starter = new(space);
        Assert.True(space.TryAllocate(space.Size - HeapSpace.Granule + HeapSpace.PageSize, 1, clear: false, out _, out _));
        Assert.False(starter.TryTake(1, alignment: 1, out nuint block));
        Assert.Equal((0u, 0u), (block, starter.Figures.Held));
        starter.Validate();
    }

    private static List<(nuint Block, nuint Size)> TakeAll(StarterArena starter) =>
        [.. Enumerable.Range(1, SizeClasses.Count - 1)
            .SelectMany(sizeClass => Take(starter, sizeClass).Select(block => (block, (nuint)SizeClasses.SizeOf(sizeClass))))];

    private static List<nuint> Take(StarterArena starter, int sizeClass)
    {
        List<nuint> blocks = [];
        while (starter.TryTake(sizeClass, alignment: 1, out nuint block))
        {
            Pattern.Write((void*)block, (nuint)SizeClasses.SizeOf(sizeClass), sizeClass);
            blocks.Add(block);
        }

        return blocks;
    }
}
