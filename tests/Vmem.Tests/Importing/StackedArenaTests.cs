using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Arenas on arenas on arenas.</summary>
public class StackedArenaTests
{
    [Fact]
    public void Four_levels_give_everything_back()
    {
        for (ulong seed = 0; seed < (ulong)Night.Scaled(10); seed++)
        {
            SeededRandom random = new(seed);
            using Arena<ulong> ground = new("ground", 1 << 20, 1 << 22, 4_096);
            using Arena<ulong> second = new("second", 256, new ArenaOptions<ulong> { Source = ground, MinImport = 16_384 });
            using Arena<ulong> third = new(
                "third",
                16,
                new ArenaOptions<ulong> { Source = second, RetainedImport = 2_048, Policy = FitPolicy.BestFit });
            using Arena<ulong> fourth = new(
                "fourth",
                1,
                new ArenaOptions<ulong> { Source = third, SingleThreaded = true, Policy = FitPolicy.NextFit });
            Arena<ulong>[] levels = [ground, second, third, fourth];
            List<(Arena<ulong> Arena, ulong Start, ulong Size)> live = [];
            for (int step = 0; step < 3_000; step++)
            {
                Step(random, levels, live);
            }

            foreach (Arena<ulong> level in levels)
            {
                level.Validate();
            }

            live.ForEach(entry => entry.Arena.Free(entry.Start, entry.Size));
            foreach (Arena<ulong> level in levels.Reverse())
            {
                level.Reap();
                level.Validate();
            }

            Assert.All(levels[1..], level => Assert.Equal(0ul, level.GetStatistics().TotalSize));
            Assert.Equal(0ul, ground.GetStatistics().InUse);
            Assert.Equal(1, ground.GetStatistics().FreeSegments);
        }
    }

    [Fact]
    public void What_a_level_imported_is_in_use_one_level_below()
    {
        using Arena<ulong> ground = new("ground", 0, 1 << 20, 4_096);
        using Arena<ulong> second = new("second", 256, new ArenaOptions<ulong> { Source = ground });
        using Arena<ulong> third = new("third", 1, new ArenaOptions<ulong> { Source = second });
        ulong start = third.Allocate(100);
        Assert.Equal(256ul, third.GetStatistics().Imported);
        Assert.Equal(256ul, second.GetStatistics().InUse);
        Assert.Equal(4_096ul, second.GetStatistics().Imported);
        Assert.Equal(4_096ul, ground.GetStatistics().InUse);
        Assert.True(second.TryGetSegment(start, out Segment<ulong> segment));
        Assert.Equal(SegmentKind.Allocated, segment.Kind);
    }

    [Fact]
    public void Disposing_the_top_level_empties_it_out_of_the_level_below()
    {
        using Arena<ulong> ground = new("ground", 0, 1 << 20, 4_096);
        Arena<ulong> second = new("second", 256, new ArenaOptions<ulong> { Source = ground });
        Arena<ulong> third = new("third", 1, new ArenaOptions<ulong> { Source = second });
        third.Allocate(10_000);
        third.Dispose();
        Assert.Equal(0ul, second.GetStatistics().InUse);
        second.Dispose();
        Assert.Equal(0ul, ground.GetStatistics().InUse);
    }

    private static void Step(SeededRandom random, Arena<ulong>[] levels, List<(Arena<ulong> Arena, ulong Start, ulong Size)> live)
    {
        if (random.Below(100) < 55)
        {
            Arena<ulong> arena = levels[random.Below(levels.Length)];
            ulong size = (ulong)(1 + random.Below(random.Below(10) == 0 ? 20_000 : 600));
            if (arena.TryAllocateConstrained(
                size,
                new() { Align = arena.Quantum << random.Below(4) },
                (FitPolicy)random.Below(7),
                out ulong start))
            {
                live.Add((arena, start, size));
            }
        }
        else if (live.Count > 0)
        {
            int index = random.Below(live.Count);
            live[index].Arena.Free(live[index].Start, live[index].Size);
            live.RemoveAt(index);
        }
    }
}
