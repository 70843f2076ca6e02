using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Caches of a caller who is trusted: nothing is noted of a range, so the way of a free alone decides where it goes.</summary>
public class TrustedCacheTests
{
    private const uint Max = 8;

    private static Arena<uint> Make(uint size = 1 << 12, uint quantum = 1, uint cacheMax = Max) =>
        new("trusting", 0, size, quantum, new ArenaOptions<uint> { QuantumCacheMax = cacheMax, TrustCaller = true });

    /// <summary>The thread has a magazine with room for it.</summary>
    [Theory]
    [InlineData(4u)]
    [InlineData(Max)]
    public void A_range_that_a_handle_holds_goes_past_the_magazine(uint size)
    {
        using Arena<uint> arena = Make();
        arena.Free(arena.Allocate(size), size);
        RangeHandle<uint>[] handles = [.. Enumerable.Range(0, 3).Select(_ =>
        {
            Assert.True(arena.TryAllocateHandle(size, out RangeHandle<uint> handle));
            return handle;
        })];
        foreach (RangeHandle<uint> handle in handles)
        {
            arena.Free(handle.Start, size);
            Assert.Throws<InvalidFreeException>(() => arena.Free(handle));
        }

        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>It is the sizes of handles that are looked at.</summary>
    [Fact]
    public void A_free_of_a_wrong_size_does_not_end_a_handle()
    {
        using Arena<uint> arena = Make();
        Assert.True(arena.TryAllocateHandle(4, out RangeHandle<uint> handle));
        Assert.Throws<InvalidFreeException>(() => arena.Free(handle.Start, 3));
        Assert.Throws<InvalidFreeException>(() => arena.Free(handle.Start, 5));
        arena.Free(handle);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void A_handle_is_still_looked_for_after_another_span_has_drained()
    {
        using Arena<uint> arena = Make();
        arena.Free(arena.Allocate(4), 4);
        Assert.True(arena.TryAllocateHandle(4, out RangeHandle<uint> handle));
        arena.AddSpan(1 << 20, 1 << 10);
        uint inside = arena.AllocateConstrained(100, new RangeConstraints<uint> { Min = 1 << 20 });
        Assert.True(arena.TryDrainSpan(1 << 20));
        arena.Free(arena.Allocate(4), 4);
        arena.Free(inside, 100);
        Assert.False(arena.Contains(1 << 20));
        arena.Free(arena.Allocate(4), 4);
        arena.Free(handle.Start, 4);
        Assert.Throws<InvalidFreeException>(() => arena.Free(handle));
        arena.Validate();
    }

    /// <summary>Classes are multiples of the quantum: a shift would take 13 for the fourth of them.</summary>
    [Fact]
    public void Of_a_quantum_that_is_no_power_of_two_each_size_has_its_own_ranges()
    {
        using Arena<uint> arena = Make(size: 12 << 10, quantum: 12, cacheMax: 48);
        uint small = arena.Allocate(13);
        uint large = arena.Allocate(48);
        Assert.Equal(24u + 48, arena.GetStatistics().InUse);
        arena.Free(small, 13);
        Assert.NotEqual(small, arena.Allocate(48));
        Assert.Equal(small, arena.Allocate(24));
        arena.Free(large, 48);
        Assert.NotEqual(large, arena.Allocate(13));
        Assert.Equal(large, arena.Allocate(37));
        Assert.Equal((2 * 24u) + (2 * 48), arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void A_free_past_the_caches_needs_no_notes()
    {
        using Arena<uint> arena = Make();
        uint start = arena.AllocateConstrained(4, new RangeConstraints<uint> { Min = 2_000 });
        arena.FreeConstrained(start, 4);
        arena.FreeConstrained(arena.AllocateConstrained(40, new RangeConstraints<uint> { Min = 2_000 }), 40);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void Validate_finds_a_free_range_in_a_magazine()
    {
        using Arena<uint> arena = Make();
        Assert.Equal(0u, arena.Allocate(1));
        arena.Free(64, 1);                        // all from here on is free
        Assert.Contains("freed wrongly", Assert.Throws<InvariantViolationException>(arena.Validate).Message, StringComparison.Ordinal);
    }

    /// <summary>What is left of a slab is two ranges of 1, and looks like one of 2.</summary>
    [Fact]
    public void Validate_finds_a_slab_in_a_magazine()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts[2..], start => arena.Free(start, 1));
        arena.Reap();
        Assert.Equal(2u, arena.GetStatistics().InUse);
        Assert.Equal(0u, arena.GetStatistics().Cached);
        arena.Validate();
        arena.Free(0, 2);
        Assert.Contains("freed wrongly", Assert.Throws<InvariantViolationException>(arena.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sixteen_faults_are_told()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 20).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        Array.ForEach(starts, start => arena.Free(start, 1));
        arena.Reap();
        string told = Assert.Throws<InvariantViolationException>(arena.Validate).Message;
        Assert.Equal(16, told.Split("is not allocated").Length - 1);
    }

    /// <summary>Nobody waits for room in an arena beside the one that is lent.</summary>
    [Fact]
    public void Ranges_are_lent_while_a_request_waits()
    {
        using Arena<uint> arena = Make(size: 16, cacheMax: 4);
        for (uint i = 0; i < 16; i++)
        {
            _ = arena.Allocate(1);
        }

        Task<uint> standing = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        arena.Free(8, 1);
        Assert.Equal(1u, arena.GetStatistics().Cached);
        Assert.Equal(8u, arena.Allocate(1));
        arena.Free(8, 1);
        arena.Free(9, 1);
        arena.Free(10, 1);
        Assert.False(standing.IsCompleted);
        arena.Free(11, 1);
        Assert.True(standing.IsCompletedSuccessfully);
    }
}
