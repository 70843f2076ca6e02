using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>A pool of pinned slabs keeps <see cref="MemoryPool{T}"/>'s contract, and its own about arrays, limits and ends.</summary>
public class PinnedPoolTests
{
    [Fact]
    public unsafe void A_rental_is_a_part_of_a_pinned_array_that_begins_at_a_page()
    {
        using PinnedMemoryPool<byte> pool = new();
        foreach (int length in (int[])[-1, 0, 1, 4_096, 4_097, 65_536, 65_537, 3_000_000])
        {
            using IMemoryOwner<byte> owner = pool.Rent(length);
            Assert.True(MemoryMarshal.TryGetArray(owner.Memory, out ArraySegment<byte> segment));
            Assert.Equal((Math.Max(length, 1) + 4_095) / 4_096 * 4_096, segment.Count);
            byte* address = (byte*)Unsafe.AsPointer(ref segment.Array![segment.Offset]);
            Assert.Equal((nuint)0, (nuint)address % VirtualMemory.PageSize);
            GC.Collect();
            using MemoryHandle pin = owner.Memory.Pin();
            Assert.True(address == pin.Pointer, "A pinned array does not move.");
        }
    }

    /// <summary>What is copied into a row of such rentals is not cut at multiples of a page.</summary>
    [Fact]
    public unsafe void A_stagger_leaves_the_end_of_the_last_block_unused()
    {
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { Stagger = 16, Limit = 4 << 20 });
        foreach ((int asked, int given) in ((int, int)[])[(-1, 4_080), (4_080, 4_080), (4_081, 8_176)])
        {
            using IMemoryOwner<byte> owner = pool.Rent(asked);
            Assert.Equal(given, owner.Memory.Length);
            using MemoryHandle pin = owner.Memory.Pin();
            Assert.Equal((nuint)0, (nuint)pin.Pointer % VirtualMemory.PageSize);
        }

