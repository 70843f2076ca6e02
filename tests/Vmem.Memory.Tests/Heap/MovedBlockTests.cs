using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The mappings that a heap's moved blocks make.</summary>
public sealed unsafe class MovedBlockTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    /// <summary>They stay when the block has gone, for its pages are still what they were, and go with these.</summary>
    [Fact]
    public void They_are_counted_until_their_pages_are_decommitted()
    {
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions { Debugging = HeapDebugging.None });
        void* block = heap.Allocate(64 * Megabyte);
        Pattern.Write(block, 64 * Megabyte, 3);
        void* neighbor = heap.Allocate(Megabyte);
        Assert.Equal(0, _own.Window.Moved.Count);
        void* moved = heap.Reallocate(block, 80 * Megabyte);
        Assert.True(moved != block && Pattern.Holds(moved, 64 * Megabyte, 3));
        Assert.Equal(OperatingSystem.IsLinux() ? 2 : 0, _own.Window.Moved.Count);
        heap.Free(moved);
        heap.Free(neighbor);
        Assert.Equal(OperatingSystem.IsLinux() ? 2 : 0, _own.Window.Moved.Count);
        _ = heap.Trim();
        Assert.Equal(0, _own.Window.Moved.Count);
    }

    /// <summary>An eighth: so one that grows little by little does not move each time. Not for one that was at most 1 MiB long, nor where
    /// the place is more particular than a page.</summary>
    [Theory]
    [InlineData(4, 6, 1, 6_912)]
    [InlineData(4, 6, 4_096, 6_912)]
    [InlineData(4, 6, 8_192, 6_144)]
    [InlineData(1, 3, 1, 3_072)]
    public void A_long_block_that_moves_has_room_to_grow(int from, int to, int alignment, int kibibytes)
    {
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions { Debugging = HeapDebugging.None });
        void* block = heap.AllocateAligned((nuint)from * Megabyte, (nuint)alignment);
        *(int*)block = 77;
        nuint behind = (nuint)block + ((nuint)from * Megabyte);
        List<nuint> neighbors = [];
        do
        {
            neighbors.Add((nuint)heap.Allocate(40_000));
        }
        while (neighbors[^1] != behind && neighbors.Count < 2_000);

        Assert.Equal(behind, neighbors[^1]);
        void* moved = heap.ReallocateAligned(block, (nuint)to * Megabyte, (nuint)alignment);
        Assert.True(moved != block && *(int*)moved == 77);
        Assert.Equal((nuint)kibibytes << 10, heap.GetSize(moved));
        Assert.Equal(neighbors.Count + 1, heap.GetStatistics().LiveBlocks);
    }

    /// <summary>By the system's own thread, so to speak: while pages are committed for the new place.</summary>
    [Fact]
    public void A_block_that_is_freed_while_it_moves_is_none_and_so_is_the_new_one()
    {
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions { Debugging = HeapDebugging.None });
        void* block = heap.Allocate(100);
        bool isFreed = false;
        using (SystemCallFault.Inject(call =>
        {
            if (call == SystemCall.Commit && !isFreed)
            {
                isFreed = true;
                heap.Free(block);
            }

            return false;
        }))
        {
            Assert.Throws<InvalidFreeException>(() => heap.Reallocate(block, 3 * Megabyte));
        }

        Assert.Equal((true, 0, 0u), (isFreed, heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        heap.Validate();
    }
}
