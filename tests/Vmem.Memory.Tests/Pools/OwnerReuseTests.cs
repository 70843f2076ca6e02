using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>What a reference can do that was kept too long: to an owner that serves the next renter, or to one that never will.</summary>
public class OwnerReuseTests
{
    private const int Rest = 32;

    private static readonly NativeMemoryPoolOptions s_fresh = new() { RecycleOwners = false };

    public static TheoryData<bool> Recycling => [true, false];

    [Theory]
    [MemberData(nameof(Recycling))]
    public void A_disposed_owner_has_no_memory(bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh with { RecycleOwners = recycle });
        IMemoryOwner<byte> owner = pool.Rent(100);
        Memory<byte> memory = owner.Memory;
        owner.Dispose();
        using IMemoryOwner<byte> next = pool.Rent(100);
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory[10..20].Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
    }

    /// <summary>The classic: the object is the next renter's by then.</summary>
    [Theory]
    [MemberData(nameof(Recycling))]
    public void A_second_disposal_does_not_reach_the_next_renters(bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh with { RecycleOwners = recycle });
        for (int round = 0; round < 200; round++)
        {
            IMemoryOwner<byte> first = pool.Rent(100);
            first.Dispose();
            IMemoryOwner<byte>[] next = [.. Enumerable.Range(0, 40).Select(_ => pool.Rent(100))];
            Array.ForEach(next, owner => owner.Memory.Span.Fill(9));
            first.Dispose();
            Assert.All(next, owner => Assert.NotSame(first, owner));
            Assert.All(next, owner => Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)9)));
            Assert.Equal(40, heap.GetStatistics().LiveBlocks);
            Array.ForEach(next, owner => owner.Dispose());
        }

        Assert.Equal((0, 200), (pool.GetStatistics().Outstanding, pool.GetStatistics().StrayDisposals));
        heap.Validate();
    }

    [Fact]
    public void An_owner_rests_until_its_thread_has_disposed_of_as_many_more()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh with { RecycleOwners = true });
        IMemoryOwner<byte> first = pool.Rent(100);
        first.Dispose();
        int others = 0;
        IMemoryOwner<byte> next = pool.Rent(100);
        while (next != first)
        {
            next.Dispose();
            others++;
            next = pool.Rent(100);
        }

        Assert.Equal(Rest, others);
        next.Dispose();
    }

    /// <summary>A reference that was kept for longer is one to the next renter's memory. That it costs him no more than his rental is all
    /// that can be promised: no block is freed twice or used by two.</summary>
    [Fact]
    public void A_disposal_that_comes_too_late_ends_another_rental_and_harms_no_block()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh with { RecycleOwners = true });
        IMemoryOwner<byte> first = pool.Rent(100);
        first.Dispose();
        IMemoryOwner<byte> next = pool.Rent(100);
        while (next != first)
        {
            next.Dispose();
            next = pool.Rent(100);
        }

        Memory<byte> memory = next.Memory;
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        next.Dispose();
        Assert.Equal((0, 1), (pool.GetStatistics().Outstanding, pool.GetStatistics().StrayDisposals));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Fact]
    public void A_fresh_owner_never_serves_again()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh);
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < 1_000; i++)
        {
            using IMemoryOwner<byte> owner = pool.Rent(100);
            Assert.True(seen.Add(owner));
        }
    }

    /// <summary>Of any number of threads that dispose of the same owner at once, one frees.</summary>
    [Theory]
    [MemberData(nameof(Recycling))]
    public void Whoever_disposes_of_it_at_the_same_time_the_block_is_freed_once(bool recycle)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, s_fresh with { RecycleOwners = recycle });
        using Barrier barrier = new(3);
        IMemoryOwner<byte>[] owners = new IMemoryOwner<byte>[20];
        Parallel.For(0, 3, new ParallelOptions { MaxDegreeOfParallelism = 3 }, thread =>
        {
            for (int round = 0; round < 500; round++)
            {
                if (thread == 0)
                {
                    for (int i = 0; i < owners.Length; i++)
                    {
                        owners[i] = pool.Rent(100);
                    }
                }

                barrier.SignalAndWait();
                Array.ForEach(owners, owner => owner.Dispose());
                barrier.SignalAndWait();
            }
        });
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 10_000, StrayDisposals = 20_000 }, pool.GetStatistics());
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }
}
