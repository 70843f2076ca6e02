using System.Numerics;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>The ends of the number line.</summary>
public class BuddyEdgeTests
{
    [Fact]
    public void All_ports_can_be_handed_out_and_come_back()
    {
        BuddyAllocator<ushort> ports = BuddyAllocator<ushort>.OverWholeRange(1, 32_768);
        Assert.Equal(ushort.MaxValue, ports.Size);
        var seen = new bool[65_536];
        for (int i = 0; i < 65_536; i++)
        {
            Assert.True(ports.TryAllocate(1, out ushort port));
            Assert.False(seen[port]);
            seen[port] = true;
        }

        Assert.False(ports.TryAllocate(1, out _));
        ports.Validate();
        BuddyStatistics<ushort> full = ports.GetStatistics();
        Assert.Equal(
            (ushort.MaxValue, ushort.MaxValue, (ushort)0, ushort.MaxValue),
            (full.TotalSize, full.InUse, full.Free, full.PeakInUse));
        for (int i = 0; i < 65_536; i++)
        {
            ports.Free((ushort)(i ^ 0x5A5A));
        }

        ports.Validate();
        BuddyStatistics<ushort> empty = ports.GetStatistics();
        Assert.Equal((2, (ushort)32_768, ushort.MaxValue), (empty.FreeBlocks, empty.LargestFree, empty.Free));
    }

    [Fact]
    public void The_whole_range_of_each_type_can_be_divided()
    {
        Whole<byte>();
        Whole<ushort>();
        Whole<uint>();
        Whole<ulong>();
        Whole<nuint>();
        Whole<UInt128>();
    }

    private static void Whole<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T half = T.MaxValue - (T.MaxValue >> 1);
        T min = half >> 6;
        BuddyAllocator<T> allocator = BuddyAllocator<T>.OverWholeRange(min, half);
        T low = allocator.Allocate(half);
        T high = allocator.Allocate(half);
        Assert.Equal((T.Zero, half), (low, high));
        Assert.True(allocator.IsAllocated(T.MaxValue));
        Assert.False(allocator.TryGetBuddy(low, out _));
        Assert.True(allocator.TryResize(high, min));
        Assert.False(allocator.IsAllocated(T.MaxValue));
        Assert.True(allocator.Contains(T.MaxValue));
        Assert.True(allocator.TryGetBuddy(high, out T buddy));
        Assert.Equal(half + min, buddy);
        Assert.Equal(half, allocator.GetBlockSize(low));
        Assert.Equal(6, allocator.GetStatistics().FreeBlocks);
        allocator.Validate();
        allocator.Free(high);
        allocator.Free(low);
        allocator.Validate();
        Assert.Equal(2, allocator.GetFragments().Count());
    }

    [Fact]
    public void A_range_may_end_at_the_very_top()
    {
        BuddyAllocator<ulong> allocator = new(ulong.MaxValue - 99, 100, 1, 64);
        List<ulong> starts = [];
        while (allocator.TryAllocate(1, out ulong start))
        {
            starts.Add(start);
        }

        Assert.Equal(100, starts.Count);
        Assert.Equal(ulong.MaxValue, starts.Max());
        Assert.False(allocator.Contains(0));
        Assert.Equal(InvalidFreeReason.NotAllocated, Assert.Throws<InvalidFreeException>(() => allocator.Free(0)).Reason);
        starts.ForEach(allocator.Free);
        allocator.Validate();
    }

    [Fact]
    public void Address_0_is_an_ordinary_address()
    {
        BuddyAllocator<byte> allocator = new(0, 16, 16, 16);
        Assert.True(allocator.TryAllocate(1, out byte start));
        Assert.Equal(0, start);
        allocator.Free(0);
        allocator.Validate();
    }

    [Fact]
    public void What_is_below_the_minimum_is_not_used()
    {
        BuddyAllocator<uint> allocator = new(10, 67, 4, 32);
        Assert.Equal(
            (3u, 67u, 64u),
            (allocator.GetStatistics().Unusable, allocator.GetStatistics().TotalSize, allocator.GetStatistics().Free));
        Assert.True(allocator.Contains(73));
        Assert.False(allocator.Contains(74));
        Assert.False(allocator.TryGetFragment(76, out _));
        var refusal = Assert.Throws<InvalidFreeException>(() => allocator.Free(74));
        Assert.Equal(InvalidFreeReason.NotAllocated, refusal.Reason);
        Assert.Contains("smaller than a block", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Seed 004: "it allocates the largest chunk first, and then goes down by powers of 2".</summary>
    [Fact]
    public void An_odd_range_is_cut_going_down()
    {
        BuddyAllocator<uint> allocator = new(1_000, 1_237, 1, 512);
        Assert.Equal([512u, 512u, 128u, 64u, 16u, 4u, 1u], allocator.GetFragments().Select(fragment => fragment.Size));
        Assert.Equal([1_000u, 1_512u, 2_024u, 2_152u, 2_216u, 2_232u, 2_236u], allocator.GetFragments().Select(fragment => fragment.Start));
    }
}
