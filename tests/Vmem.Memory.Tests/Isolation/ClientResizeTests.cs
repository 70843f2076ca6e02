using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Large blocks of a child that become longer or shorter count with its parent, by what they change.</summary>
public unsafe class ClientResizeTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void A_childs_block_that_is_resized_counts_with_the_parent()
    {
        using MemoryContext context = Create();
        using MemoryClient parent = context.CreateClient("parent", 8 * BlockSize);
        MemoryClient child = parent.CreateClient("child");
        void* block = child.Allocate(2 * BlockSize);
        foreach (int granules in (int[])[3, 8, 5, 5, 1, 2])
        {
            Assert.True(child.TryResize(block, (nuint)(granules * BlockSize)));
            Assert.Equal(((nuint)(granules * BlockSize), (nuint)(granules * BlockSize)), (child.Held, parent.InUse));
        }

        context.Validate();
        child.Free(block);
        Assert.Equal((nuint)0, parent.InUse);
    }

    [Fact]
    public void What_the_parents_quota_has_no_room_for_is_refused_and_counted_nowhere()
    {
        using MemoryContext context = Create();
        using MemoryClient parent = context.CreateClient("parent", 4 * BlockSize);
        MemoryClient child = parent.CreateClient("child");
        void* block = child.Allocate(2 * BlockSize);
        Assert.False(child.TryResize(block, 5 * BlockSize));
        Assert.Equal(((nuint)(2 * BlockSize), (nuint)(2 * BlockSize)), (child.GetSize(block), parent.InUse));
        Assert.True(child.TryResize(block, 4 * BlockSize));
        Assert.Equal((nuint)(4 * BlockSize), parent.InUse);
        Assert.True(child.TryResize(block, 3 * BlockSize));
        Assert.True(child.TryAllocate(BlockSize, out _));
        Assert.False(child.TryAllocate(BlockSize, out _));
        context.Validate();
    }

    /// <summary>The quota has room, and another client's block is in the way.</summary>
    [Fact]
    public void What_the_context_has_no_place_for_is_counted_nowhere()
    {
        using MemoryContext context = Create();
        using MemoryClient parent = context.CreateClient("parent", 8 * BlockSize);
        MemoryClient child = parent.CreateClient("child");
        using MemoryClient other = context.CreateClient("other");
        List<nint> blocks = [];
        while (child.TryAllocate(BlockSize, out void* block))
        {
            blocks.Add((nint)block);
        }

        while (other.TryAllocate(BlockSize, out _))
        {
        }

        Assert.Equal(8, blocks.Count);
        nint last = blocks.Max();
        foreach (nint block in blocks.Where(block => block != last))
        {
            child.Free((void*)block);
        }

        Assert.Equal((nuint)BlockSize, parent.InUse);
        Assert.False(child.TryResize((void*)last, 2 * BlockSize));
        Assert.Equal(((nuint)BlockSize, (nuint)BlockSize), (parent.InUse, child.Held));
        context.Validate();
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });
}
