using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What an arena with quantum caches promises, each promise by name.</summary>
public class QuantumCacheTests
{
    private static Arena<uint> Make(uint size = 1_000, uint cacheMax = 5, uint quantum = 1, IArenaSource<uint>? source = null) =>
        new("cached", 0, size, quantum, new ArenaOptions<uint> { QuantumCacheMax = cacheMax, Source = source });

    /// <summary>Acceptance 6: qcacheMax 5 makes slabs of 64 units, and 3-unit ranges fill all but one of them.</summary>
    [Fact]
    public void A_slab_of_64_units_holds_twenty_one_ranges_of_3()
    {
        using Arena<uint> arena = Make();
        uint first = arena.Allocate(3);
        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(3u, statistics.InUse);
        Assert.Equal(60u, statistics.Cached);
        Assert.Equal(1_000u - 63, statistics.Free);
        HashSet<uint> starts = [first];
        for (int i = 1; i < 21; i++)
        {
            Assert.True(starts.Add(arena.Allocate(3)));
        }

        Assert.Equal(0u, arena.GetStatistics().Cached);
        Assert.True(starts.Max() - starts.Min() < 63);
        Assert.True(arena.Allocate(3) >= 64);
        arena.Validate();
    }

    [Theory]
    [InlineData(1u, 64u)]
    [InlineData(5u, 64u)]
    [InlineData(16u, 64u)]
    [InlineData(21u, 64u)]
    [InlineData(22u, 128u)]
    [InlineData(64u, 256u)]
    public void A_slab_is_the_next_power_of_two_strictly_above_three_times_the_largest_size_and_at_least_64(uint cacheMax, uint slab)
    {
        using Arena<uint> arena = Make(size: 4_096, cacheMax: cacheMax);
        arena.Allocate(1);
        Assert.Equal(slab, arena.GetStatistics().Cached + 1);
    }

