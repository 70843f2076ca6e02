using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>An import that is lost is gone at once, whatever lives in it, and does not go to the source.</summary>
public class RevokeTests
{
    [Fact]
    public void Live_ranges_are_reported_and_later_frees_of_them_refused()
    {
        List<ArenaRevocation<uint>> reports = [];
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = source, Revoked = reports.Add, Tagged = true });
        uint one = arena.AllocateConstrained(10, new() { Tag = 7 });
        uint two = arena.Allocate(20);
        Assert.True(arena.TryAllocateHandle(5, out RangeHandle<uint> handle));
        arena.FreeAt(two, 20, fence: 3);
        Assert.True(arena.Revoke(1_024, 64));
        arena.Validate();
        ArenaRevocation<uint> report = Assert.Single(reports);
        Assert.Equal(("leased", 1_024u, 64u), (report.ArenaName, report.Start, report.Size));
        Assert.Equal([new(one, 10, SegmentKind.Allocated) { Tag = 7 }, new(handle.Start, 5, SegmentKind.Allocated)], report.Ranges);
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((0u, 0u, 0u, 0L), (figures.TotalSize, figures.InUse, figures.Resting, figures.LiveSegments));
        Assert.Equal((1L, 0L, 1L, 0), (figures.Imports, figures.Releases, figures.Revocations, source.Releases));
        Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.Free(one, 10)).Reason);
        Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.FreeMany([two], 20)).Reason);
        Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.TryExtend(one, 10, 5)).Reason);
        Assert.Equal(InvalidFreeReason.NotAllocated, Assert.Throws<InvalidFreeException>(() => arena.Free(5_000, 1)).Reason);
        Assert.Equal(1_088u, arena.Allocate(1));
        arena.Validate();
    }

    /// <summary>By handle the old range and the new one are told apart; by address they cannot be.</summary>
    [Fact]
    public void A_place_that_is_imported_again_is_another()
    {
        ScriptedSource<uint> source = new(64u, (_, _) => (0u, 64u));
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = source });
        Assert.True(arena.TryAllocateHandle(64, out RangeHandle<uint> old));
        Assert.True(arena.Revoke(0, 64));
        Assert.True(arena.TryAllocateHandle(64, out RangeHandle<uint> next));
        Assert.Equal((old.Start, old.Size), (next.Start, next.Size));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(old)).Reason);
        arena.Free(next);
        arena.Validate();
        Assert.Equal(0, source.WrongReleases);
    }

    [Fact]
    public void What_is_no_import_is_not_revoked()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("mixed", 0, 100, 1, new ArenaOptions<uint> { Source = source });
        Assert.Equal(1_024u, arena.AllocateConstrained(10, new() { Min = 1_000 }));
        Assert.Throws<ArgumentException>(() => arena.Revoke(0, 100));
        Assert.Throws<ArgumentException>(() => arena.Revoke(1_024, 32));
        Assert.Throws<ArgumentException>(() => arena.Revoke(1_056, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Revoke(1_024, 0));
        Assert.False(arena.Revoke(4_096, 64));
        using Arena<uint> alone = new("alone", 0, 100, 1);
        Assert.Throws<ArgumentException>(() => alone.Revoke(0, 100));
        Assert.Throws<ArgumentException>(() => alone.Retire(0, 50));
        alone.Retire(0, 100);
        Assert.Equal(0u, alone.GetStatistics().TotalSize);
        Assert.Throws<ArgumentException>(() => alone.Retire(0, 100));
        arena.Validate();
        Assert.Equal(64u, arena.GetStatistics().Imported);
    }

    /// <summary>The source loses a span after it gave it and before the arena has it: the arena never gives anything of it.</summary>
    [Fact]
    public void An_import_on_its_way_is_not_added()
    {
        Arena<uint>? arena = null;
        int calls = 0;
        ScriptedSource<uint> source = new(64u, (_, _) =>
        {
            if (calls++ == 0)
            {
                Assert.False(arena!.Revoke(0, 64));
            }

            return (0u, 64u);
        });
        arena = new("leased", 1, new ArenaOptions<uint> { Source = source });
        using (arena)
        {
            Assert.Equal(0u, arena.Allocate(1));                // of the second import of the same place
            ArenaStatistics<uint> figures = arena.GetStatistics();
            Assert.Equal((2, 0, 2L, 1L), (source.Imports, source.Releases, figures.Imports, figures.Revocations));
            arena.Validate();
        }
    }

    [Fact]
    public void Wrong_frees_of_cached_sizes_are_refused_too()
    {
        ScriptedSource<uint> source = TestSources.Ascending(256u, 1_024u);
        List<ArenaRevocation<uint>> reports = [];
        using Arena<uint> arena = new("cached", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 8, Revoked = reports.Add });
        uint[] starts = [.. Enumerable.Range(0, 40).Select(_ => arena.Allocate(4))];
        Array.ForEach(starts[20..], start => arena.Free(start, 4));
        (uint first, uint size) = Assert.Single(source.Outstanding);
        Assert.True(arena.Revoke(first, size));
        arena.Validate();
        Assert.Equal(starts[..20].Order(), Assert.Single(reports).Ranges.Select(range => range.Start).Order());
        foreach (uint start in starts)
        {
            Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.Free(start, 4)).Reason);
        }

        Assert.True(arena.Allocate(4) >= first + size);
        arena.Validate();
    }

    [Fact]
    public void Who_waits_is_served_elsewhere_and_a_callback_that_throws_is_heard()
    {
        using Arena<uint> below = new("below", 0, 128, 64);
        ArenaOptions<uint> options = new() { Source = below, Limit = 64, Revoked = static _ => throw new TimeZoneNotFoundException() };
        using Arena<uint> arena = new("leased", 1, options);
        Assert.Equal(0u, arena.Allocate(64));
        ValueTask<uint> waiter = arena.AllocateAsync(10);
        Assert.False(waiter.IsCompleted);
        Assert.Throws<TimeZoneNotFoundException>(() => arena.Revoke(0, 64));
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(64u, waiter.Result);
        Assert.Equal(128u, below.GetStatistics().InUse);        // nothing was released: the source knows by itself
        arena.Validate();
    }

    [Fact]
    public void An_arena_above_revokes_in_turn_and_may_give_back_what_is_gone()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        List<ArenaRevocation<uint>> reports = [];
        using Arena<uint> middle = new("middle", 64, new ArenaOptions<uint> { Source = source, Revoked = reports.Add });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle, Revoked = reports.Add });
        uint one = top.Allocate(64);
        uint two = top.Allocate(64);
        Assert.True(middle.Revoke(one, 64));
        Assert.Equal((one, 64u), (Assert.Single(reports[0].Ranges).Start, reports[0].Ranges[0].Size));
        Assert.True(top.Revoke(one, 64));
        Assert.Equal(one, Assert.Single(reports[1].Ranges).Start);
        Assert.True(middle.Revoke(two, 64));
        top.Free(two, 64);                                      // it does not know yet
        _ = top.Reap();
        Assert.Equal((0u, 0u, 0), (top.GetStatistics().TotalSize, middle.GetStatistics().TotalSize, source.Releases));
        middle.Validate();
        top.Validate();
    }

    [Fact]
    public void An_audit_tells_what_became_of_it()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("audited", 1, new ArenaOptions<uint> { Source = source, Audit = true });
        uint one = arena.Allocate(10);
        Assert.True(arena.Revoke(1_024, 64));
        arena.Validate();
        InvalidFreeException refused = Assert.Throws<InvalidFreeException>(() => arena.Free(one, 10));
        Assert.Equal(InvalidFreeReason.Revoked, refused.Reason);
        Assert.Contains("Revoke", refused.Message, StringComparison.Ordinal);
        Assert.Empty(arena.GetAuditReport().Groups);
    }

    /// <summary>Random calls, and revocations between any two of them: what is reported is what was held there, and nothing is given of
    /// what is lost.</summary>
    [Theory]
    [InlineData(0u, false)]
    [InlineData(8u, false)]
    [InlineData(0u, true)]
    public void Random_calls_with_revocations_agree_with_what_is_held(uint cacheMax, bool rests)
    {
        for (int seed = 0; seed < 40; seed++)
        {
            Random random = new(seed);
            ManualTime time = new();
            List<ArenaRevocation<uint>> reports = [];
            ScriptedSource<uint> source = Recycling();
            using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint>
            {
                Source = source,
                QuantumCacheMax = cacheMax,
                MinImport = 64,
                RetainedImport = 128,
                Revoked = reports.Add,
                TimeProvider = time,
            });
            SortedDictionary<uint, (uint Size, RangeHandle<uint> Handle)> live = [];
            List<(uint Start, uint Size)> lost = [];
            for (int step = 0; step < 400; step++)
            {
                uint size = 1 + (uint)random.Next(20);
                int draw = random.Next(100);
                if (draw < 45 && live.Count < 60)
                {
                    RangeHandle<uint> handle = default;
                    uint start = random.Next(4) == 0 && arena.TryAllocateHandle(size, out handle) ? handle.Start : arena.Allocate(size);
                    Assert.True(live.TryAdd(start, (size, handle)));
                }
                else if (draw < 88 && live.Count > 0)
                {
                    (uint start, (uint length, RangeHandle<uint> handle)) = live.ElementAt(random.Next(live.Count));
                    live.Remove(start);
                    if (rests && random.Next(2) == 0)
                    {
                        arena.FreeAfter(start, length, TimeSpan.FromSeconds(random.Next(3)));
                    }
                    else if (handle != default)
                    {
                        arena.Free(handle);
                    }
                    else
                    {
                        arena.Free(start, length);
                    }
                }
                else if (draw < 95 && source.Outstanding.Count > 0)
                {
                    (uint first, uint length) = source.Outstanding[random.Next(source.Outstanding.Count)];
                    reports.Clear();
                    Assert.True(arena.Revoke(first, length));
                    (uint Start, uint Size)[] gone =
                        [.. live.Where(range => range.Key - first < length).Select(range => (range.Key, range.Value.Size))];
                    Assert.Equal(gone, Assert.Single(reports).Ranges.Select(range => (range.Start, range.Size)).Order());
                    foreach ((uint start, uint held) in gone)
                    {
                        live.Remove(start);
                        Assert.Equal(InvalidFreeReason.Revoked, Assert.Throws<InvalidFreeException>(() => arena.Free(start, held)).Reason);
                    }

                    source.Lose(first, length);
                }
                else
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                }

                arena.Validate();
                ArenaStatistics<uint> figures = arena.GetStatistics();
                Assert.Equal((live.Count, live.Sum(range => range.Value.Size)), ((int)figures.LiveSegments, (long)figures.InUse));
                Assert.Equal(source.Outstanding.Sum(span => span.Size), figures.TotalSize);
                Assert.Equal(0, source.WrongReleases);
            }
        }
    }

    /// <summary>Gives the lowest of a few places that is not out: places come again.</summary>
    private static ScriptedSource<uint> Recycling()
    {
        ScriptedSource<uint>? source = null;
        source = new ScriptedSource<uint>(64u, (size, constraints) =>
        {
            uint length = (size + 63) / 64 * 64;
            for (uint start = 0; constraints == default && start < 1 << 16; start += 64)
            {
                if (!source!.Outstanding.Any(span => span.Start < start + length && start < span.Start + span.Size))
                {
                    return (start, length);
                }
            }

            return null;
        });
        return source;
    }
}
