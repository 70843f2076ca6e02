using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Notes;

/// <summary>Tags of ranges: where they come from, where they are seen, and that none outlives its range.</summary>
public sealed class TagTests
{
    private static readonly ArenaOptions<ulong> s_tagged = new() { Tagged = true };

    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.LastFit)]
    public void A_tag_is_given_with_the_request_and_seen_everywhere(FitPolicy policy)
    {
        using var arena = new Arena<ulong>("tags", 0, 1_000, 1, s_tagged);
        ulong plain = arena.Allocate(10);
        Assert.True(arena.TryAllocateConstrained(20, new() { Tag = 7 }, policy, out ulong start));
        Assert.True(arena.TryAllocateHandle(30, new() { Tag = ulong.MaxValue }, policy, out RangeHandle<ulong> handle));
        Assert.Equal([0, 7, ulong.MaxValue], new[] { plain, start, handle.Start }.Select(value => TagAt(arena, value)));
        Assert.Equal(3, arena.GetSegments().Count(segment => segment.Kind == SegmentKind.Allocated));
        Assert.Equal(1, arena.GetSegments().Count(segment => segment.Tag == 7 && segment.Start == start && segment.Size == 20));
        var dump = new StringWriter();
        arena.Dump(dump);
        Assert.Contains("allocated  tag 7", dump.ToString(), StringComparison.Ordinal);
        arena.Validate();
    }

    [Fact]
    public void A_tag_does_not_outlive_its_range()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        ulong start = arena.AllocateConstrained(100, new() { Tag = 7 });
        arena.Free(start, 100);
        Assert.Equal(0ul, TagAt(arena, 0));
        Assert.Equal(start, arena.Allocate(100));
        Assert.Equal(0ul, TagAt(arena, 0));
    }

    [Fact]
    public void A_tag_is_set_later_also_by_handle_and_stays_with_a_resize()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        ulong start = arena.Allocate(10);
        Assert.True(arena.SetTag(start, 5));
        Assert.True(arena.TryExtend(start, 10, 20));
        Assert.Equal(5ul, TagAt(arena, start + 19));
        Assert.True(arena.TryAllocateHandle(10, out RangeHandle<ulong> handle));
        Assert.True(arena.SetTag(handle, 6));
        Assert.Equal(6ul, TagAt(arena, handle.Start));
        Assert.True(arena.SetTag(handle.Start, 8));
        Assert.Equal(8ul, TagAt(arena, handle.Start));
        Assert.False(arena.SetTag(start + 1, 5));
        Assert.False(arena.SetTag(99, 5));
        Assert.False(arena.SetTag(1_000, 5));
        arena.Free(handle);
        Assert.False(arena.SetTag(handle, 6));
    }

    [Fact]
    public void A_snapshot_keeps_tags_and_a_restored_arena_has_them()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        _ = arena.AllocateConstrained(10, new() { Tag = 7 });
        _ = arena.Allocate(10);
        string json = arena.Snapshot().ToJson();
        Assert.Contains("[\"0\",\"10\",\"7\"],[\"10\",\"10\"]", json, StringComparison.Ordinal);
        using Arena<ulong> restored = Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(json), s_tagged);
        Assert.Equal(arena.GetSegments(), restored.GetSegments());
        using Arena<ulong> untagged = Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(json));
        Assert.Equal(0ul, TagAt(untagged, 0));
    }

    [Fact]
    public void Claims_keep_the_tags_of_what_they_load()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        arena.AllocateAtMany([new Segment<ulong>(0, 5, SegmentKind.Allocated) { Tag = 1 },
            new Segment<ulong>(5, 5, SegmentKind.Allocated) { Tag = 2 }]);
        Assert.Equal((1ul, 2ul), (TagAt(arena, 0), TagAt(arena, 5)));
    }

    [Fact]
    public void A_waiting_request_keeps_its_tag()
    {
        using var arena = new Arena<ulong>("tags", 0, 10, 1, s_tagged);
        ulong all = arena.Allocate(10);
        ValueTask<ulong> waiting = arena.AllocateAsync(10, new RangeConstraints<ulong> { Tag = 3 }, TestContext.Current.CancellationToken);
        arena.Free(all, 10);
        Assert.True(waiting.IsCompletedSuccessfully);
        Assert.Equal(3ul, TagAt(arena, 0));
    }

    [Fact]
    public void A_move_takes_the_tag_along()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        arena.AllocateAtMany([new Segment<ulong>(50, 5, SegmentKind.Allocated) { Tag = 9 }]);
        RangeMove<ulong> move = Assert.Single(arena.PlanDefragmentation(new()));
        Assert.Equal(new RangeMove<ulong>(50, 0, 5, 9), move);
        Assert.True(arena.BeginMove(move));
        Assert.Equal(9ul, TagAt(arena, 0));
    }

    [Fact]
    public void Parts_and_moved_ranges_keep_the_tag()
    {
        using var arena = new Arena<ulong>("tags", 0, 100, 1, s_tagged);
        ulong start = arena.AllocateConstrained(30, new() { Tag = 4 });
        arena.Split(start, 30, start + 10);
        arena.FreePart(start + 10, 20, start + 15, 5);
        Assert.Equal([4ul, 4ul, 0ul, 4ul], new[] { start, start + 10, start + 15, start + 20 }.Select(value => TagAt(arena, value)));
        Assert.True(arena.TryMove(start + 20, 10, 80));
        Assert.True(arena.TryMove(80, 10, 85));
        Assert.Equal((0ul, 4ul), (TagAt(arena, start + 20), TagAt(arena, 85)));
        arena.Validate();
    }

    [Fact]
    public void An_arena_with_tags_caches_nothing()
    {
        using var arena = new Arena<ulong>("tags", 0, 10_000, 1, new() { Tagged = true, QuantumCacheMax = 8 });
        ulong tagged = arena.AllocateConstrained(4, new() { Tag = 7 });
        arena.Free(tagged, 4);
        Assert.Equal(0ul, arena.GetStatistics().Cached);
        Assert.Equal(tagged, arena.Allocate(4));
        Assert.Equal(0ul, TagAt(arena, tagged));
        Assert.True(arena.SetTag(tagged, 5));
        Assert.True(arena.TryExtend(tagged, 4, 3));
        Assert.True(arena.TryAllocateHandle(4, new() { Tag = 9 }, FitPolicy.InstantFit, out RangeHandle<ulong> handle));
        arena.Free(handle.Start, 4);
        Assert.Equal(3ul, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void A_range_that_goes_straight_to_a_waiter_does_not_keep_its_tag()
    {
        using var arena = new Arena<ulong>("tags", 0, 10, 1, s_tagged);
        ulong all = arena.AllocateConstrained(10, new() { Tag = 7 });
        ValueTask<ulong> waiting = arena.AllocateAsync(10, TestContext.Current.CancellationToken);
        arena.Free(all, 10);
        Assert.True(waiting.IsCompletedSuccessfully);
        Assert.Equal(0ul, TagAt(arena, 0));
    }

    [Fact]
    public void An_arena_without_tags_says_so()
    {
        using var arena = new Arena<ulong>("plain", 0, 100, 1);
        Assert.Contains("Tagged", Assert.Throws<ArgumentException>(() => arena.AllocateConstrained(1, new() { Tag = 1 })).Message,
            StringComparison.Ordinal);
        Assert.Contains("Tagged", Assert.Throws<InvalidOperationException>(() => arena.SetTag(0, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("Tagged", Assert.Throws<InvalidOperationException>(() => arena.SetTag(default(RangeHandle<ulong>), 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("KindGranularity",
            Assert.Throws<ArgumentException>(() => arena.AllocateConstrained(1, new() { Kind = 1 })).Message, StringComparison.Ordinal);
        _ = Assert.Throws<ArgumentException>(() => new Arena<ulong>("odd", 1, new() { KindGranularity = 3 }));
    }

    /// <summary>Against a table of who has which tag; with trims in between, which leave tags where they are.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_live_range_has_the_tag_it_was_given_last(int seed)
    {
        var random = new Random(seed);
        using var arena = new Arena<uint>("tags", 0, 20_000, 1, new() { Tagged = true });
        Dictionary<uint, (uint Size, ulong Tag)> live = [];
        for (int step = 0; step < 20_000; step++)
        {
            uint size = (uint)random.Next(1, 30);
            ulong tag = (ulong)random.Next(5);
            if (random.Next(5) < 3 && arena.TryAllocateConstrained(size, new() { Tag = tag, Align = 1u << random.Next(4) },
                (FitPolicy)random.Next(5), out uint start))
            {
                live.Add(start, (size, tag));
            }
            else if (live.Count > 0)
            {
                (uint victim, (uint length, _)) = live.ElementAt(random.Next(live.Count));
                if (random.Next(3) == 0)
                {
                    Assert.True(arena.SetTag(victim, tag));
                    live[victim] = (length, tag);
                }
                else
                {
                    arena.Free(victim, length);
                    _ = live.Remove(victim);
                }
            }

            if (step % 5_000 == 4_999)
            {
                _ = arena.Reap();
            }
        }

        Assert.Equal(
            live.OrderBy(range => range.Key).Select(range => (range.Key, range.Value.Size, range.Value.Tag)),
            arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Allocated).Select(segment =>
                (segment.Start, segment.Size, segment.Tag)));
        arena.Validate();
    }

    private static ulong TagAt(Arena<ulong> arena, ulong value) => arena.TryGetSegment(value, out Segment<ulong> segment) ? segment.Tag : 0;
}
