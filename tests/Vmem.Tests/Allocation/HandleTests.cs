using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

public class HandleTests
{
    [Fact]
    public void A_handle_knows_its_range()
    {
        using Arena<uint> arena = new("handles", 64, 64, 16);
        Assert.True(arena.TryAllocateHandle(17, FitPolicy.FirstFit, out RangeHandle<uint> handle));
        Assert.Equal((64u, 32u), (handle.Start, handle.Size));
        arena.Free(handle);
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    [Fact]
    public void The_default_handle_was_never_allocated()
    {
        using Arena<uint> arena = new("handles", 0, 64, 1);
        arena.TryAllocateHandle(64, out _);
        Assert.Equal(
            InvalidFreeReason.NotAllocated,
            Assert.Throws<InvalidFreeException>(() => arena.Free(default(RangeHandle<uint>))).Reason);
        Assert.False(arena.TryAllocateHandle(1, out RangeHandle<uint> refused));
        Assert.Equal(default, refused);
    }

    [Fact]
    public void A_stale_handle_is_found_even_if_the_same_range_is_allocated_again()
    {
        using Arena<uint> arena = new("handles", 0, 64, 1);
        arena.TryAllocateHandle(64, out RangeHandle<uint> first);
        arena.Free(first);
        arena.TryAllocateHandle(64, out RangeHandle<uint> second);
        Assert.Equal((first.Start, first.Size), (second.Start, second.Size));
        Assert.NotEqual(first, second);
        string before = ArenaPicture.Of(arena);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(first)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Free(second);
        arena.Validate();
    }

    [Fact]
    public void A_range_freed_by_address_leaves_its_handle_stale()
    {
        using Arena<uint> arena = new("handles", 0, 64, 1);
        arena.TryAllocateHandle(10, out RangeHandle<uint> handle);
        arena.Free(handle.Start, 10);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        Assert.Equal(handle.Start, arena.Allocate(10));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
    }

    [Fact]
    public void A_handle_frees_its_range_in_the_size_it_was_extended_to()
    {
        using Arena<uint> arena = new("handles", 0, 64, 1);
        arena.TryAllocateHandle(10, FitPolicy.FirstFit, out RangeHandle<uint> handle);
        Assert.True(arena.TryExtend(handle.Start, 10, 30));
        arena.Free(handle);
        Assert.Equal("{0+64: (0+64)}", ArenaPicture.Segments(arena));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    public void A_handle_stays_true_after_a_resize(uint cacheMax)
    {
        using Arena<uint> arena = new("handles", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        Assert.True(arena.TryAllocateHandle(10, FitPolicy.FirstFit, out RangeHandle<uint> first));
        Assert.True(arena.TryExtend(first, 30, out RangeHandle<uint> longer));
        Assert.Equal((first.Start, 30u), (longer.Start, longer.Size));
        Assert.True(arena.TryExtend(first, 5, out RangeHandle<uint> shorter));
        Assert.Equal((first.Start, 5u), (shorter.Start, shorter.Size));
        Assert.Equal(5u, arena.GetStatistics().InUse);
        Assert.False(arena.TryExtend(longer, 65, out RangeHandle<uint> refused));
        Assert.Equal(longer, refused);
        arena.Free(shorter);
        Assert.Throws<InvalidFreeException>(() => arena.Free(first));
        Assert.Throws<InvalidFreeException>(() => arena.TryExtend(longer, 20, out _));
        Assert.Throws<InvalidFreeException>(() => arena.TryExtend(default(RangeHandle<uint>), 20, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryExtend(first, 0, out _));
        Assert.Equal("{0+64: (0+64)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void What_follows_a_handle_may_lie_in_a_cache()
    {
        using Arena<uint> arena = new("handles", 0, 512, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        Assert.True(arena.TryAllocateHandle(256, FitPolicy.FirstFit, out RangeHandle<uint> handle));
        arena.Free(arena.Allocate(8), 8);
        Assert.True(arena.TryExtend(handle, 512, out handle));
        arena.Free(handle);
        arena.Validate();
    }

    [Fact]
    public void The_handle_of_another_arena_frees_nothing()
    {
        using Arena<uint> one = new("one", 0, 64, 1);
        using Arena<uint> other = new("other", 0, 64, 1);
        one.TryAllocateHandle(64, out RangeHandle<uint> handle);
        other.TryAllocateHandle(64, out _);
        Assert.Throws<InvalidFreeException>(() => other.Free(handle));
        Assert.Equal(64u, other.GetStatistics().InUse);
    }

    /// <summary>A tag that is used a thousand times has had a thousand generations.</summary>
    [Fact]
    public void No_handle_of_the_past_frees_anything()
    {
        using Arena<ulong> arena = new("handles", 0, 4, 1);
        List<RangeHandle<ulong>> past = [];
        for (int i = 0; i < 1_000; i++)
        {
            arena.TryAllocateHandle((ulong)(1 + (i % 4)), out RangeHandle<ulong> handle);
            arena.Free(handle);
            past.Add(handle);
        }

        arena.TryAllocateHandle(4, out RangeHandle<ulong> live);
        Assert.All(past, stale => Assert.Throws<InvalidFreeException>(() => arena.Free(stale)));
        arena.Free(live);
        Assert.Equal(1_001, past.Append(live).Distinct().Count());
        arena.Validate();
    }
}
