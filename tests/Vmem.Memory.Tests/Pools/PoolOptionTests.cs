using System.Buffers;
using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Alignment, clearing, and lost owners whose blocks come back.</summary>
public unsafe class PoolOptionTests
{
    [Fact]
    public void By_default_a_second_disposal_ends_nobodys_rental()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        List<IMemoryOwner<byte>> gone = [];
        for (int i = 0; i < 1_000; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(100);
            owner.Memory.Span[0] = (byte)i;
            foreach (IMemoryOwner<byte> earlier in gone)
            {
                earlier.Dispose();
            }

            Assert.Equal((byte)i, owner.Memory.Span[0]);
            owner.Dispose();
            gone.Add(owner);
        }

        Assert.Equal((0, 1_000L * 999 / 2), (pool.GetStatistics().Outstanding, pool.GetStatistics().StrayDisposals));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(512)]
    [InlineData(4_096)]
    [InlineData(1 << 20)]
    public void Every_rental_is_aligned(int alignment)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { Alignment = (nuint)alignment });
        List<IMemoryOwner<byte>> owners = [];
        for (int size = 1; size < 100_000; size = (size * 3) + 1)
        {
            IMemoryOwner<byte> owner = pool.Rent(size);
            using MemoryHandle pin = owner.Memory.Pin();
            Assert.Equal(0, (nint)pin.Pointer % alignment);
            Assert.True(owner.Memory.Length >= size);
            owner.Memory.Span.Fill(1);
            owners.Add(owner);
        }

        owners.ForEach(owner => owner.Dispose());
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4_097)]
    public void No_power_of_two_is_no_alignment(int alignment)
    {
        using NativeHeap heap = new();
        ArgumentException refusal = Assert.Throws<ArgumentException>(
            () => new NativeMemoryPool<byte>(heap, new NativeMemoryPoolOptions { Alignment = (nuint)alignment }));
        Assert.Contains($"{alignment}", refusal.Message);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public void What_was_rented_is_zeroed_if_that_is_asked_for(bool clears, int recycles)
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { ClearOnReturn = clears, RecycleOwners = recycles == 1 });
        IMemoryOwner<int> owner = pool.Rent(100);
        owner.Memory.Span.Fill(0x5ec4e7);
        int length = owner.Memory.Length;
        int* block = (int*)Unsafe.AsPointer(ref owner.Memory.Span[0]);
        owner.Dispose();

        // The block is the heap's, and mapped: what a careless reader would see.
        Assert.Equal(clears ? 0 : length, new ReadOnlySpan<int>(block, length).Count(0x5ec4e7));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lost_owners_block_comes_back(bool recycle)
    {
        List<NativeMemoryLeak> leaks = [];
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(
            heap,
            new NativeMemoryPoolOptions { ReclaimLost = true, RecycleOwners = recycle, Leaked = leaks.Add, Name = "lossy" });
        Lose(pool, 50);
        using IMemoryOwner<int> kept = pool.Rent(104);
        kept.Memory.Span.Fill(7);
        Collect();
        Assert.Equal(50, leaks.Count);
        Assert.Equal(("lossy", ""), (leaks[0].PoolName, leaks[0].Stack));
        Assert.Equal(
            new NativeMemoryPoolStatistics { Rents = 51, Outstanding = 1, Leaks = 50, Reclaimed = 50 },
            pool.GetStatistics());
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        Lose(pool, 50);
        Assert.True(kept.Memory.Span.IndexOfAnyExcept(7) < 0, "Nobody was given the block that is held.");
    }

    /// <summary>An object that is finalised, too, and disposes of the owner that it holds, in whichever order: the block is freed
    /// once.</summary>
    [Fact]
    public void A_finaliser_that_disposes_of_a_lost_owner_frees_nothing_twice()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { ReclaimLost = true, RecycleOwners = true });
        for (int round = 0; round < 20; round++)
        {
            LoseHolders(pool);
            Collect();
            NativeMemoryPoolStatistics figures = pool.GetStatistics();
            Assert.Equal(0, figures.Outstanding);
            Assert.Equal(0, heap.GetStatistics().LiveBlocks);
            heap.Validate();
        }
    }

    [Fact]
    public void A_block_whose_pin_was_lost_with_its_owner_stays()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { ReclaimLost = true });
        LosePinned(pool);
        Collect();
        Assert.Equal(new NativeMemoryPoolStatistics { Rents = 1, Outstanding = 1, Leaks = 1 }, pool.GetStatistics());
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void Owners_lost_after_their_heap_harm_nobody()
    {
        NativeHeap heap = new();
        using NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { ReclaimLost = true });
        RentUntilTheEnd(pool, heap, 10);
        using NativeHeap next = new();
        void* block = next.Allocate(416);
        Collect();
        Assert.Equal((0, 1), (pool.GetStatistics().Leaks, next.GetStatistics().LiveBlocks));
        next.Free(block);
    }

    /// <summary>The finaliser is in the middle of freeing when the heap ends: one waits for the other.</summary>
    [Fact]
    public void A_heap_that_ends_while_a_lost_owner_is_reclaimed_is_not_touched_after()
    {
        for (int round = 0; round < 5; round++)
        {
            NativeHeap heap = new();
            NativeMemoryPool<int> pool = new(heap, new NativeMemoryPoolOptions { ReclaimLost = true, ClearOnReturn = true });
            LoseLarge(pool);
            GC.Collect();
            Thread.Yield();
            pool.Dispose();
            heap.Dispose();
        }

        Collect();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoseLarge(NativeMemoryPool<int> pool) => pool.Rent(50 << 20).Memory.Span[0] = 1;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(NativeMemoryPool<int> pool, int times)
    {
        for (int i = 0; i < times; i++)
        {
            pool.Rent(104).Memory.Span.Clear();
        }
    }

    /// <summary>A collection that came before the end of the heap would find them lost.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RentUntilTheEnd(NativeMemoryPool<int> pool, NativeHeap heap, int times)
    {
        IMemoryOwner<int>[] owners = [.. Enumerable.Range(0, times).Select(_ => pool.Rent(104))];
        heap.Dispose();
        GC.KeepAlive(owners);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LosePinned(NativeMemoryPool<int> pool) => _ = pool.Rent(104).Memory.Pin();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoseHolders(NativeMemoryPool<int> pool)
    {
        for (int i = 0; i < 20; i++)
        {
            _ = new Holder(pool.Rent(i + 1));
        }
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private sealed class Holder(IMemoryOwner<int> owner)
    {
        ~Holder() => owner.Dispose();
    }
}
