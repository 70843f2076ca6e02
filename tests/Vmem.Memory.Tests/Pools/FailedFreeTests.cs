using System.Buffers;
using Vmem.Checks;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>A heap with debugging may refuse to free a block: then it is its renter's as before, and he may dispose of it again.</summary>
public unsafe class FailedFreeTests
{
    public static TheoryData<bool> Recycling => [true, false];

    [Theory]
    [MemberData(nameof(Recycling))]
    public void An_owner_whose_block_was_overrun_stays_rented(bool recycle)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = recycle });
        IMemoryOwner<byte> owner = pool.Rent(100);
        byte* block = AddressOf(owner.Memory);
        block[100] ^= 1;
        Assert.Throws<InvalidFreeException>(owner.Dispose);
        Assert.Equal((1, 1), (heap.GetStatistics().LiveBlocks, pool.GetStatistics().Outstanding));
        Assert.True(AddressOf(owner.Memory) == block);
        block[100] ^= 1;
        owner.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 1 }, pool.GetStatistics());
    }

    [Fact]
    public void So_does_one_whose_last_pin_ends_last()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        using NativeMemoryPool<byte> pool = new(heap);
        IMemoryOwner<byte> owner = pool.Rent(100);
        MemoryHandle pin = owner.Memory.Pin();
        byte* block = (byte*)pin.Pointer;
        block[100] ^= 1;
        owner.Dispose();
        Assert.Throws<InvalidFreeException>(pin.Dispose);
        block[100] ^= 1;
        owner.Dispose();
        Assert.Equal((0, 0), (heap.GetStatistics().LiveBlocks, pool.GetStatistics().Outstanding));
    }

    /// <summary>What was freed by its address is not the owner's any more: another block may lie there when he tries again.</summary>
    [Theory]
    [MemberData(nameof(Recycling))]
    public void An_owner_whose_block_is_free_already_ends(bool recycle)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = recycle });
        IMemoryOwner<byte> owner = pool.Rent(100);
        byte* block = AddressOf(owner.Memory);
        heap.Free(block);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(owner.Dispose).Reason);
        Assert.Equal(0, pool.GetStatistics().Outstanding);
        void* other = heap.Allocate(100);
        owner.Dispose();
        Assert.Equal((1, 1), (heap.GetStatistics().LiveBlocks, pool.GetStatistics().StrayDisposals));
        heap.Free(other);
    }

    /// <summary>To count a return a thread needs memory when it comes for the first time, and to give back it needs none.</summary>
    [Theory]
    [MemberData(nameof(Recycling))]
    public void A_thread_without_memory_ends_a_rental_and_it_is_counted(bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = recycle });
        EndOnPoorThread(pool);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 2 }, pool.GetStatistics());
    }

    [Fact]
    public void So_it_is_in_a_pinned_pool()
    {
        using PinnedMemoryPool<byte> pool = new();
        EndOnPoorThread(pool);
        Assert.Equal((2, 0, (nuint)0), (pool.GetStatistics().Rents, pool.GetStatistics().Outstanding, pool.GetStatistics().InUse));
    }

    private static void EndOnPoorThread(MemoryPool<byte> pool)
    {
        IMemoryOwner<byte>[] owners = [pool.Rent(100), pool.Rent(100)];
        Exception? thrown = null;
        Thread poor = new(() =>
        {
            using (GrowthFault.Inject(static () => true))
            {
                thrown = Record.Exception(() => Array.ForEach(owners, static owner => owner.Dispose()));
            }
        });
        poor.Start();
        poor.Join();
        Assert.Null(thrown);
        Assert.Throws<ObjectDisposedException>(() => owners[1].Memory);
    }

    [Fact]
    public void A_writer_gives_back_its_other_blocks_and_goes_on()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        using NativeBufferWriter writer = new(heap, 16);
        byte* block = AddressOf(writer.GetMemory());
        writer.Write(new byte[1_000]);
        block[16] ^= 1;
        Assert.Throws<InvalidFreeException>(writer.Clear);
        Assert.Equal((1, 0), (heap.GetStatistics().LiveBlocks, writer.WrittenCount));
        writer.Write(new byte[] { 1, 2, 3 });
        Assert.Equal([1, 2, 3], writer.WrittenSequence.ToArray());
        Assert.Throws<InvalidFreeException>(writer.Dispose);
        block[16] ^= 1;
        writer.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    private static byte* AddressOf(Memory<byte> memory)
    {
        using MemoryHandle pin = memory.Pin();
        return (byte*)pin.Pointer;
    }
}
