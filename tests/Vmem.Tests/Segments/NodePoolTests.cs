using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The chunks that nodes lie in, and which node is taken.</summary>
public sealed unsafe class NodePoolTests
{
    [InlineArray(32)]
    private struct Short
    {
        private ulong _first;
    }

    [InlineArray(33)]
    private struct Long
    {
        private ulong _first;
    }

    [Fact]
    public void Each_chunk_is_as_long_as_all_before_it()
    {
        Assert.Equal((8u, 8u, 4u), (NativeStore<ulong>.FirstChunk, NativeStore<Short>.FirstChunk, NativeStore<Long>.FirstChunk));
        Grow<Short>(8);
        Grow<Long>(4);
    }

    /// <summary>Nothing that was there moves, and all of it stays.</summary>
    private static void Grow<TItem>(uint first)
        where TItem : unmanaged
    {
        NativeStore<TItem> store = default;
        Assert.Equal((0u, 0L), (store.Capacity, store.BytesOf(0)));
        List<nint> places = [];
        for (uint capacity = first; capacity <= 64 * first; capacity *= 2)
        {
            store.Grow();
            Assert.Equal(capacity, store.Capacity);
            for (uint i = (uint)places.Count; i < capacity; i++)
            {
                places.Add((nint)store.At(i));
                *(ulong*)store.At(i) = i + 77;
                ((byte*)store.At(i))[sizeof(TItem) - 1] = 9;
            }

            for (uint i = 0; i < capacity; i++)
            {
                Assert.Equal(places[(int)i], (nint)store.At(i));
                Assert.Equal(i + 77, *(ulong*)store.At(i));
            }
        }

        long each = sizeof(TItem);
        Assert.Equal(4_096, store.BytesOf(0));
        Assert.Equal(20 * each, store.BytesOf(20));
        Assert.Equal(64 * first * each, store.BytesOf(64 * first));
        using (GrowthFault.Inject(static () => true))
        {
            uint capacity = store.Capacity;
            NativeStore<TItem> before = store;
            Assert.Throws<InsufficientMemoryException>(() => before.Grow());
            Assert.Equal(capacity, before.Capacity);
        }

        store.Release();
        Assert.Equal((0u, 0L), (store.Capacity, store.BytesOf(0)));
        store.Grow();
        Assert.Equal((first, first * each), (store.Capacity, store.BytesOf(0)));
        store.Release();
    }

    [Fact]
    public void The_node_that_was_returned_last_is_taken_first()
    {
        NodePool<Long> pool = default;
        Assert.Equal((0u, 0L), (pool.Available, pool.Bytes));
        pool.Grow();
        Assert.Equal((3u, 4 * 264L), (pool.Available, pool.Bytes));
        Assert.Equal((1u, 2u), (pool.Take(), pool.Take()));
        Assert.Equal(1u, pool.Available);
        pool.Grow();
        Assert.Equal(5u, pool.Available);
        Assert.Equal((3u, 4u, 5u), (pool.Take(), pool.Take(), pool.Take()));
        foreach (uint index in (uint[])[2, 5, 1])
        {
            pool.Return(index);
        }

        Assert.Equal(5u, pool.Available);
        Assert.Equal((1u, 5u, 2u, 6u, 7u), (pool.Take(), pool.Take(), pool.Take(), pool.Take(), pool.Take()));
        Assert.Equal(0u, pool.Available);
        for (uint taken = 8; taken < 64; taken++)
        {
            if (pool.Available == 0)
            {
                pool.Grow();
            }

            Assert.Equal(taken, pool.Take());
            Assert.Equal(Math.Max(4_096, (taken + 1) * 264L), Math.Max(4_096, pool.Bytes));
        }

        pool.Release();
        Assert.Equal((0u, 0L), (pool.Available, pool.Bytes));
        pool.Grow();
        Assert.Equal(1u, pool.Take());
        pool.Release();
    }
}
