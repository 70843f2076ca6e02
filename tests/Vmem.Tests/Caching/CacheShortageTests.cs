using Vmem.Checks;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Requests that find too little free: when caches are emptied for them, and what becomes of the caches then.</summary>
public class CacheShortageTests
{
    private static Arena<uint> Make(uint size, uint quantum = 1, TimeProvider? time = null) => new("short", 0, size, quantum,
        new ArenaOptions<uint> { QuantumCacheMax = 4 * quantum, TimeProvider = time ?? TimeProvider.System });

    private static void Cache(Arena<uint> arena, uint size = 1) => arena.Free(arena.Allocate(size), size);

    /// <summary>There is more than enough free, and none of it long enough.</summary>
    [Fact]
    public void Caches_are_emptied_where_they_lie_between_free_ranges()
    {
        using Arena<uint> arena = Make(192);
        uint first = arena.Allocate(64, FitPolicy.FirstFit);
        Cache(arena);
        arena.Free(first, 64);
        Assert.Equal((64u, 128u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        Assert.True(arena.TryAllocate(100, out _));
        Assert.Equal(0u, arena.GetStatistics().Cached);
        arena.Validate();
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(16u)]
    public void Caches_are_emptied_for_a_request_that_takes_all_of_it(uint quantum)
    {
        using Arena<uint> arena = Make(100 * quantum, quantum);
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(quantum))];
        Array.ForEach(starts, start => arena.Free(start, quantum));
        Assert.True(arena.TryAllocate(100 * quantum, out _));
        arena.Validate();
    }

    [Fact]
    public void Caches_keep_what_they_have_where_that_cannot_help()
    {
        using Arena<uint> arena = Make(64);
        arena.AddSpan(1_000, 64);
        Cache(arena);
        Assert.Equal((64u, 64u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        Assert.False(arena.TryAllocate(65, out _));          // longer than any span, and less than all that nobody holds
        Assert.Equal(64u, arena.GetStatistics().Cached);
        Assert.Equal(1_000u, arena.Allocate(64));
        uint held = arena.Allocate(1);
        Assert.False(arena.TryAllocate(64, out _));          // as long as a span, and longer than all that nobody holds
        Assert.Equal((63u, 0u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        arena.Free(held, 1);
        arena.Validate();
    }

    /// <summary>What a source could make of many small imports is not known.</summary>
    [Fact]
    public void Above_a_source_caches_are_emptied_for_any_request()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        using Arena<uint> arena = new("short", 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Source = source });
        Cache(arena);
        Assert.Equal(64u, arena.GetStatistics().Cached);
        source.Answer = static (_, _) => null;
        Assert.False(arena.TryAllocate(10_000, out _));
        Assert.Equal(0u, arena.GetStatistics().Cached);
        arena.Validate();
    }

    /// <summary>No slab, nothing into magazines; each time for twice as many frees that come below, at first for none.</summary>
    [Fact]
    public void Caches_that_were_emptied_stay_closed_for_some_frees()
    {
        ManualTime time = new();
        using Arena<uint> arena = Make(64, time: time);
        foreach (int frees in (int[])[0, 1, 2, 4])
        {
            Assert.Equal(frees, FreesUntilOpen(arena));
        }

        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(0, FreesUntilOpen(arena));
        Assert.Equal(1, FreesUntilOpen(arena));
    }

    /// <summary>How many frees go below after the caches were emptied once more.</summary>
    private static int FreesUntilOpen(Arena<uint> arena)
    {
        Cache(arena);
        Assert.NotEqual(0u, arena.GetStatistics().Cached);
        arena.Free(arena.Allocate(64), 64);
        int frees = 0;
        while (true)
        {
            uint start = arena.Allocate(1);
            Assert.Equal(0u, arena.GetStatistics().Cached);  // a segment of its own
            arena.Free(start, 1);
            if (arena.GetStatistics().Cached > 0)
            {
                Assert.Equal(1u, arena.GetStatistics().Cached);
                return frees;
            }

            frees++;
        }
    }

    /// <summary>It keeps no import that is wholly free.</summary>
    private static Arena<uint> Above(IArenaSource<uint> source) => new("short", 1, new ArenaOptions<uint>
    {
        QuantumCacheMax = 4,
        Source = source,
        RetainedImport = ArenaOptions<uint>.RetainNone,
    });

    /// <summary>The caller would not learn of what it got.</summary>
    [Fact]
    public void What_was_taken_is_taken_back_where_the_source_does_not_want_an_import_back()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        Arena<uint> arena = Above(source);
        uint held = arena.Allocate(1);
        Cache(arena, 2);
        Assert.Equal(2, source.Outstanding.Count);
        source.Answer = static (_, _) => null;
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocate(40, out _));
        Assert.Equal(1u, arena.GetStatistics().InUse);
        source.OnRelease = null;
        Assert.True(arena.TryAllocate(40, out uint start));
        arena.Free(start, 40);
        arena.Free(held, 1);
        arena.Validate();
        arena.Dispose();
        Assert.Empty(source.Outstanding);
    }

    [Fact]
    public void Whether_a_request_would_fit_is_known_without_emptying_the_caches()
    {
        using Arena<uint> arena = Make(64);
        Cache(arena);
        Assert.True(arena.Explain(64).Fits);
        Assert.Equal(64u, arena.GetStatistics().Cached);
        Assert.False(arena.Explain(65).Fits);
    }

    /// <summary>Nothing is given back for an answer: neither a source that throws nor a lack of memory for tables is in its way.</summary>
    [Fact]
    public void What_is_asked_is_answered_without_the_source_and_without_memory()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        Arena<uint> arena = Above(source);
        uint held = arena.Allocate(1);
        uint[] starts = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException();
        using (GrowthFault.Inject(static () => true))
        {
            Assert.True(arena.Explain(40).Fits);
        }

        Assert.Equal(0, source.Releases);
        source.OnRelease = null;
        arena.Free(held, 1);
        arena.Dispose();
    }

    /// <summary>Empty magazines go back to the depot once each, or two that are loaded would be one.</summary>
    [Fact]
    public void Magazines_that_were_emptied_are_used_again_once()
    {
        using Arena<uint> arena = Make(64);
        for (int round = 0; round < 4; round++)
        {
            uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
            Assert.Equal(64, starts.Distinct().Count());
            Array.ForEach(starts, start => arena.Free(start, 1));
            arena.Validate();
            Assert.True(arena.Explain(64).Fits);
        }
    }
}
