using Vmem.Checks;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Several imports become empty at once, and there is memory to note only the first of those that go back. The others stay, and go
/// with the next.</summary>
public class ReleaseFaultTests
{
    private readonly ScriptedSource<uint> _source = TestSources.Ascending(1u, 0u);

    private Arena<uint> Make(uint retained) => new("faulty", 1, new ArenaOptions<uint> { Source = _source, RetainedImport = retained });

    private void Check(Arena<uint> arena, uint imported, int releases)
    {
        Assert.Equal((imported, imported), (arena.GetStatistics().Imported, arena.GetStatistics().TotalSize));
        Assert.Equal(imported, (uint)_source.Outstanding.Sum(static range => range.Size));
        Assert.Equal((releases, releases, 0), (_source.Releases, (int)arena.GetStatistics().Releases, _source.WrongReleases));
        arena.Validate();
    }

    [Fact]
    public void What_is_kept_stays_where_there_is_no_memory_to_give_it_back()
    {
        using Arena<uint> arena = Make(retained: 1_000);
        uint[] starts = [arena.Allocate(10), arena.Allocate(20), arena.Allocate(30)];
        arena.Free(starts[0], 10);
        arena.Free(starts[1], 20);
        arena.Free(starts[2], 30);
        Check(arena, 60, releases: 0);
        using (GrowthFault.Inject(static () => true))
        {
            arena.Reap();
        }

        Assert.Equal(1, _source.Releases);
        uint left = arena.GetStatistics().Imported;
        Check(arena, left, releases: 1);
        Assert.True(arena.TryAllocate(10, out uint start));
        arena.Free(start, 10);
        arena.Reap();
        Check(arena, 0, releases: 3);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public void What_is_not_to_be_kept_is_where_there_is_no_memory_to_give_it_back(uint retained)
    {
        using Arena<uint> arena = Make(retained);
        uint[] starts = [arena.Allocate(10), arena.Allocate(10), arena.Allocate(10), arena.Allocate(10)];
        using (GrowthFault.Inject(static () => true))
        {
            arena.FreeMany(starts, 10);
        }

        Check(arena, 30, releases: 1);
        Assert.Equal((0u, 30u), (arena.GetStatistics().InUse, arena.GetStatistics().Free));
        arena.Reap();
        Check(arena, 0, releases: 4);
    }

    /// <summary>They drain already: what has not gone yet is of no use to anybody.</summary>
    [Fact]
    public void What_has_drained_goes_with_the_next_where_there_was_no_memory()
    {
        using Arena<uint> arena = Make(retained: 1_000);
        uint[] starts = [arena.Allocate(10), arena.Allocate(10), arena.Allocate(10)];
        Array.ForEach(starts, start => Assert.True(arena.TryDrainSpan(start)));
        using (GrowthFault.Inject(static () => true))
        {
            arena.FreeMany(starts, 10);
        }

        Check(arena, 20, releases: 1);
        Assert.Equal((20u, 2), (arena.GetStatistics().Draining, (int)arena.GetStatistics().DrainingSpans));
        arena.Reap();
        Check(arena, 0, releases: 3);
        Assert.Equal(0u, arena.GetStatistics().Draining);
    }
}
