using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What is known of each block takes memory as long as the block's pages do. By itself: what a heap gives back is another's at
/// once, if one asks in between, and its blocks are known in the same bytes.</summary>
[Collection(Footprint.Collection)]
public unsafe class BlockStateMemoryTests
{
    /// <summary>A byte a block is much for a million blocks that are gone.</summary>
    [Fact]
    public void What_is_known_of_blocks_goes_with_their_memory()
    {
        if (OperatingSystem.IsWindows())
        {
            return;                               // there it stays
        }

        using NativeHeap heap = new();
        var blocks = new nuint[1 << 20];
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate(64);
        }

        byte* first = StateOf(blocks.Min());
        nuint page = VirtualMemory.PageSize;
        var start = (void*)((nuint)first & ~(page - 1));
        nuint length = (((nuint)StateOf(blocks.Max()) - (nuint)start) | (page - 1)) + 1;
        nuint before = VirtualMemory.GetResident(start, length);
        Assert.True(before >= 1 << 20);
        FreeAll(heap, blocks);
        _ = heap.Trim();
        Assert.InRange(VirtualMemory.GetResident(start, length), 0u, (256 << 10) + before - (1 << 20));
        Assert.Throws<InvalidFreeException>(() => heap.Free((void*)blocks[500_000]));
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate(64);     // and comes again
        }

        FreeAll(heap, blocks);
        heap.Validate();
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
    }

    internal static byte* StateOf(nuint block)
    {
        AddressWindow window = AddressWindow.Shared;
        int shift = BlockStates.ShiftFor(64);
        return window.States.Table + (((block - window.Start >> BlockStates.GrainShift) + window.States.Bias) >> shift);
    }

    private static void FreeAll(NativeHeap heap, nuint[] blocks) => Array.ForEach(blocks, block => heap.Free((void*)block));
}
