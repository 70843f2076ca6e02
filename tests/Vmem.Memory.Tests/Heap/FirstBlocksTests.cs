using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The arena of every class's first blocks.</summary>
public unsafe class FirstBlocksTests
{
    private const nuint Space = 67 << 20;

    [Fact]
    public void A_class_has_its_share_and_no_more()
    {
        using HeapSpace space = new("share", Space, huge: false);
        using FirstBlocks first = new("share", space);
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            int size = SizeClasses.SizeOf(sizeClass);
            int share = size % 16 != 0 ? 0 : Math.Clamp(8_192 / size, 1, 64);
            Assert.Equal(share, Take(first, sizeClass).Count);
            Assert.False(first.TryTake(sizeClass, out _));
        }

        first.Validate();
    }

    /// <summary>What comes back is not handed out again: a class that goes on asking shall have slabs.</summary>
    [Fact]
    public void What_comes_back_does_not_add_to_the_share()
    {
        using HeapSpace space = new("back", Space, huge: false);
        using FirstBlocks first = new("back", space);
        List<nuint> blocks = Take(first, 1);
        blocks.ForEach(block => first.Free(block, 16));
        Assert.False(first.TryTake(1, out _));
        Assert.Equal((64, 64, 0), (first.Statistics.Allocations, first.Statistics.Frees, first.Statistics.LiveSegments));
    }

    [Fact]
    public void Blocks_are_found_by_their_addresses()
    {
        using HeapSpace space = new("found", Space, huge: false);
        using FirstBlocks first = new("found", space);
        nuint end = 0;
        foreach ((nuint block, nuint size) in TakeAll(first).Order())
        {
            Assert.True(block % FirstBlocks.Quantum == 0 && block >= end, $"{size} bytes at {block}, the one before ends at {end}");
            Assert.True(first.TryFind(block, out Segment<nuint> found) && (found.Start, found.Size) == (block, size));
            Assert.True(first.TryFind(block + size - 1, out found) && found.Start == block);
            Assert.Equal(FirstBlocks.SizeClass, space.Map.Classes[(block - space.Start) >> HeapSpace.GranuleShift]);
            end = block + size;
        }

        Assert.False(first.TryFind(space.Start + space.Size - 1, out _));
    }

    [Fact]
    public void A_second_free_is_refused()
    {
        using HeapSpace space = new("twice", Space, huge: false);
        using FirstBlocks first = new("twice", space);
        nuint[] blocks = [.. Take(first, 2)];
        first.Free(blocks[1], 32);
        Assert.False(first.TryFind(blocks[1], out _));
        Assert.Throws<InvalidFreeException>(() => first.Free(blocks[1], 32));
        Assert.Throws<InvalidFreeException>(() => first.Free(blocks[2] + 16, 32));
        Assert.Equal(blocks.Length - 1, first.Statistics.LiveSegments);
        first.Validate();
    }

    [Fact]
    public void A_trim_gives_pages_back_of_which_no_block_is_live()
    {
        using HeapSpace space = new("trim", Space, huge: false);
        using FirstBlocks first = new("trim", space);
        List<(nuint Block, nuint Size)> blocks = TakeAll(first);
        (nuint kept, nuint keptSize) = blocks[0];
        blocks[1..].ForEach(block => first.Free(block.Block, block.Size));
        first.Trim();
        Assert.Equal((HeapSpace.Granule, keptSize), (first.Statistics.TotalSize, first.Statistics.InUse));
        first.Free(kept, keptSize);
        first.Trim();
        Assert.Equal(0u, first.Statistics.TotalSize);
        Assert.True(new ReadOnlySpan<byte>(space.Map.Classes, (int)space.Granules).IndexOfAnyExcept((byte)0) < 0);
        Assert.True(space.TryAllocate(space.Size, 1, clear: false, out _, out _));
    }

    [Fact]
    public void Without_pages_there_are_none()
    {
        using HeapSpace space = new("full", Space, huge: false);
        using FirstBlocks first = new("full", space);
        Assert.True(space.TryAllocate(space.Size - HeapSpace.Granule + HeapSpace.PageSize, 1, clear: false, out _, out _));
        Assert.False(first.TryTake(1, out nuint block));
        Assert.Equal((0u, 0u), (block, first.Statistics.TotalSize));
        first.Validate();
    }

    private static List<(nuint Block, nuint Size)> TakeAll(FirstBlocks first) =>
        [.. Enumerable.Range(1, SizeClasses.Count - 1)
            .SelectMany(sizeClass => Take(first, sizeClass).Select(block => (block, (nuint)SizeClasses.SizeOf(sizeClass))))];

    private static List<nuint> Take(FirstBlocks first, int sizeClass)
    {
        List<nuint> blocks = [];
        while (first.TryTake(sizeClass, out nuint block))
        {
            Pattern.Write((void*)block, (nuint)SizeClasses.SizeOf(sizeClass), sizeClass);
            blocks.Add(block);
        }

        return blocks;
    }
}
