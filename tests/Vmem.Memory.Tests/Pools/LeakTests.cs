using System.Buffers;
using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Owners that are dropped: found if the pool tracks them, and only those.</summary>
public class LeakTests
{
    public static TheoryData<bool> Recycling => [true, false];

    [Theory]
    [MemberData(nameof(Recycling))]
    public void A_lost_owner_is_counted_and_told_of_with_its_renters_stack(bool recycle)
    {
        List<NativeMemoryLeak> leaks = [];
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(
            heap,
            new NativeMemoryPoolOptions { Name = "leaky", TrackLeaks = true, RecycleOwners = recycle, Leaked = leaks.Add });
        RentAndDispose(pool, 100);
        LoseOne(pool);
        Collect();
        NativeMemoryLeak leak = Assert.Single(leaks);
        Assert.Equal(("leaky", 104, (nuint)416), (leak.PoolName, leak.Length, leak.Size));
        Assert.StartsWith($"   at {typeof(LeakTests).FullName}.{nameof(LoseOne)}(", leak.Stack);
        Assert.Equal((Environment.CurrentManagedThreadId, Thread.CurrentThread.Name), (leak.ThreadId, leak.ThreadName));
        Assert.Contains(nameof(LoseOne), leak.ToString());
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 101, Outstanding = 1, Leaks = 1 }, pool.GetStatistics());

        // A span may point to it yet.
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
    }

    [Theory]
    [MemberData(nameof(Recycling))]
    public void What_is_in_use_or_was_disposed_of_is_no_leak(bool recycle)
    {
        List<NativeMemoryLeak> leaks = [];
        using NativeHeap heap = new();
        NativeMemoryPool<int> pool = new(
            heap,
            new NativeMemoryPoolOptions { TrackLeaks = true, RecycleOwners = recycle, Leaked = leaks.Add });
        RentAndDispose(pool, 100);
        Memory<int> memory = MemoryOfDroppedOwner(pool);
        MemoryHandle pin = PinOfDisposedOwner(pool);
        Collect();
        Assert.Empty(leaks);
        memory.Span.Clear();
        pin.Dispose();
        pool.Dispose();
        Collect();
        GC.KeepAlive(memory);
    }

    [Fact]
    public void Owners_lost_with_their_heap_are_no_leak()
    {
        NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { TrackLeaks = true });
        RentUntilTheEnd(pool, heap);
        Collect();
        Assert.Equal(0, pool.GetStatistics().Leaks);
    }

    [Fact]
    public void A_callback_that_throws_ends_nothing()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(
            heap,
            new NativeMemoryPoolOptions { TrackLeaks = true, Leaked = _ => throw new InvalidOperationException("of the test") });
        LoseOne(pool);
        Collect();
        Assert.Equal(1, pool.GetStatistics().Leaks);
    }

    [Fact]
    public void An_untracked_pool_finds_none()
    {
        bool told = false;
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { Leaked = _ => told = true });
        LoseOne(pool);
        Collect();
        Assert.False(told);
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 1, Outstanding = 1 }, pool.GetStatistics());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoseOne(NativeMemoryPool<int> pool) => pool.Rent(104).Memory.Span.Clear();

    /// <summary>A collection that came before the end of the heap would find it lost.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RentUntilTheEnd(NativeMemoryPool<int> pool, NativeHeap heap)
    {
        IMemoryOwner<int> owner = pool.Rent(104);
        heap.Dispose();
        GC.KeepAlive(owner);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RentAndDispose(NativeMemoryPool<int> pool, int times)
    {
        for (int i = 0; i < times; i++)
        {
            pool.Rent(100).Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Memory<int> MemoryOfDroppedOwner(NativeMemoryPool<int> pool) => pool.Rent(100).Memory;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryHandle PinOfDisposedOwner(NativeMemoryPool<int> pool)
    {
        using IMemoryOwner<int> owner = pool.Rent(100);
        return owner.Memory.Pin();
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }
}
