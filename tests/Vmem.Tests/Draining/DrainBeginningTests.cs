using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>What others do after a span has begun to drain, and before the first step has come there. A listener is told of room just
/// then.</summary>
public class DrainBeginningTests
{
    private readonly ScriptedSource<uint> _source = TestSources.Ascending(64u, 1_024u);

    private Arena<uint> Importing(out uint first)
    {
        Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = _source, RetainedImport = uint.MaxValue });
        first = arena.Allocate(64);
        uint second = arena.Allocate(64);
        arena.Free(first, 64);
        arena.Free(second, 64);
        return arena;
    }

    /// <summary>Drains the span, and has something done once in between.</summary>
    private static void Drain(Arena<uint> arena, uint start, Action between)
    {
        bool isDone = false;
        void Listener()
        {
            if (!isDone)
            {
                isDone = true;
                between();
            }
        }

        INotifyingArenaSource<uint> source = arena;
        source.Subscribe(Listener);
        Assert.True(arena.TryDrainSpan(start));
        source.Unsubscribe(Listener);
        Assert.True(isDone);
        arena.Validate();
    }

    [Fact]
    public void An_empty_import_may_still_be_used_and_is_counted_once()
    {
        using Arena<uint> arena = Importing(out uint first);
        uint taken = 0;
        Drain(arena, first, () => taken = arena.Allocate(64, FitPolicy.FirstFit));
        Assert.Equal(first, taken);
        arena.Free(taken, 64);
        arena.Validate();
        Assert.Equal((1, 64u), (_source.Releases, arena.GetStatistics().Imported));
        Assert.Equal(64u, arena.Reap());
        Assert.Equal((2, 0), (_source.Releases, _source.WrongReleases));
    }

    [Fact]
    public void An_empty_import_that_drains_no_more_is_one_of_those_that_are_kept()
    {
        using Arena<uint> arena = Importing(out uint first);
        Drain(arena, first, () => Assert.True(arena.StopDraining(first)));
        Assert.Equal((0, 128u, 0u), (_source.Releases, arena.GetStatistics().Free, arena.GetStatistics().Draining));
        Assert.Equal(128u, arena.Reap());
        Assert.Equal((2, 0), (_source.Releases, _source.WrongReleases));
    }

    [Fact]
    public void All_is_well_in_between()
    {
        using Arena<uint> arena = Importing(out uint first);
        Drain(arena, first, () =>
        {
            arena.Validate();
            Assert.Equal((64u, 1L), (arena.Reap(), arena.GetStatistics().DrainingSpans));
        });
        Assert.Equal((2, 0), (_source.Releases, _source.WrongReleases));
    }

    /// <summary>It is in another index by then than those beside it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_span_that_was_added_may_be_removed_and_the_others_stay(int others)
    {
        using Arena<uint> arena = new("pool", 1_000, 50, 1);
        for (uint i = 1; i < others; i++)
        {
            arena.AddSpan(1_000 + (100 * i), 50);
        }

        string before = ArenaPicture.Segments(arena);
        arena.AddSpan(0, 100);
        Drain(arena, 0, () =>
        {
            Assert.True(arena.TryRemoveSpan(0, 100));
            arena.Validate();
        });
        Assert.Equal(before, ArenaPicture.Segments(arena));
        Assert.Equal((0L, 50u * (uint)others), (arena.GetStatistics().DrainingSpans, arena.GetStatistics().Free));
        arena.AddSpan(0, 100);
        Assert.Equal(0u, arena.Allocate(100));
        arena.Free(0, 100);                       // and nothing drains any more
        Assert.True(arena.Contains(0));
        arena.Validate();
    }

    /// <summary>The source throws as it gets back what caches have kept of another import.</summary>
    [Fact]
    public void A_source_that_throws_before_the_first_step_leaves_the_span_as_it_was()
    {
        using Arena<uint> arena = new("caches", 1, new ArenaOptions<uint>
        {
            Source = _source,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            QuantumCacheMax = 4,
        });
        arena.AddSpan(0, 64);
        Assert.True(arena.TryAllocateAt(0, 64));
        arena.FreePart(0, 64, 32, 32);
        uint[] starts = [.. Enumerable.Range(0, 40).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        Assert.NotEqual(0u, arena.GetStatistics().Imported);
        _source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryDrainSpan(0));
        _source.OnRelease = null;
        arena.Validate();
        Assert.Equal((0L, 0u), (arena.GetStatistics().DrainingSpans, arena.GetStatistics().Draining));
        Assert.True(arena.TryAllocateAt(32, 32));
        Assert.True(arena.TryDrainSpan(0));
        Assert.Equal(1L, arena.GetStatistics().DrainingSpans);
    }
}
