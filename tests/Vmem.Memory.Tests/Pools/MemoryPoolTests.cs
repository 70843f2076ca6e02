using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>A pool of native memory keeps <see cref="MemoryPool{T}"/>'s contract, and its own about ends.</summary>
public class MemoryPoolTests
{
    [Fact]
    public void Four_KiB_are_rented_by_default()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> bytes = new(heap);
        using NativeMemoryPool<Guid> guids = new(heap);
        using NativeMemoryPool<Wide> wide = new(heap);
        using IMemoryOwner<byte> ofBytes = bytes.Rent();
        using IMemoryOwner<Guid> ofGuids = guids.Rent(-1);
        using IMemoryOwner<Wide> ofWide = wide.Rent();
        Assert.Equal((4_096, 256), (ofBytes.Memory.Length, ofGuids.Memory.Length));
        Assert.Equal(1, ofWide.Memory.Length);
    }

    /// <summary>Also where the heap's blocks are no longer than was asked for.</summary>
    [Fact]
    public void A_rental_is_never_empty()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        using NativeMemoryPool<long> pool = new(heap);
        using IMemoryOwner<long> owner = pool.Rent(0);
        Assert.Equal(1, owner.Memory.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(4_097)]
    [InlineData(32_768)]
    [InlineData(32_769)]
    [InlineData(3_000_000)]
    public void At_least_what_was_asked_for_is_there_and_all_of_it_can_be_used(int length)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<long> pool = new(heap);
        IMemoryOwner<long>[] owners = [.. Enumerable.Range(0, 5).Select(_ => pool.Rent(length))];
        for (int i = 0; i < owners.Length; i++)
        {
            Assert.InRange(owners[i].Memory.Length, length, Math.Max(16, length + (length / 4) + 8));
            owners[i].Memory.Span.Fill(i);
        }

        for (int i = 0; i < owners.Length; i++)
        {
            Assert.Equal(-1, owners[i].Memory.Span.IndexOfAnyExcept(i));
            owners[i].Dispose();
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Fact]
    public void What_can_never_be_is_refused()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 1 << 20 });
        using NativeMemoryPool<int> pool = new(heap);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-2));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(int.MinValue));
        Assert.InRange(pool.MaxBufferSize, 1 << 18, 1 << 22);
        ArgumentOutOfRangeException fault = Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(pool.MaxBufferSize + 1));
        Assert.StartsWith($"Pool '{pool.Name}' rents at most {pool.MaxBufferSize} elements", fault.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => new NativeMemoryPool<int>(null!));
        Assert.Equal(default, pool.GetStatistics());
    }

    [Fact]
    public void As_many_can_be_asked_for_as_an_int_can_say()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        Assert.Equal(int.MaxValue, pool.MaxBufferSize);
    }

    [Fact]
    public void A_full_heap_leaves_the_pool_as_it_was()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 4 << 20 });
        using NativeMemoryPool<byte> pool = new(heap);
        Stack<IMemoryOwner<byte>> owners = new();
        Assert.ThrowsAny<OutOfMemoryException>(() => RentAll(pool, owners));
        Assert.Equal(owners.Count, pool.GetStatistics().Outstanding);
        Assert.Equal(owners.Count, pool.GetStatistics().Rents);
        owners.Pop().Dispose();
        owners.Push(pool.Rent(100_000));
        while (owners.TryPop(out IMemoryOwner<byte>? owner))
        {
            owner.Dispose();
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void A_disposed_pool_rents_no_more_and_what_is_out_stays_valid()
    {
        using NativeHeap heap = new();
        NativeMemoryPool<byte> pool = new(heap);
        IMemoryOwner<byte> owner = pool.Rent(100);
        Memory<byte> memory = owner.Memory;
        memory.Span.Fill(7);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Rent(100));
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)7));
        Assert.Equal((1, 1), (pool.GetStatistics().Outstanding, heap.GetStatistics().LiveBlocks));
        owner.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Equal((0, 0), (pool.GetStatistics().Outstanding, heap.GetStatistics().LiveBlocks));
    }

    /// <summary>The heap's space is the next heap's then: nothing may be written there, and nothing be freed.</summary>
    [Fact]
    public void A_disposed_heap_takes_all_memory_with_it()
    {
        NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        pool.Rent(100).Dispose();                 // a block in a magazine, and an owner at rest
        IMemoryOwner<byte> owner = pool.Rent(100);
        IMemoryOwner<byte> large = pool.Rent(100_000);
        Memory<byte> memory = owner.Memory;
        heap.Dispose();
        using NativeHeap successor = new();
        using NativeMemoryPool<byte> others = new(successor);
        using IMemoryOwner<byte> other = others.Rent(100);
        Assert.Throws<ObjectDisposedException>(() => pool.Rent(100));
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        owner.Dispose();
        large.Dispose();
        Assert.Equal(1, successor.GetStatistics().LiveBlocks);
        successor.Validate();
    }

    /// <summary>Also by what lies in the magazines of threads.</summary>
    [Fact]
    public unsafe void A_disposed_heap_has_no_blocks()
    {
        NativeHeap heap = new();
        nint block = (nint)heap.Allocate(100);
        nint other = (nint)heap.Allocate(100);
        heap.Free((void*)block);
        heap.Dispose();
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(100));
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)other));
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)other, 100));
    }

    /// <summary>Rented here, disposed of there: by then owners and blocks have changed threads many times.</summary>
    [Fact]
    public async Task Owners_that_change_threads_come_home()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap);
        using System.Collections.Concurrent.BlockingCollection<(IMemoryOwner<int> Owner, int Value)> queue = new(100);
        Task[] producers = [.. Enumerable.Range(0, 3).Select(p => Task.Factory.StartNew(() =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                IMemoryOwner<int> owner = pool.Rent(1 + (i % 300));
                owner.Memory.Span.Fill((p * 10_000) + i);
                queue.Add((owner, (p * 10_000) + i), TestContext.Current.CancellationToken);
            }
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task<int>[] consumers = [.. Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(() =>
        {
            int wrong = 0;
            foreach ((IMemoryOwner<int> owner, int value) in queue.GetConsumingEnumerable(TestContext.Current.CancellationToken))
            {
                wrong += owner.Memory.Span.IndexOfAnyExcept(value) >= 0 ? 1 : 0;
                owner.Dispose();
            }

            return wrong;
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(producers);
        queue.CompleteAdding();
        int[] wrong = await Task.WhenAll(consumers);
        Assert.Equal(0, wrong.Sum());
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 15_000 }, pool.GetStatistics());
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    private static void RentAll(NativeMemoryPool<byte> pool, Stack<IMemoryOwner<byte>> owners)
    {
        while (true)
        {
            owners.Push(pool.Rent(100_000));
        }
    }

    private unsafe struct Wide
    {
        private fixed byte _bytes[5_000];
    }
}
