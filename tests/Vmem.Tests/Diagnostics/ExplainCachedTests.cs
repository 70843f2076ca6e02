using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>A question about a request that does not fit: what quantum caches hold counts as free, and stays where it is.</summary>
public class ExplainCachedTests
{
    private static Arena<uint> Make(uint size) => new("asked", 0, size, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });

    [Fact]
    public void What_the_caches_hold_is_counted_and_not_given_back()
    {
        using Arena<uint> arena = Make(64);
        uint[] starts = [.. Enumerable.Range(0, 16).Select(_ => arena.Allocate(4))];
        Array.ForEach(starts, start => arena.Free(start, 4));
        ArenaStatistics<uint> before = arena.GetStatistics();
        Assert.Equal((64u, 0u), (before.Cached, before.Free));
        FitReport<uint> report = arena.Explain(64);
        Assert.Equal((true, 0u, 64u, 64u, 1L), (report.Fits, report.Start, report.Free, report.LargestFree, report.LongEnough));
        Assert.False(arena.Explain(65).Fits);
        Assert.False(arena.Explain(8, new() { Min = 60 }).Fits);
        Assert.Equal(before, arena.GetStatistics());
        arena.Validate();
        Assert.Equal(0u, arena.Allocate(64));
    }

    /// <summary>Its source would hear of what was emptied, and would throw.</summary>
    [Fact]
    public void No_source_gets_anything_back_for_a_question()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_024u);
        using Arena<uint> arena = new("asked", 1,
            new ArenaOptions<uint> { Source = source, QuantumCacheMax = 8, RetainedImport = ArenaOptions<uint>.RetainNone });
        arena.Free(arena.Allocate(4), 4);
        uint imported = arena.GetStatistics().Imported;
        Assert.False(arena.Explain(1_000).Fits);
        Assert.Equal(0, source.Releases);
        Assert.True(arena.Explain(imported).Fits);
        Assert.Equal(imported, arena.GetStatistics().Cached);
        arena.Reap();
        Assert.Equal(1, source.Releases);
    }

    /// <summary>The answer is the one that is given when the caches have been emptied: for each size, alignment, window and
    /// place.</summary>
    [Fact]
    public void The_answer_is_that_of_empty_caches()
    {
        int unmet = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            Random random = new(seed);
            using Arena<uint> arena = Make(128);
            arena.AddSpan(128, 70);
            arena.AddSpan(300, 40);
            Fill(arena, random);
            List<(uint Size, RangeConstraints<uint> Constraints, FitReport<uint> Report)> asked = [];
            ArenaStatistics<uint> before = arena.GetStatistics();
            for (int i = 0; i < 200; i++)
            {
                uint size = 1 + (uint)random.Next(random.Next(2) == 0 ? 12 : 120);
                RangeConstraints<uint> constraints = Draw(random, size);
                asked.Add((size, constraints, arena.Explain(size, constraints)));
            }

            Assert.Equal(before, arena.GetStatistics() with { BookkeepingBytes = before.BookkeepingBytes });         // of an index
            arena.Validate();
            arena.Reap();
            foreach ((uint size, RangeConstraints<uint> constraints, FitReport<uint> report) in asked)
            {
                FitReport<uint> emptied = arena.Explain(size, constraints);
                Assert.Equal(emptied.Fits, report.Fits);
                if (!emptied.Fits)
                {
                    unmet++;
                    Assert.Equal(emptied, report);
                }
            }
        }

        Assert.InRange(unmet, 1_000, int.MaxValue);
    }

    private static void Fill(Arena<uint> arena, Random random)
    {
        List<(uint Start, uint Size)> held = [];
        for (int step = 0; step < 80; step++)
        {
            uint size = 1 + (uint)random.Next(11);
            if (random.Next(3) > 0 && arena.TryAllocate(size, out uint start))
            {
                held.Add((start, size));
            }
            else if (held.Count > 0)
            {
                int which = random.Next(held.Count);
                arena.Free(held[which].Start, held[which].Size);
                held.RemoveAt(which);
            }
        }
    }

    private static RangeConstraints<uint> Draw(Random random, uint size)
    {
        uint min = (uint)random.Next(340);
        return random.Next(4) switch
        {
            0 => default,
            1 => new() { Align = 1u << random.Next(6) },
            2 => new() { Align = 1u << random.Next(4), Min = min, Max = min + size + (uint)random.Next(60) },
            _ => new() { Min = min, Max = min + size },
        };
    }
}
