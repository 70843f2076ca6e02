using Vmem.Checks;
using Vmem.Testing.Recording;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>What a free does beside the plain one that nothing follows: it serves who waits, is recorded, audited, or rests.</summary>
public sealed class FreeingTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_range_goes_to_who_waits_for_just_such_a_one_under_one_lock()
    {
        using Arena<uint> arena = Full(10, 10, 10);
        Task<uint> waits = arena.AllocateAsync(10, TestContext.Current.CancellationToken).AsTask();
        _ = StepCounter.TakeShared();
        arena.Free(10, 10);
        Assert.Equal(1, StepCounter.TakeShared());
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal(10u, await waits);
    }

    /// <summary>With its neighbour it is longer, and the policy chooses of that.</summary>
    [Fact]
    public async Task A_range_beside_free_space_is_free_before_it_is_given_out()
    {
        using Arena<uint> arena = Full(5, 10, 15);
        Task<uint> waits = arena.AllocateAsync(10, FitPolicy.FirstFit, TestContext.Current.CancellationToken).AsTask();
        arena.Free(0, 5);
        Assert.False(waits.IsCompleted);
        arena.Free(5, 10);
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal(0u, await waits);
    }

    [Fact]
    public void A_wrong_size_serves_nobody()
    {
        using Arena<uint> arena = Full(20, 10);
        Task<uint> waits = arena.AllocateAsync(10, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => arena.Free(0, 10)).Reason);
        Assert.False(waits.IsCompleted);
        arena.Free(20, 10);
        Assert.True(waits.IsCompletedSuccessfully);
        arena.Validate();
    }

    /// <summary>Of segments, and of a range that a slab gets back while somebody waits for something longer.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    public void What_serves_who_waits_is_recorded(uint cacheMax)
    {
        using Arena<uint> arena = new("recorded", 0, 128, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        uint held = arena.Allocate(60);
        List<uint> small = [];
        while (arena.TryAllocate(4, out uint start))
        {
            small.Add(start);
        }

        using RecordedArena<uint> recorded = new(arena);
        Task<uint> longer = arena.AllocateAsync(60, TestContext.Current.CancellationToken).AsTask();
        arena.Free(small[0], 4);
        arena.Free(held, 60);
        Assert.True(longer.IsCompletedSuccessfully);
        Assert.Equal(1 + small.Count + 3, recorded.Check().Events);
    }

    /// <summary>A stack is captured between two stays under the lock, and the place is approached in steps before the last.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_audited_free_enters_the_lock_three_times(bool byHandle)
    {
        using Arena<uint> arena = new("audited", 0, 1_000, 1, new ArenaOptions<uint> { Audit = true });
        Assert.True(arena.TryAllocateHandle(5, out RangeHandle<uint> handle));
        _ = StepCounter.TakeShared();
        Free(arena, handle, byHandle);
        Assert.Equal(3, StepCounter.TakeShared());
        arena.Validate();
    }

    /// <summary>Every second range becomes free, so that an index has to grow and cannot.</summary>
    [Theory]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.OldestFit)]
    public void An_audited_free_needs_no_memory(FitPolicy policy)
    {
        using Arena<uint> arena = new("audited", 0, 2_000, 1, new ArenaOptions<uint> { Audit = true, Policy = policy });
        for (uint i = 0; i < 2_000; i++)
        {
            _ = arena.Allocate(1);
        }

        using (GrowthFault.Inject(static () => true))
        {
            for (uint start = 0; start < 2_000; start += 2)
            {
                arena.Free(start, 1);
            }
        }

        arena.Validate();
        Assert.Equal(1_000u, arena.GetStatistics().Free);
    }

    /// <summary>The tag that a handle had is another's afterwards, who has an address.</summary>
    [Theory]
    [InlineData("one")]
    [InlineData("many")]
    [InlineData("now")]
    public void What_a_handle_held_can_be_allocated_by_address(string how)
    {
        using Arena<uint> arena = new("handles", 0, 100, 1);
        Assert.True(arena.TryAllocateHandle(100, out RangeHandle<uint> handle));
        switch (how)
        {
            case "many":
                arena.FreeMany([handle]);
                break;
            case "now":
                arena.FreeAfter(handle, TimeSpan.Zero);
                break;
            default:
                arena.Free(handle);
                break;
        }

        Assert.Equal(0u, arena.Allocate(100));
        arena.Validate();
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        arena.Split(0, 100, 40);
        arena.FreeMany([0], 40);
        arena.Validate();
    }

    [Fact]
    public void A_batch_is_freed_in_the_order_in_which_it_is_named()
    {
        using Arena<uint> arena = new("ids", 0, 4, 1, new ArenaOptions<uint> { Policy = FitPolicy.OldestFit });
        Assert.Equal([0u, 1, 2, 3], Enumerable.Range(0, 4).Select(_ => arena.Allocate(1)));
        arena.FreeMany([2, 0, 3], 1);
        Assert.Equal([2u, 0, 3], Enumerable.Range(0, 3).Select(_ => arena.Allocate(1)));
    }

    [Fact]
    public void A_batch_rests_in_the_order_in_which_it_is_named_and_sets_the_timer()
    {
        ArenaOptions<uint> options = new() { ReuseDelay = TimeSpan.FromSeconds(1), TimeProvider = _time };
        using Arena<uint> arena = new("rests", 0, 4, 1, options);
        Assert.Equal([0u, 1, 2, 3], Enumerable.Range(0, 4).Select(_ => arena.Allocate(1)));
        arena.FreeMany([2, 0, 3], 1);
        Assert.Equal([2u, 0, 3], arena.Snapshot().Resting.Select(rest => rest.Start));
        Assert.Equal(1, _time.Timers);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3u, arena.GetStatistics().Free);
    }

    [Fact]
    public void A_batch_of_handles_rests_and_sets_the_timer()
    {
        ArenaOptions<uint> options = new() { ReuseDelay = TimeSpan.FromSeconds(1), TimeProvider = _time };
        using Arena<uint> arena = new("rests", 0, 1_000, 1, options);
        var handles = new RangeHandle<uint>[1_000];
        for (int i = 0; i < handles.Length; i++)
        {
            Assert.True(arena.TryAllocateHandle(1, out handles[i]));
        }

        arena.FreeMany(handles);
        Assert.Equal(1_000u, arena.GetStatistics().Resting);
        Assert.Equal(1, _time.Timers);
        arena.Validate();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1_000u, arena.GetStatistics().Free);
    }

    /// <summary>The source is asked twice in vain: the second time because the free has made an import empty, which goes back. Then the
    /// free was news, and it is asked once more.</summary>
    [Theory]
    [InlineData("address")]
    [InlineData("handle")]
    [InlineData("fence")]
    public void What_is_freed_while_the_source_is_asked_is_news(string by)
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source, SingleThreaded = true });
        Assert.True(arena.TryAllocateHandle(64, out RangeHandle<uint> held));
        if (by == "fence")
        {
            arena.FreeAt(held, 1);
        }

        source.Answer = static (_, _) => null;
        Task<uint> waits = arena.AllocateAsync(128, TestContext.Current.CancellationToken).AsTask();
        int asks = 0;
        source.Answer = (size, _) =>
        {
            if (++asks == 1 && by == "fence")
            {
                arena.CompleteFence(1);
            }
            else if (asks == 1)
            {
                Free(arena, held, by == "handle");
            }

            return asks < 3 ? null : (4_096u, size);
        };
        arena.RetryWaiters();
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal(3, asks);
    }

    private static void Free(Arena<uint> arena, RangeHandle<uint> handle, bool byHandle)
    {
        if (byHandle)
        {
            arena.Free(handle);
        }
        else
        {
            arena.Free(handle.Start, handle.Size);
        }
    }

    private static Arena<uint> Full(params uint[] sizes)
    {
        Arena<uint> arena = new("full", 0, (uint)sizes.Sum(size => size), 1);
        uint next = 0;
        foreach (uint size in sizes)
        {
            Assert.Equal(next, arena.Allocate(size));
            next += size;
        }

        return arena;
    }
}
