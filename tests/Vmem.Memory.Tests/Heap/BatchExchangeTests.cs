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
