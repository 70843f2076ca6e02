using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>A pinned block stays, whatever becomes of its owner: somebody has its address.</summary>
public unsafe class PinTests
{
    [Fact]
    public void A_pin_gives_the_blocks_own_address()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap);
        using IMemoryOwner<int> owner = pool.Rent(100);
        owner.Memory.Span[42] = 4_711;
        using MemoryHandle all = owner.Memory.Pin();
        using MemoryHandle slice = owner.Memory[42..].Pin();
        Assert.True(heap.Owns(all.Pointer));
        Assert.Equal(4_711, *(int*)slice.Pointer);
        Assert.Equal(42, (int*)slice.Pointer - (int*)all.Pointer);
    }

    [Fact]
    public void A_block_that_is_pinned_when_its_owner_goes_is_freed_with_the_last_pin()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        IMemoryOwner<byte> owner = pool.Rent(100);
        Memory<byte> memory = owner.Memory;
        MemoryHandle first = memory.Pin();
        MemoryHandle second = memory.Pin();
        owner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());

        // Nobody gets the block meanwhile, however much is rented, and the owner does not serve again.
        IMemoryOwner<byte>[] others = [.. Enumerable.Range(0, 500).Select(_ => pool.Rent(100))];
        new Span<byte>(first.Pointer, 100).Fill(1);
        Array.ForEach(others, other => other.Memory.Span.Fill(2));
        Assert.Equal(-1, new Span<byte>(first.Pointer, 100).IndexOfAnyExcept((byte)1));
        Assert.DoesNotContain(owner, others);
        first.Dispose();
        Assert.Equal(501, heap.GetStatistics().LiveBlocks);
        Assert.Equal(501, pool.GetStatistics().Outstanding);
        second.Dispose();
        Assert.Equal(500, heap.GetStatistics().LiveBlocks);
        Assert.Equal(500, pool.GetStatistics().Outstanding);
        Array.ForEach(others, other => other.Dispose());
        heap.Validate();
    }

    [Fact]
    public void A_pin_that_ends_leaves_the_owner_its_memory()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        using IMemoryOwner<byte> owner = pool.Rent(100);
        owner.Memory.Pin().Dispose();
        owner.Memory.Pin().Dispose();
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        Assert.InRange(owner.Memory.Length, 100, 200);
    }

    [Fact]
    public void A_pin_outside_the_block_and_an_end_without_a_pin_are_refused()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap);
        using IMemoryOwner<int> owner = pool.Rent(100);
        MemoryManager<int> manager = Assert.IsAssignableFrom<MemoryManager<int>>(owner);
        Assert.Throws<ArgumentOutOfRangeException>(() => manager.Pin(owner.Memory.Length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => manager.Pin(-1));
        MemoryHandle handle = manager.Pin(owner.Memory.Length);
        MemoryHandle copy = handle;
        handle.Dispose();
        Assert.Throws<InvalidOperationException>(() => copy.Dispose());
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void Pins_of_many_threads_and_the_disposal_free_once()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        using Barrier barrier = new(3);
        IMemoryOwner<byte> owner = null!;
        Parallel.For(0, 3, new ParallelOptions { MaxDegreeOfParallelism = 3 }, thread =>
        {
            for (int round = 0; round < 1_000; round++)
            {
                if (thread == 0)
                {
                    owner = pool.Rent(100);
                }

                barrier.SignalAndWait();
                if (thread == 0)
                {
                    owner.Dispose();
                }
                else
                {
                    PinOften(Assert.IsAssignableFrom<MemoryManager<byte>>(owner));
                }

                barrier.SignalAndWait();
            }
        });
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 1_000 }, pool.GetStatistics());
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    private static void PinOften(MemoryManager<byte> manager)
    {
        try
        {
            for (int i = 0; i < 100; i++)
            {
                using MemoryHandle handle = manager.Pin();
                *(byte*)handle.Pointer = 1;
            }
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
