using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What a request that fails asks of its sources: of each level a constant number of times, however many there are.</summary>
public class AskCountTests
{
    /// <summary>In both passes at most as many questions as there are for one request.</summary>
    private const int Most = 8;

    public static TheoryData<int, bool, bool> Towers
    {
        get
        {
            TheoryData<int, bool, bool> towers = [];
            for (int depth = 1; depth <= 4; depth++)
            {
                towers.Add(depth, false, false);
                towers.Add(depth, true, false);
                towers.Add(depth, false, true);
                towers.Add(depth, true, true);
            }

            return towers;
        }
    }

    [Theory]
    [MemberData(nameof(Towers))]
    public void A_request_that_fails_asks_each_level_a_constant_number_of_times(int depth, bool isCached, bool isConstrained)
    {
        ScriptedSource<uint> source = TestSources.Empty(16u);
        List<Arena<uint>> levels = Tower(source, depth, isCached);
        RangeConstraints<uint> constraints = isConstrained ? new() { Align = 64, Phase = 8, Min = 100, Max = 5_000 } : default;
        for (int request = 1; request <= 3; request++)
        {
            int before = source.Requests.Count;
            Assert.False(isConstrained ? levels[^1].TryAllocateConstrained(8, constraints, out _) : levels[^1].TryAllocate(8, out _));
            Assert.InRange(source.Requests.Count - before, 1, Most);
            Assert.All(levels, level => Assert.Equal(request, level.GetStatistics().Failures));
        }

        levels.Reverse();
        levels.ForEach(level => level.Dispose());
    }

    /// <summary>The ground is an arena, too, and what is asked of it are exact questions.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_request_that_is_met_imports_once_at_each_level(int depth)
    {
        ScriptedSource<uint> source = TestSources.Ascending(16u, 4_096u);
        List<Arena<uint>> levels = Tower(source, depth, isCached: false);
        levels[^1].AllocateConstrained(20, new() { Min = 5_000, Max = 9_000 });
        Assert.All(levels, level => Assert.Equal(1, level.GetStatistics().Imports));
        Assert.Single(source.Requests);
        levels.Reverse();
        levels.ForEach(level => level.Dispose());
        Assert.Empty(source.Outstanding);
    }

    /// <summary>What cannot be anywhere is asked of nobody.</summary>
    [Fact]
    public void A_request_without_any_place_asks_nobody()
    {
        ScriptedSource<uint> source = TestSources.Ascending(16u, 4_096u);
        using Arena<uint> arena = new("child", 16, new ArenaOptions<uint> { Source = source });
        Assert.False(arena.TryAllocateConstrained(32, new() { Min = 64, Max = 80 }, out _));
        Assert.False(arena.TryAllocateConstrained(32, new() { Min = 80, Max = 64 }, out _));
        Assert.Empty(source.Requests);
    }

    private static List<Arena<uint>> Tower(ScriptedSource<uint> source, int depth, bool isCached)
    {
        List<Arena<uint>> levels = [];
        for (int level = 0; level < depth; level++)
        {
            levels.Add(new Arena<uint>($"level {level}", 8, new ArenaOptions<uint>
            {
                Source = level == 0 ? source : levels[^1],
                MinImport = 64,
                QuantumCacheMax = isCached ? 32u : 0,
            }));
        }

        return levels;
    }
}
