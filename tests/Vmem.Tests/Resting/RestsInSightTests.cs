using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Looking at an arena ends the rests that are due. What its source says to that is no answer to whoever looks; and a source that
/// looks at others meanwhile sees their rests ended, too.</summary>
public sealed class RestsInSightTests
{
    private readonly ManualTime _time = new();

    public static TheoryData<string, Action<Arena<uint>>> Looks => new()
    {
        { nameof(Arena<>.GetStatistics), static arena => arena.GetStatistics() },
        { nameof(Arena<>.TryGetSegment), static arena => arena.TryGetSegment(5, out _) },
        { nameof(Arena<>.IsAllocated), static arena => arena.IsAllocated(5) },
        { nameof(Arena<>.GetSegments), static arena => arena.GetSegments() },
        { nameof(Arena<>.Explain), static arena => arena.Explain(5) },
        { nameof(Arena<>.Snapshot), static arena => arena.Snapshot() },
        { nameof(Arena<>.Dump), static arena => arena.Dump(TextWriter.Null) },
        { nameof(Arena<>.PlanDefragmentation), static arena => arena.PlanDefragmentation(new()) },
    };

    [Theory]
    [MemberData(nameof(Looks), DisableDiscoveryEnumeration = true)]
    public void Whoever_looks_does_not_hear_from_the_source(string look, Action<Arena<uint>> lookAt)
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        using Arena<uint> arena = Rested("looked at", source);
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Null(Record.Exception(() => lookAt(arena)));
        Assert.True(source.Releases == 1, look);
        source.OnRelease = null;
        Assert.Equal((0u, 0u), (arena.GetStatistics().Resting, arena.GetStatistics().TotalSize));
        arena.Validate();
    }

    [Fact]
    public void Whoever_looks_at_an_arena_that_was_disposed_of_hears_so()
    {
        Arena<uint> arena = Rested("ended", TestSources.Ascending(1u, 0u));
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.GetStatistics());
    }

    [Fact]
    public void A_source_that_is_given_a_span_back_finds_other_arenas_without_rests_that_are_due()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        using Arena<uint> other = new("other", 0, 10, 1, new() { SingleThreaded = true, TimeProvider = _time });
        other.FreeAfter(other.Allocate(10), 10, TimeSpan.FromSeconds(1));
        using Arena<uint> arena = Rested("one", source);
        bool? hasRoom = null;
        source.OnRelease = (_, _) => hasRoom = other.TryAllocate(10, out _);
        Assert.Equal(0u, arena.GetStatistics().Resting);
        Assert.True(hasRoom);
    }

    /// <summary>Two sources that look at both arenas whenever they get a span: neither arena is entered again while it ends its
    /// rests.</summary>
    [Fact]
    public void Arenas_that_lead_to_each_other_end_their_rests_once()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        using Arena<uint> one = Rested("one", source, ranges: 50);
        using Arena<uint> two = Rested("two", source, ranges: 50);
        int depth = 0;
        int deepest = 0;
        source.OnRelease = (_, _) =>
        {
            deepest = Math.Max(deepest, ++depth);
            _ = one.GetStatistics();
            _ = two.GetStatistics();
            depth--;
        };
        Assert.Equal(0u, one.GetStatistics().Resting + two.GetStatistics().Resting);
        Assert.Equal((100, 2), (source.Releases, deepest));
    }

    private Arena<uint> Rested(string name, ScriptedSource<uint> source, int ranges = 1)
    {
        Arena<uint> arena = new(name, 1, new()
        {
            Source = source,
            SharesSource = false,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            SingleThreaded = true,
            TimeProvider = _time,
        });
        uint[] starts = new uint[ranges];
        Assert.Equal(ranges, arena.TryAllocateMany(10, starts));
        Array.ForEach(starts, start => arena.FreeAfter(start, 10, TimeSpan.FromSeconds(1)));
        _time.Advance(TimeSpan.FromSeconds(2));
        return arena;
    }
}
