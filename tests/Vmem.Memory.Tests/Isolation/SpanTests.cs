using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Blocks as spans: no pointer is seen.</summary>
public class SpanTests
{
    [Fact]
    public void A_span_is_a_block()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Span<long> numbers = client.AllocateSpan<long>(100);
        Assert.Equal(100, numbers.Length);
        Assert.Equal((nuint)1_024, client.InUse);
        Assert.Equal(-1, numbers.IndexOfAnyExcept(0L));
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = long.MaxValue - i;
        }

        context.Validate();
        Assert.Equal(long.MaxValue - 99, numbers[99]);
        client.Free(numbers);
        Assert.Equal((nuint)0, client.InUse);
    }

    [Fact]
    public void Two_spans_do_not_overlap()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Span<int> one = client.AllocateSpan<int>(5);
        Span<int> two = client.AllocateSpan<int>(5);
        Assert.False(one.Overlaps(two));
        client.Free(two);
        client.Free(one);
    }

    [Fact]
    public void An_empty_span_can_be_allocated_and_freed()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Span<int> empty = client.AllocateSpan<int>(0);
        Assert.True(empty.IsEmpty);
        client.Free(empty);
        Assert.Equal((nuint)0, client.InUse);
        client.Free(Span<int>.Empty);
        client.Free<int>(default);
    }

    /// <summary>The empty rest of a span points at where the next block starts, which is not its own to free.</summary>
    [Fact]
    public void An_empty_slice_frees_nobodys_block()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        for (int i = 0; i < 100; i++)
        {
            client.AllocateSpan<int>(4);
        }

        for (int i = 0; i < 100; i++)
        {
            client.Free(client.AllocateSpan<int>(4)[4..]);
        }

        Assert.Equal(200, client.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void A_negative_length_is_refused()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Assert.Throws<ArgumentOutOfRangeException>(() => client.AllocateSpan<int>(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => client.Rent<int>(int.MinValue));
        Assert.Equal(0, client.GetStatistics().Failures);
    }

    [Fact]
    public void A_length_beyond_the_context_is_refused()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Assert.Throws<ClientExhaustedException>(() => client.AllocateSpan<Huge>(int.MaxValue));
        Assert.Throws<ClientExhaustedException>(() => client.AllocateSpan<byte>(int.MaxValue));
        Assert.Throws<ClientExhaustedException>(() => client.Rent<Huge>(int.MaxValue));
        Assert.Equal(3, client.GetStatistics().Failures);
        Assert.Equal((nuint)0, client.InUse);
    }

    [Fact]
    public void A_slice_is_no_block()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Span<int> span = client.AllocateSpan<int>(100);
        Assert.Equal(InvalidFreeReason.InteriorAddress, FreeOf(client, span[1..]).Reason);
        Assert.Equal(InvalidFreeReason.InteriorAddress, FreeOf(client, span[99..]).Reason);
        Assert.Equal(1, client.GetStatistics().LiveBlocks);
        client.Free(span);
    }

    /// <summary>A span over memory of the garbage collector's, or of the stack, is no block either.</summary>
    [Fact]
    public void Memory_from_elsewhere_is_no_block()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Assert.Equal(InvalidFreeReason.NotAllocated, FreeOf(client, GC.AllocateUninitializedArray<int>(10, pinned: true)).Reason);
        Assert.Equal(InvalidFreeReason.NotAllocated, FreeOf(client, stackalloc int[10]).Reason);
    }

    [Fact]
    public void A_span_freed_twice_is_refused()
    {
        using MemoryContext context = new(1 << 20);
        using MemoryClient client = context.CreateClient("client");
        Span<int> span = client.AllocateSpan<int>(100);
        client.Free(span);
        Assert.Equal(InvalidFreeReason.AlreadyFree, FreeOf(client, span).Reason);
    }

    private static InvalidFreeException FreeOf(MemoryClient client, Span<int> span)
    {
        try
        {
            client.Free(span);
        }
        catch (InvalidFreeException refusal)
        {
            Assert.Contains(client.Name, refusal.Message, StringComparison.Ordinal);
            return refusal;
        }

        Assert.Fail("The free was not refused.");
        return null!;
    }

    [InlineArray(1 << 20)]
    private struct Huge
    {
        private byte _first;
    }
}
