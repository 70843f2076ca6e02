using System.Runtime.CompilerServices;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The places in front of a depot. Blocks are only numbers here.</summary>
public unsafe class BatchExchangeTests
{
    private const int Size = 64;

    [Fact]
    public void What_was_put_is_taken_once()
    {
        BatchExchange exchange = new(length: 3, Size);
        Span<nuint> batch = stackalloc nuint[3];
        Assert.True(exchange.TryPut([1, 2, 3]) && !exchange.TryPut([4, 5]));
        Assert.Equal(3, exchange.Count);
        Assert.True(exchange.TryTake(batch));
        Assert.Equal([1, 2, 3], batch.ToArray());
        Assert.False(exchange.TryTake(batch));
        Assert.Equal(0, exchange.Count);
    }

    /// <summary>As much as 128 KiB of blocks, in at least two places and at most eight.</summary>
    [Theory]
    [InlineData(3, 64, 8)]
    [InlineData(2, 16_384, 4)]
    [InlineData(2, 32_768, 2)]
    [InlineData(64, 2_048, 2)]
    public void Each_place_holds_a_batch(int length, int size, int places)
    {
        BatchExchange exchange = new(length, size);
        nuint[][] batches = [.. Enumerable.Range(0, places * length).Select(static block => (nuint)block).Chunk(length)];
        for (int round = 0; round < 3; round++)
        {
            Assert.All(batches, batch => Assert.True(exchange.TryPut(batch)));
            Assert.False(exchange.TryPut(batches[0]));
            Assert.Equal(places * length, exchange.Count);
            List<nuint> seen = [];
            exchange.CopyTo(seen);
            Assert.Equal(batches.SelectMany(static batch => batch), seen);
            nuint[] taken = new nuint[length];
            Assert.All(batches, batch =>
            {
                Assert.True(exchange.TryTake(taken));
                Assert.Equal(batch, taken);
            });
            Assert.False(exchange.TryTake(taken));
            exchange.CopyTo(seen);
            Assert.Equal((0, places * length), (exchange.Count, seen.Count));
        }
    }

    /// <summary>One that was taken and put since the interval ended is not stale, though its place is full as it was.</summary>
    [Fact]
    public void Only_a_batch_that_nobody_moved_for_an_interval_is_stale()
    {
        BatchExchange exchange = new(length: 1, Size);
        Span<nuint> batch = stackalloc nuint[1];
        Assert.True(exchange.TryPut([1]) && exchange.TryPut([2]));
        Assert.False(exchange.TryTake(batch, staleOnly: true));
        exchange.EndInterval();
        Assert.True(exchange.TryTake(batch) && batch[0] == 1 && exchange.TryPut([3]));
        Assert.True(exchange.TryTake(batch, staleOnly: true) && batch[0] == 2);
        Assert.False(exchange.TryTake(batch, staleOnly: true));
        exchange.EndInterval();
        Assert.True(exchange.TryTake(batch, staleOnly: true) && batch[0] == 3);
        Assert.False(exchange.TryTake(batch));
    }

    [Fact]
    public void Nothing_is_put_or_taken_once_it_is_closed()
    {
        BatchExchange exchange = new(length: 3, Size);
        Span<nuint> batch = stackalloc nuint[3];
        Assert.True(exchange.TryPut([1, 2, 3]) && exchange.TryPut([4, 5, 6]) && exchange.TryTake(batch));
        exchange.EndInterval();
        exchange.Close();
        Assert.False(exchange.TryTake(batch) || exchange.TryTake(batch, staleOnly: true) || exchange.TryPut([7, 8, 9]));
        Assert.Equal(0, exchange.Count);
    }

    /// <summary>A thread found the exchange just before the heap ended: what lies there is the next heap's memory by then.</summary>
    [Fact]
    public void The_end_of_a_class_closes_what_a_late_thread_has_found()
    {
        using HeapSpace space = new(AddressWindow.Shared, "exchange", limit: 0, huge: false);
        SlabRecords records = new();
        SlabClass slabs = new(space, states: null, records, SizeClasses.Of(Size));
        slabs.NoteThread(isNew: true);
        Assert.Null(ExchangeOf(slabs));
        slabs.NoteThread(isNew: true);
        BatchExchange found = ExchangeOf(slabs)!;
        Span<nuint> batch = stackalloc nuint[found.Length];
        Assert.Equal(batch.Length, slabs.Take(batch, batch.Length));
        Assert.Equal(0u, slabs.Give(batch));
        Assert.Equal(batch.Length, found.Count);
        slabs.Dispose();
        Assert.False(found.TryTake(batch) || found.TryPut(batch));
        Assert.Equal(0, slabs.Take(batch, batch.Length));
        records.Dispose();
    }

    [Fact]
    public void A_class_that_has_ended_makes_none()
    {
        using HeapSpace space = new(AddressWindow.Shared, "exchange", limit: 0, huge: false);
        SlabClass slabs = new(space, states: null, new SlabRecords(), SizeClasses.Of(Size));
        slabs.NoteThread(isNew: true);
        slabs.Dispose();
        slabs.NoteThread(isNew: true);
        Assert.Null(ExchangeOf(slabs));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_exchange")]
    private static extern ref BatchExchange? ExchangeOf(SlabClass slabs);
}
