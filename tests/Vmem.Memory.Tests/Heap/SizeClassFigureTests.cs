using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What a heap says of each size of small blocks.</summary>
public unsafe class SizeClassFigureTests
{
    [Fact]
    public void Each_size_is_counted_by_itself_and_all_of_them_are_what_the_heap_has()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Name = "classes" });
        Assert.Empty(heap.GetSizeClasses());
        List<nuint> blocks = [];
        foreach (nuint size in (nuint[])[100, 1_000])
        {
            for (int i = 0; i < 3_000; i++)
            {
                blocks.Add((nuint)heap.Allocate(size));
            }
        }

        _ = heap.Allocate(1 << 20);               // in no slab
        IReadOnlyList<HeapSizeClass> before = heap.GetSizeClasses();
        Assert.Equal([heap.GetSize((void*)blocks[0]), heap.GetSize((void*)blocks[^1])], before.Select(static each => each.BlockSize));
        Assert.All(before, static each => Assert.InRange(each.LiveBlocks, 2_900, 3_000));        // the first few lie in no slab either
        NativeHeapStatistics figures = heap.GetStatistics();
        Assert.Equal(figures.Slabs, before.Sum(static each => each.Slabs));
        Assert.Equal(figures.Cached, (nuint)before.Sum(static each => each.CachedBlocks * (long)each.BlockSize));
        foreach (nuint block in blocks[3_500..])
        {
            heap.Free((void*)block);
        }

        HeapSizeClass left = heap.GetSizeClasses()[1];
        Assert.Equal(before[0].LiveBlocks, heap.GetSizeClasses()[0].LiveBlocks);
        Assert.Equal(before[1].LiveBlocks - 2_500, left.LiveBlocks);
        Assert.Equal(left.Held, left.Unused + ((nuint)(left.LiveBlocks + left.CachedBlocks) * left.BlockSize));
    }

    [Fact]
    public void A_heap_that_has_ended_has_none()
    {
        NativeHeap heap = new();
        heap.Free(heap.Allocate(100));
        heap.Dispose();
        Assert.Throws<ObjectDisposedException>(heap.GetSizeClasses);
    }
}