        Assert.Equal((4 << 20) - 16, pool.MaxBufferSize);
        Assert.Throws<ArgumentException>(() => new PinnedMemoryPool<byte>(new PinnedMemoryPoolOptions { Stagger = 4_096 }));
        Assert.Throws<ArgumentException>(() => new PinnedMemoryPool<int>(new PinnedMemoryPoolOptions { Stagger = 6 }));
    }

    [Fact]
    public void Elements_may_be_of_any_size()
    {
        using PinnedMemoryPool<Guid> guids = new();
        using PinnedMemoryPool<Odd> odd = new();
        using PinnedMemoryPool<Wide> wide = new();
        using IMemoryOwner<Guid> ofGuids = guids.Rent();
        using IMemoryOwner<Odd> ofOdd = odd.Rent(1_000);
        using IMemoryOwner<Wide> ofWide = wide.Rent();
        Assert.Equal((256, 1_024, 1), (ofGuids.Memory.Length, ofOdd.Memory.Length, ofWide.Memory.Length));
        ofOdd.Memory.Span.Fill(new Odd { A = 1, B = 2, C = 3 });
        Assert.Equal(3, ofOdd.Memory.Span[^1].C);
    }

    /// <summary>Against the simplest model: each rental holds what was written into it, whatever the others did.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Rentals_never_overlap(int seed)
    {
        SeededRandom random = new((ulong)seed);
        using PinnedMemoryPool<long> pool = new(
            new PinnedMemoryPoolOptions { SlabSize = 1 << 18, RetainedInterval = Timeout.InfiniteTimeSpan });
        List<(IMemoryOwner<long> Owner, long Value)> rentals = [];
        for (int step = 0; step < 2_000; step++)
        {
            if (random.Below(3) != 0 && rentals.Count < 60)
            {
                int length = random.Below(20) == 0 ? random.Below(200_000) : random.Below(5_000);
                IMemoryOwner<long> owner = pool.Rent(length);
                Assert.InRange(owner.Memory.Length, length, length + 512);
                owner.Memory.Span.Fill(step);
                rentals.Add((owner, step));
            }
            else if (rentals.Count > 0)
            {
                int which = random.Below(rentals.Count);
                Assert.Equal(-1, rentals[which].Owner.Memory.Span.IndexOfAnyExcept(rentals[which].Value));
                rentals[which].Owner.Dispose();
                rentals[which] = rentals[^1];
                rentals.RemoveAt(rentals.Count - 1);
            }

            if (step % 100 == 0)
            {
                _ = pool.Trim();
                pool.Validate();
                Assert.Equal(rentals.Sum(static rental => rental.Owner.Memory.Length) * 8L, (long)pool.GetStatistics().InUse);
            }
        }

        rentals.ForEach(static rental => rental.Owner.Dispose());
        _ = pool.Trim();
        PinnedMemoryPoolStatistics statistics = pool.GetStatistics();
        Assert.Equal((0, (nuint)0, (nuint)0), (statistics.Outstanding, statistics.InUse, statistics.Held));
        Assert.InRange(statistics.Rented, statistics.Rents * 4_096, long.MaxValue);
        Assert.InRange(statistics.Trimmed, 4_096, statistics.Rented);         // a page that is rented again after a trim goes back again
        Assert.InRange(statistics.Allocated, 1 << 18, long.MaxValue);
    }

    [Fact]
    public void A_second_disposal_does_nothing_and_is_counted()
    {
        using PinnedMemoryPool<byte> pool = new();
        IMemoryOwner<byte> first = pool.Rent();
        first.Dispose();
        using IMemoryOwner<byte> second = pool.Rent();            // the very same block
        first.Dispose();
        using IMemoryOwner<byte> third = pool.Rent();
        Assert.False(second.Memory.Span.Overlaps(third.Memory.Span));
        Assert.Throws<ObjectDisposedException>(() => first.Memory);
        PinnedMemoryPoolStatistics statistics = pool.GetStatistics();
        Assert.Equal((3, 2, 1), (statistics.Rents, statistics.Outstanding, statistics.StrayDisposals));
    }

    [Fact]
    public void At_the_limit_renting_fails_and_changes_nothing()
    {
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { Limit = (3 << 20) + 5 });
        Assert.Equal(3 << 20, pool.MaxBufferSize);
        Stack<IMemoryOwner<byte>> owners = new();
        Assert.ThrowsAny<OutOfMemoryException>(() => RentAll(pool, owners));
        Assert.Equal(3 << 20, owners.Count * 4_096);
        PinnedMemoryPoolStatistics full = pool.GetStatistics();
        Assert.Equal((768, 768, 1, (nuint)(3 << 20)), (full.Rents, full.Outstanding, full.Failures, full.Held));
        owners.Pop().Dispose();
        owners.Push(pool.Rent());
        while (owners.TryPop(out IMemoryOwner<byte>? owner))
        {
            owner.Dispose();
        }

        pool.Rent(3 << 20).Dispose();             // what lies in caches is given up for it
        Assert.Equal(0, pool.GetStatistics().Outstanding);
    }

    [Fact]
    public void What_can_never_be_is_refused()
    {
        using PinnedMemoryPool<int> pool = new(new PinnedMemoryPoolOptions { Limit = 1 << 20 });
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-2));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(pool.MaxBufferSize + 1));
        Assert.Throws<ArgumentException>(() => new PinnedMemoryPool<int>(new PinnedMemoryPoolOptions { SlabSize = 4_096 }));
        Assert.Throws<ArgumentException>(() => new PinnedMemoryPool<int>(new PinnedMemoryPoolOptions { SlabSize = (1 << 20) + 1 }));
        Assert.All((TimeSpan[])[TimeSpan.Zero, TimeSpan.FromDays(199), TimeSpan.MaxValue], static interval =>
            Assert.Throws<ArgumentException>(() => new PinnedMemoryPool<int>(new PinnedMemoryPoolOptions { RetainedInterval = interval })));
        new PinnedMemoryPool<int>(new PinnedMemoryPoolOptions { RetainedInterval = TimeSpan.FromDays(198) }).Dispose();
        Assert.Throws<InvalidOperationException>(() => pool.GetAuditReport());
        Assert.Equal(default, pool.GetStatistics());
    }

    [Fact]
    public void A_disposed_pool_rents_no_more_and_what_is_out_stays_valid()
    {
        PinnedMemoryPool<byte> pool = new();
        IMemoryOwner<byte> owner = pool.Rent(100_000);
        owner.Memory.Span.Fill(7);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Rent());
        Assert.Throws<ObjectDisposedException>(() => pool.Trim());
        Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)7));
        owner.Dispose();
        Assert.Equal(0, pool.GetStatistics().Outstanding);
    }

    [Fact]
    public void What_was_rented_is_cleared_if_asked_for()
    {
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { ClearOnReturn = true });
        IMemoryOwner<byte> owner = pool.Rent();
        Memory<byte> memory = owner.Memory;
        memory.Span.Fill(7);
        owner.Dispose();
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void An_audited_pool_says_who_rented_what()
    {
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { Audit = true });
        pool.Rent().Dispose();
        using IMemoryOwner<byte> owner = RentHere(pool);
        AuditGroup<nuint> group = Assert.Single(pool.GetAuditReport().Groups);
        Assert.Equal((1, (nuint)2), (group.Ranges, group.Size));
        Assert.StartsWith($"   at {typeof(PinnedPoolTests).FullName}.{nameof(RentHere)}(", group.Stack);
    }

    [Fact]
    public void A_lost_owner_is_counted_and_told_of_and_its_memory_stays_out()
    {
        List<NativeMemoryLeak> leaks = [];
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { Name = "leaky", TrackLeaks = true, Leaked = leaks.Add });
        pool.Rent().Dispose();
        Lose(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        NativeMemoryLeak leak = Assert.Single(leaks);
        Assert.Equal(("leaky", 8_192), (leak.PoolName, leak.Length));
        Assert.Contains(nameof(RentHere), leak.Stack);
        Assert.Equal((1, 1), (pool.GetStatistics().Leaks, pool.GetStatistics().Outstanding));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IMemoryOwner<byte> RentHere(PinnedMemoryPool<byte> pool) => pool.Rent(5_000);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(PinnedMemoryPool<byte> pool) => RentHere(pool).Memory.Span.Clear();

    private static void RentAll(PinnedMemoryPool<byte> pool, Stack<IMemoryOwner<byte>> owners)
    {
        while (true)
        {
            owners.Push(pool.Rent());
        }
    }

    private struct Odd
    {
        public int A, B, C;
    }

    private unsafe struct Wide
    {
        private fixed byte _bytes[5_000];
    }
}