    [Fact]
    public void Address_0_is_cacheable()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
        Assert.Contains(0u, starts);
        Array.ForEach(starts, start => arena.Free(start, 1));
        Assert.Contains(0u, Enumerable.Range(0, 64).Select(_ => arena.Allocate(1)));
    }

    [Fact]
    public void A_cached_size_is_met_from_the_caches_whatever_policy_the_call_names()
    {
        using Arena<uint> arena = Make();
        uint start = arena.Allocate(3);
        foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
        {
            arena.Free(start, 3);
            Assert.Equal(start, arena.Allocate(3, policy));
        }
    }

    [Fact]
    public void What_was_freed_last_is_handed_out_next()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 20).Select(_ => arena.Allocate(2))];
        arena.Free(starts[7], 2);
        Assert.Equal(starts[7], arena.Allocate(2));
    }

    [Fact]
    public void Sizes_round_up_to_the_quantum_of_the_caches()
    {
        using Arena<uint> arena = Make(size: 65_536, cacheMax: 50, quantum: 16);
        uint start = arena.Allocate(17);
        arena.Free(start, 32);
        Assert.Equal(start, arena.Allocate(25));
        Assert.Equal(32u, arena.GetStatistics().InUse);
        Assert.Equal(64u * 16, arena.GetStatistics().Cached + 32);
        arena.Free(arena.Allocate(64), 60);       // 64 is the largest: 50 rounded up
        Assert.Equal(2 * 64u * 16, arena.GetStatistics().Cached + 32);
    }

    [Fact]
    public void Next_fit_and_a_quantum_cache_contradict_each_other()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new Arena<uint>(
            "ids",
            1,
            new ArenaOptions<uint> { Policy = FitPolicy.NextFit, QuantumCacheMax = 1 }));
        Assert.Contains("Next fit", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_sizes_and_slabs_that_the_type_cannot_hold_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new Arena<uint>("many", 4, new ArenaOptions<uint> { QuantumCacheMax = 65 * 4 }));
        Assert.Throws<ArgumentException>(() => new Arena<byte>("small", 4, new ArenaOptions<byte> { QuantumCacheMax = 4 }));
        using Arena<byte> fits = new("fits", 2, new ArenaOptions<byte> { QuantumCacheMax = 2 });
        Assert.Equal(0, fits.GetStatistics().TotalSize);
    }

    [Fact]
    public void Statistics_count_what_callers_hold_and_what_caches_hold()
    {
        using Arena<uint> arena = Make(cacheMax: 8);
        uint[] starts = [.. Enumerable.Range(0, 10).Select(_ => arena.Allocate(4))];
        arena.Free(starts[0], 4);
        arena.Free(starts[1], 4);
        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(32u, statistics.InUse);
        Assert.Equal(32u, statistics.Cached);
        Assert.Equal(1_000u - 64, statistics.Free);
        Assert.Equal(40u, statistics.PeakInUse);
        Assert.Equal(10, statistics.Allocations);
        Assert.Equal(2, statistics.Frees);
        Assert.Equal(8, statistics.LiveSegments);
    }

    [Fact]
    public void Reap_empties_the_caches_and_says_how_much_there_was()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        Assert.Equal(128u, arena.GetStatistics().Cached);
        Assert.Equal(128u, arena.Reap());
        Assert.Equal("{0+1000: (0+1000)}", ArenaPicture.Segments(arena));
        Assert.Equal(0u, arena.Reap());
        arena.Validate();
    }

    /// <summary>What no other implementation does: a slab of which a range is out does not keep the rest of it from others.</summary>
    [Fact]
    public void A_request_takes_what_lies_idle_in_the_slab_of_another_size()
    {
        using Arena<uint> arena = Make(size: 64);
        uint held = arena.Allocate(1);
        uint rest = arena.Allocate(63);
        Assert.Equal(0u, held);
        Assert.Equal(1u, rest);
        Assert.False(arena.TryAllocate(1, out _));
        arena.Free(held, 1);
        arena.Free(rest, 63);
        Assert.Equal(64u, arena.Allocate(64) + 64);
    }

    [Fact]
    public void No_request_fails_while_another_threads_magazine_holds_what_it_needs()
    {
        using Arena<uint> arena = Make(size: 64);
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
        using ManualResetEventSlim done = new();
        using ManualResetEventSlim go = new();
        Thread other = new(() =>
        {
            Array.ForEach(starts, start => arena.Free(start, 1));
            done.Set();
            go.Wait(CancellationToken.None);
        });
        other.Start();
        Assert.True(done.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        for (int i = 0; i < 64; i++)
        {
            Assert.True(arena.TryAllocate(1, out _), $"allocation {i}");
        }

        Assert.False(arena.TryAllocate(1, out _));
        go.Set();
        other.Join();
        Assert.Equal(1, arena.GetStatistics().Failures);
        arena.Validate();
    }

    [Fact]
    public void A_constrained_request_finds_its_place_in_a_cache()
    {
        using Arena<uint> arena = Make(size: 128);
        arena.Free(arena.Allocate(1), 1);
        Assert.True(arena.TryAllocateConstrained(64, new() { Align = 64, Max = 64 }, FitPolicy.BestFit, out uint start));
        Assert.Equal(0u, start);
    }

    [Fact]
    public void A_range_of_a_slab_shrinks_and_grows_in_place()
    {
        using Arena<uint> arena = Make();
        uint start = arena.Allocate(3);
        Assert.True(arena.TryExtend(start, 3, 2));
        Assert.True(arena.TryExtend(start, 2, 40));
        Assert.Equal(40u, arena.GetStatistics().InUse);
        arena.Validate();
        arena.Free(start, 40);
        arena.Reap();
        Assert.Equal("{0+1000: (0+1000)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void Freeing_past_the_caches_what_came_from_them_is_refused()
    {
        using Arena<uint> arena = Make();
        uint start = arena.Allocate(3);
        InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(start, 3));
        Assert.Equal(InvalidFreeReason.OtherOwner, wrong.Reason);
        Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(start, 2)).Reason);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => arena.Free(start + 1, 30)).Reason);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(start + 3, 30)).Reason);
        arena.Free(start, 3);
        arena.Validate();
    }

    [Fact]
    public void Where_the_caller_is_trusted_a_double_free_is_found_by_Validate()
    {
        using Arena<uint> arena = new("trusting", 0, 1_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 5, TrustCaller = true });
        uint start = arena.Allocate(3);
        arena.Free(start, 3);
        arena.Free(start, 3);
        Assert.Contains("twice", Assert.Throws<InvariantViolationException>(arena.Validate).Message, StringComparison.Ordinal);
        arena.Reap();
        Assert.Contains("twice", Assert.Throws<InvariantViolationException>(arena.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_holds_what_callers_hold()
    {
        using Arena<uint> arena = Make(size: 128);
        uint[] starts = [.. Enumerable.Range(0, 5).Select(_ => arena.Allocate(3))];
        arena.Free(starts[1], 3);
        uint large = arena.Allocate(20);
        ArenaSnapshot<uint> snapshot = arena.Snapshot();
        IEnumerable<uint> ranges = snapshot.Spans[0].Allocated.Select(range => range.Start);
        Assert.Equal([starts[0], starts[2], starts[3], starts[4], large], ranges);
        using Arena<uint> restored = Arena<uint>.Restore(snapshot, new ArenaOptions<uint> { QuantumCacheMax = 5 });
        restored.Free(starts[0], 3);
        Assert.Equal(starts[0], restored.Allocate(3));
        Assert.Equal(32u, restored.GetStatistics().InUse);
        restored.Validate();
    }

    [Fact]
    public void Segments_show_what_is_cached()
    {
        using Arena<uint> arena = Make(size: 100);
        uint start = arena.Allocate(5);
        Segment<uint>[] segments = [.. arena.GetSegments()];
        Assert.Equal([
            new(0, 100, SegmentKind.Span),
            new(start, 5, SegmentKind.Allocated),
            new(5, 55, SegmentKind.Cached),
            new(60, 40, SegmentKind.Free)
        ], segments);
        Assert.True(arena.TryGetSegment(2, out Segment<uint> held));
        Assert.Equal(segments[1], held);
        Assert.True(arena.TryGetSegment(7, out Segment<uint> cached));
        Assert.Equal(new Segment<uint>(5, 5, SegmentKind.Cached), cached);
        StringWriter dump = new();
        arena.Dump(dump);
        Assert.Contains("cached 55", dump.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Imports_are_whole_slabs_and_go_back()
    {
        using Arena<uint> parent = new("parent", 0, 4_096, 1);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { QuantumCacheMax = 5, Source = parent });
        uint start = arena.Allocate(3);
        Assert.Equal(64u, arena.GetStatistics().TotalSize);
        Assert.Equal(64u, parent.GetStatistics().InUse);
        uint large = arena.Allocate(100);
        Assert.Equal(128u + 64, arena.GetStatistics().TotalSize);
        arena.Free(large, 100);
        arena.Free(start, 3);
        Assert.Equal(192u, arena.Reap());
        Assert.Equal(0u, parent.GetStatistics().InUse);
        parent.Validate();
    }

    /// <summary>A source that has no room for a slab still serves what it has.</summary>
    [Fact]
    public void A_source_without_room_for_a_slab_meets_the_request_itself()
    {
        using Arena<uint> parent = new("parent", 0, 10, 1);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { QuantumCacheMax = 5, Source = parent });
        Assert.True(arena.TryAllocate(5, out uint first));
        Assert.True(arena.TryAllocate(5, out uint second));
        Assert.False(arena.TryAllocate(1, out _));
        arena.Free(first, 5);
        arena.Free(second, 5);
        Assert.True(arena.TryAllocate(10, out _));
    }

    [Fact]
    public void Dispose_reports_what_callers_leaked_and_not_what_caches_held()
    {
        ArenaLeak<uint>? leak = null;
        Arena<uint> arena = new("leaky", 0, 1_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Leaked = found => leak = found });
        uint lost = arena.Allocate(4);
        arena.Free(arena.Allocate(4), 4);
        arena.Dispose();
        Assert.Equal((1L, 4u, lost), (leak!.Ranges, leak.Size, leak.First[0].Start));
        Assert.Throws<ObjectDisposedException>(() => arena.Allocate(4));
        Assert.Throws<ObjectDisposedException>(() => arena.Free(lost, 4));
    }

    [Fact]
    public void Dispose_without_a_leak_reports_none()
    {
        Arena<uint> arena = new("tidy", 0, 1_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Leaked = _ => Assert.Fail("nothing was leaked") });
        arena.Free(arena.Allocate(4), 4);
        arena.Dispose();
    }

    [Fact]
    public void A_span_is_removed_though_caches_hold_parts_of_it()
    {
        using Arena<uint> arena = Make(size: 64);
        uint start = arena.Allocate(1);
        Assert.False(arena.TryRemoveSpan(0, 64));
        arena.Free(start, 1);
        Assert.True(arena.TryRemoveSpan(0, 64));
    }

    [Fact]
    public void An_arena_of_every_value_of_a_byte_hands_out_every_value_through_its_caches()
    {
        using Arena<byte> arena = new("bytes", 0, 128, 1, new ArenaOptions<byte> { QuantumCacheMax = 3 });
        arena.AddSpan(128, 128);
        HashSet<byte> values = [.. Enumerable.Range(0, 256).Select(_ => arena.Allocate(1))];
        Assert.Equal(256, values.Count);
        Assert.False(arena.TryAllocate(1, out _));
        Assert.Equal(byte.MaxValue, arena.GetStatistics().InUse);
        foreach (byte value in values)
        {
            arena.Free(value, 1);
        }

        // All 256 values lie in caches: a number that a byte cannot hold, and not nothing.
        Assert.Equal(byte.MaxValue, arena.GetStatistics().Cached);
        byte large = arena.Allocate(100);
        arena.Free(large, 100);
        arena.Reap();
        Assert.Equal("{0+128: (0+128)} {128+128: (128+128)}", ArenaPicture.Segments(arena));
    }
}
