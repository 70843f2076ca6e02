using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Bytes written into chained blocks: all there, in order, and where they were written.</summary>
public class BufferWriterTests
{
    [Fact]
    public void Nothing_written_is_an_empty_sequence()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap);
        Assert.True(writer.WrittenSequence.IsEmpty);
        writer.GetSpan();
        Assert.True(writer.WrittenSequence.IsEmpty);
        writer.CopyTo([]);
        Assert.Equal(0, writer.WrittenCount);
    }

    /// <summary>Against a stream, by seed: pieces of all sizes, by span and memory, less or nothing advanced, resets and clears.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void It_holds_what_a_stream_holds(int seed)
    {
        Random random = new(seed);
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 1 + random.Next(100));
        using MemoryStream stream = new();
        for (int step = 0; step < 5_000; step++)
        {
            int hint = random.Next(20) == 0 ? random.Next(10_000) : random.Next(50);
            Span<byte> span = random.Next(2) == 0 ? writer.GetSpan(hint) : writer.GetMemory(hint).Span;
            Assert.InRange(span.Length, Math.Max(hint, 1), int.MaxValue);
            int count = random.Next(4) switch { 0 => 0, 1 => span.Length < 100_000 ? span.Length : 1, _ => random.Next(hint + 1) };
            random.NextBytes(span[..count]);
            stream.Write(span[..count]);
            writer.Advance(count);
            Assert.Equal(stream.Length, writer.WrittenCount);
            if (random.Next(100) == 0)
            {
                AssertSame(stream, writer);
            }

            if (random.Next(500) == 0 || stream.Length > 8 << 20)
            {
                stream.SetLength(0);
                Action begin = random.Next(2) == 0 ? writer.Reset : writer.Clear;
                begin();
                Assert.Equal(0, writer.WrittenCount);
            }
        }

        AssertSame(stream, writer);
        writer.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Fact]
    public void What_is_written_does_not_move_and_a_sequence_taken_before_stays_right()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 16);
        Span<byte> first = writer.GetSpan(10);
        first[..10].Fill(1);
        writer.Advance(10);
        ReadOnlySequence<byte> before = writer.WrittenSequence;
        writer.GetSpan();                         // room that is not used
        ReadOnlySequence<byte> between = writer.WrittenSequence;
        for (int i = 0; i < 1_000; i++)
        {
            writer.Write(new byte[] { 2, 2, 2 });
            if (i == 0)
            {
                between = writer.WrittenSequence;
            }
        }

        Assert.True(first[..10].Overlaps(before.FirstSpan));
        Assert.True(first[..10].Overlaps(writer.WrittenSequence.FirstSpan));
        Assert.Equal(Enumerable.Repeat((byte)1, 10), before.ToArray());
        Assert.Equal([.. Enumerable.Repeat((byte)1, 10), 2, 2, 2], between.ToArray());
        Assert.Equal(3_010, writer.WrittenSequence.Length);
    }

    /// <summary>A block that turns out too short, and is empty, makes way; a sequence that was taken while it was the last one must not
    /// miss it.</summary>
    [Fact]
    public void A_block_that_makes_way_is_in_no_sequence()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 16);
        writer.Advance(writer.GetSpan().Length);
        writer.GetSpan();
        ReadOnlySequence<byte> before = writer.WrittenSequence;
        writer.GetSpan(1_000).Fill(3);
        writer.Advance(1_000);
        Assert.Equal(16, before.ToArray().Length);
        int parts = 0;
        foreach (ReadOnlyMemory<byte> part in writer.WrittenSequence)
        {
            Assert.False(part.IsEmpty);
            parts++;
        }

        Assert.Equal(2, parts);
        Assert.Equal(1_016, writer.WrittenSequence.ToArray().Length);
    }

    /// <summary>So that the chain stays short: a hundred megabytes are some hundred blocks, and at most one is unused.</summary>
    [Fact]
    public void Blocks_grow_up_to_a_limit()
    {
        const int Size = 100 << 20;
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap);
        while (writer.WrittenCount < Size)
        {
            writer.Advance(writer.GetSpan().Length);
        }

        Assert.InRange(heap.GetStatistics().LiveBlocks, 90, 120);
        Assert.InRange((long)heap.GetStatistics().InUse, Size, Size + (4 << 20));
    }

    [Fact]
    public void Reset_keeps_the_blocks_and_clear_gives_them_back()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap);
        byte[] message = new byte[100_000];
        writer.Write(message);
        long blocks = heap.GetStatistics().LiveBlocks;
        for (int i = 0; i < 10; i++)
        {
            writer.Reset();
            writer.Write(message);
            Assert.Equal(blocks, heap.GetStatistics().LiveBlocks);
        }

        writer.Clear();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        writer.Write(message);
        Assert.Equal(message.Length, writer.WrittenCount);
    }

    /// <summary>One long message does not stay for ever: what is kept is within the bound, and whatever is written next is right.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    [InlineData(NativeBufferWriter.MostKeptByDefault)]
    public void Reset_keeps_no_more_than_the_bound(long mostKept)
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 64, mostKept);
        byte[] message = new byte[20 << 20];
        new Random(1).NextBytes(message);
        writer.Write(message);
        writer.Reset();
        Assert.InRange((long)heap.GetStatistics().InUse, mostKept == 0 ? 0 : mostKept / 4, mostKept);
        writer.Write(message.AsSpan(0, 10));
        Assert.InRange((long)heap.GetStatistics().InUse, 10, Math.Max(mostKept, 4_096));
        writer.Reset();
        writer.Write(message);
        byte[] copy = new byte[message.Length];
        writer.CopyTo(copy);
        Assert.Equal(message, copy);
        writer.Clear();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void It_copies_to_spans_writers_and_streams()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 16);
        byte[] bytes = [.. Enumerable.Range(0, 1_000).Select(i => (byte)i)];
        writer.Write(bytes);
        byte[] copy = new byte[1_001];
        writer.CopyTo(copy);
        Assert.Equal(bytes, copy[..^1]);
        ArrayBufferWriter<byte> other = new();
        writer.CopyTo(other);
        Assert.Equal(bytes, other.WrittenSpan);
        using MemoryStream stream = new();
        writer.CopyTo(stream);
        Assert.Equal(bytes, stream.ToArray());
        Assert.Throws<ArgumentException>(() => writer.CopyTo(new byte[999]));
    }

    [Fact]
    public void Wrong_calls_change_nothing()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap);
        Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
        int room = writer.GetSpan().Length;
        Assert.Throws<InvalidOperationException>(() => writer.Advance(room + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetSpan(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.GetMemory(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBufferWriter(heap, 0));
        Assert.Equal(0, writer.WrittenCount);
        writer.Advance(room);
        Assert.Equal(room, writer.WrittenCount);
    }

    [Fact]
    public void A_full_heap_leaves_what_is_written()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 4 << 20 });
        using NativeBufferWriter writer = new(heap);
        writer.Write(new byte[] { 1, 2, 3 });
        Assert.ThrowsAny<OutOfMemoryException>(() => writer.GetSpan(100 << 20).Length);
        Assert.Equal([1, 2, 3], writer.WrittenSequence.ToArray());
        writer.Write(new byte[] { 4 });
        Assert.Equal([1, 2, 3, 4], writer.WrittenSequence.ToArray());
    }

    [Fact]
    public void A_disposed_writer_has_nothing()
    {
        using NativeHeap heap = new();
        NativeBufferWriter writer = new(heap);
        writer.Write(new byte[100_000]);
        Memory<byte> memory = writer.GetMemory();
        writer.Dispose();
        writer.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => writer.GetSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => writer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => writer.WrittenSequence);
        Assert.Throws<ObjectDisposedException>(writer.Reset);
        Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
    }

    [Fact]
    public void A_disposed_heap_leaves_its_writers_without_memory()
    {
        NativeHeap heap = new();
        NativeBufferWriter writer = new(heap);
        writer.Write(new byte[100]);
        heap.Dispose();
        using NativeHeap successor = new();
        Span<byte> other = successor.AllocateSpan<byte>(4_096);
        Assert.Throws<ObjectDisposedException>(() => writer.GetSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => writer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => writer.CopyTo(new byte[100]));
        writer.Dispose();
        successor.Free(other);
        Assert.Equal(0, successor.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void A_pinned_block_outlives_the_writer()
    {
        using NativeHeap heap = new();
        NativeBufferWriter writer = new(heap);
        MemoryHandle pin = writer.GetMemory(100).Pin();
        writer.Dispose();
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        pin.Dispose();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    private static void AssertSame(MemoryStream stream, NativeBufferWriter writer)
    {
        ReadOnlySequence<byte> written = writer.WrittenSequence;
        Assert.Equal(stream.Length, written.Length);
        ReadOnlySpan<byte> rest = stream.GetBuffer().AsSpan(0, (int)stream.Length);
        foreach (ReadOnlyMemory<byte> part in written)
        {
            Assert.True(part.Span.SequenceEqual(rest[..part.Length]));
            rest = rest[part.Length..];
        }

        Assert.True(rest.IsEmpty);
    }
}
