using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Blocks of a heap without pointers.</summary>
public class HeapSpanTests
{
    [Fact]
    public void A_span_is_a_block()
    {
        using NativeHeap heap = new();
        Span<long> span = heap.AllocateSpan<long>(1_000);
        span.Fill(-1);
        Span<long> zeroed = heap.AllocateZeroedSpan<long>(1_000);
        Assert.Equal((1_000, -1), (zeroed.Length, zeroed.IndexOfAnyExcept(0)));
        Assert.Equal((1_000, -1), (span.Length, span.IndexOfAnyExcept(-1)));
        Assert.Equal(2, heap.GetStatistics().LiveBlocks);
        heap.Free(span);
        heap.Free(zeroed);
        heap.Free(default(Span<long>));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    /// <summary>The rest of a span that was used up points at the next block.</summary>
    [Fact]
    public void An_empty_span_has_no_block_and_frees_nobodys()
    {
        using NativeHeap heap = new();
        Assert.True(heap.AllocateSpan<long>(0).IsEmpty);
        Assert.True(heap.AllocateZeroedSpan<long>(0).IsEmpty);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        for (int i = 0; i < 100; i++)
        {
            heap.Free(heap.AllocateSpan<byte>(64)[64..]);
        }

        Assert.Equal(100, heap.GetStatistics().LiveBlocks);
        heap.Dispose();
        Assert.Throws<ObjectDisposedException>(() => heap.AllocateSpan<long>(0).Length);
    }

    [Fact]
    public void Zeroed_is_zero_where_others_wrote()
    {
        using NativeHeap heap = new();
        for (int i = 0; i < 200; i++)
        {
            Span<byte> dirty = heap.AllocateSpan<byte>(100);
            dirty.Fill(0xFF);
            heap.Free(dirty);
            Span<byte> zeroed = heap.AllocateZeroedSpan<byte>(100);
            Assert.Equal(-1, zeroed.IndexOfAnyExcept((byte)0));
            heap.Free(zeroed);
        }
    }

    [Fact]
    public void A_negative_length_is_refused()
    {
        using NativeHeap heap = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.AllocateSpan<int>(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.AllocateZeroedSpan<int>(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => heap.Rent<int>(-1));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void An_owner_of_a_heaps_block_frees_it_once()
    {
        using NativeHeap heap = new();
        IMemoryOwner<int> owner = heap.Rent<int>(101);
        Assert.Equal(101, owner.Memory.Length);
        MemoryHandle pin = owner.Memory.Pin();
        owner.Dispose();
        owner.Dispose();
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        pin.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
    }
}
