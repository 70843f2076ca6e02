using Vmem.Checks;
using Vmem.Testing.Recording;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>What a revocation leaves behind: in the memory of what was lost, the caches, the timer and a recording.</summary>
public class RevokeEdgeTests
{
    [Fact]
    public void Without_a_source_nothing_is_on_its_way()
    {
        using Arena<uint> arena = new("alone", 0, 100, 1);
        Assert.Contains("has no source", Assert.Throws<ArgumentException>(() => arena.Revoke(500, 100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_64_are_remembered()
    {
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = TestSources.Ascending(64u, 1_024u) });
        uint[] lost = [.. Enumerable.Range(0, 66).Select(_ => arena.Allocate(64))];
        Assert.All(lost, start => Assert.True(arena.Revoke(start, 64)));
        Assert.Equal(
            [InvalidFreeReason.NotAllocated, InvalidFreeReason.NotAllocated, InvalidFreeReason.Revoked, InvalidFreeReason.Revoked],
            ((uint[])[lost[0], lost[1], lost[2], lost[65]]).Select(start => ReasonOf(arena, start, 64)));
    }

    [Fact]
    public void A_lost_place_that_came_and_went_again_is_no_lost_one()
    {
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = new ScriptedSource<uint>(64u, (_, _) => (0u, 64u)) });
        _ = arena.Allocate(64);
        Assert.True(arena.Revoke(0, 64));
        Assert.Equal(InvalidFreeReason.Revoked, ReasonOf(arena, 0, 64));
        arena.Free(arena.Allocate(64), 64);
        Assert.Equal(64u, arena.Reap());
        Assert.Equal(InvalidFreeReason.NotAllocated, ReasonOf(arena, 0, 64));
    }

    /// <summary>Ranges that were lost are not taken for those of the import that came to their place; and its own are cached.</summary>
    [Fact]
    public void Caches_know_the_next_import_of_a_place_from_the_lost_one()
    {
        ScriptedSource<uint> source = new(256u, (_, _) => (0u, 256u));
        using Arena<uint> arena = new("cached", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 8 });
        uint[] lost = [.. Enumerable.Range(0, 4).Select(_ => arena.Allocate(4))];
        Assert.True(arena.Revoke(0, 256));
        uint[] next = [.. Enumerable.Range(0, 4).Select(_ => arena.Allocate(8))];
        Assert.Equal([0u, 4u, 8u, 12u], lost);
        Assert.Equal([0u, 8u, 16u, 24u], next);
        Assert.Equal(InvalidFreeReason.InteriorAddress, ReasonOf(arena, 4, 4));
        Assert.Equal(InvalidFreeReason.InteriorAddress, ReasonOf(arena, 12, 4));
        arena.Free(0, 8);
        arena.Free(8, 8);
        Assert.Equal(8u, arena.Allocate(8));      // the last one that was freed; a slab gives its lowest
        arena.Validate();
    }

    [Fact]
    public void No_timer_is_set_for_a_rest_that_is_lost()
    {
        ManualTime time = new();
        ArenaOptions<uint> options = new() { Source = TestSources.Ascending(64u, 1_024u), TimeProvider = time };
        using Arena<uint> arena = new("leased", 1, options);
        arena.FreeAfter(arena.Allocate(10), 10, TimeSpan.FromHours(1));
        Assert.Equal(1, time.Timers);
        Assert.True(arena.Revoke(1_024, 64));
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, time.Timers));
    }

    [Fact]
    public void A_revocation_is_recorded()
    {
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = TestSources.Ascending(64u, 1_024u) });
        using RecordedArena<uint> recorded = new(arena);
        _ = arena.Allocate(10);
        arena.FreeAt(arena.Allocate(20), 20, fence: 3);
        Assert.True(arena.TryAllocateHandle(5, out _));
        uint stays = arena.Allocate(40);
        Assert.True(arena.Revoke(1_024, 64));
        Assert.True(arena.IsAllocated(stays));
        _ = recorded.Check();
    }

    /// <summary>However many rests there are: one row of their table may be full.</summary>
    [Fact]
    public void Where_there_was_no_memory_the_next_call_brings_it_to_its_end()
    {
        int faults = 0;
        for (uint rests = 1; rests <= 40; rests++)
        {
            using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint> { Source = TestSources.Ascending(64u, 1_024u) });
            uint[] starts = [.. Enumerable.Range(0, 60).Select(_ => arena.Allocate(1))];
            for (uint i = 0; i < rests; i++)
            {
                arena.FreeAt(starts[i], 1, fence: i);
            }

            bool isGone = false;
            int growths = 0;
            try
            {
                using (GrowthFault.Inject(() => growths++ > 1))              // what drains and what is lost can be noted
                {
                    isGone = arena.Revoke(1_024, 64);
                }
            }
            catch (OutOfMemoryException)
            {
                faults++;
            }

            arena.Validate();
            Assert.True(isGone || arena.Revoke(1_024, 64));
            arena.Validate();
            arena.CompleteFence(rests);
            Assert.Equal((0u, 0u, 0u), (arena.GetStatistics().TotalSize, arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        }

        Assert.NotEqual(0, faults);
    }

    /// <summary>Ranges go in steps, and the list of them grows by each step.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 256)]
    [InlineData(3, 512)]
    public void What_is_lost_before_memory_ends_is_reported_and_the_rest_by_the_next_call(int growths, int told)
    {
        List<ArenaRevocation<uint>> reports = [];
        ArenaOptions<uint> options = new() { Source = TestSources.Ascending(1_024u, 1_024u), Revoked = reports.Add };
        using Arena<uint> arena = new("leased", 1, options);
        uint[] starts = [.. Enumerable.Range(0, 600).Select(_ => arena.Allocate(1))];
        using (GrowthFault.Inject(() => growths-- == 0))         // the first is of the table of what drains
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.Revoke(1_024, 1_024));
        }

        arena.Validate();
        Assert.Equal(told, reports.Sum(static report => report.Ranges.Count));
        Assert.True(arena.Revoke(1_024, 1_024));
        Assert.Equal(starts.Order(), reports.SelectMany(static report => report.Ranges).Select(static range => range.Start).Order());
        Assert.Equal((0u, 0u), (arena.GetStatistics().TotalSize, arena.GetStatistics().InUse));
        arena.Validate();
    }

    /// <summary>The source throws as it gets back what caches have kept of another import.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_source_that_throws_in_the_middle_stops_no_revocation(bool isHeard)
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        List<ArenaRevocation<uint>> reports = [];
        using Arena<uint> arena = new("leased", 1, new ArenaOptions<uint>
        {
            Source = source,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            QuantumCacheMax = 4,
            Revoked = report =>
            {
                reports.Add(report);
                if (isHeard)
                {
                    throw new DivideByZeroException();
                }
            },
        });
        uint lost = arena.Allocate(64);
        arena.Free(arena.Allocate(1), 1);
        Assert.Equal(2, source.Outstanding.Count);
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.Revoke(lost, 64));
        Assert.Equal([(lost, 64u)], source.Outstanding);
        Assert.Equal(lost, Assert.Single(Assert.Single(reports).Ranges).Start);
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((0u, 0u, 1L), (figures.TotalSize, figures.InUse, figures.Revocations));
        Assert.False(arena.Revoke(lost, 64));
        Assert.Equal(InvalidFreeReason.Revoked, ReasonOf(arena, lost, 64));
        arena.Validate();
    }

    private static InvalidFreeReason ReasonOf(Arena<uint> arena, uint start, uint size) =>
        Assert.Throws<InvalidFreeException>(() => arena.Free(start, size)).Reason;
}
