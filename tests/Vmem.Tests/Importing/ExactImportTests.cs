using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>An arena that asks another for an import gets one whenever there is a place, whatever the two quanta, the window and the
/// limit.</summary>
public class ExactImportTests
{
    private const int Top = 1_024;

    /// <summary>The only places are not at the edge of a unit.</summary>
    [Fact]
    public void A_window_whose_places_straddle_the_source_s_units_is_met()
    {
        using Arena<uint> root = new("root", 0, 1 << 20, 4_096);
        using Arena<uint> child = new("child", 16, new ArenaOptions<uint> { Source = root });
        RangeConstraints<uint> window = new() { Min = 6_000, Max = 12_000 };
        Assert.InRange(child.AllocateConstrained(4_096, window), 6_000u, 12_000u - 4_096);
        Assert.Equal(8_192u, root.GetStatistics().InUse);
        child.Validate();
    }

    [Fact]
    public void Who_waits_for_such_a_window_is_served()
    {
        using Arena<uint> root = new("root", 0, 1 << 20, 4_096);
        using Arena<uint> child = new("child", 16, new ArenaOptions<uint> { Source = root });
        root.Allocate(1 << 20);
        ValueTask<uint> waiter = child.AllocateAsync(4_096, new RangeConstraints<uint> { Min = 6_000, Max = 12_000 },
            TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        root.Free(0, 1 << 20);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>A source that knows nothing of phases and boundaries is asked once for enough.</summary>
    [Fact]
    public void A_source_that_is_no_arena_is_asked_for_the_units_around_the_window()
    {
        ScriptedSource<uint> source = new(4_096, (size, constraints) =>
            constraints is { Phase: 0, NoCross: 0, Align: <= 4_096, Min: <= 4_096 } ? (4_096, size) : null);
        using Arena<uint> child = new("child", 16, new ArenaOptions<uint> { Source = source });
        Assert.InRange(child.AllocateConstrained(4_096, new() { Min = 6_000, Max = 12_000 }), 6_000u, 12_000u - 4_096);
        Assert.InRange(source.Requests.Count, 1, 2);
        child.Validate();
    }

    /// <summary>Against brute force: a child without spans of its own fails if and only if no free place of the ground has the units around
    /// it free, too.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_request_fails_only_if_there_is_no_place_at_the_ground(int depth)
    {
        int found = 0;
        int refused = 0;
        for (ulong seed = 0; seed < (ulong)Night.Scaled(150); seed++)
        {
            SeededRandom random = new(seed);
            int quantum = 1 << random.Below(7);
            using Arena<ushort> ground = new("ground", 0, Top, (ushort)quantum, new ArenaOptions<ushort> { Policy = Policy(random) });
            List<Arena<ushort>> levels = [ground];
            for (int level = 0; level < depth; level++)
            {
                // Coarser at the top only over the ground itself: see ExactNeed.
                quantum = depth == 1 ? 1 << random.Below(7) : 1 << random.Below(int.Log2(quantum) + 1);
                ArenaOptions<ushort> options = new() { Source = levels[^1], Policy = Policy(random) };
                levels.Add(new Arena<ushort>("above", (ushort)quantum, options));
            }

            Arena<ushort> top = levels[^1];
            Fill(ground, random);
            for (int request = 0; request < 40; request++)
            {
                _ = RequestOne(ground, top, levels, random) ? found++ : refused++;
            }

            levels.Reverse();
            levels.ForEach(level => level.Dispose());
        }

        Assert.True(Math.Min(found, refused) > Night.Scaled(500), $"{found} found, {refused} refused");
    }

    [Fact]
    public void The_limit_forbids_only_places_that_need_more_than_it_leaves()
    {
        int tight = 0;
        for (int size = 1; size <= 16; size++)
        {
            for (int min = 0; min < 64; min++)
            {
                using Arena<ushort> ground = new("ground", 0, 256, 16);
                using Arena<ushort> child = new("child", 1, new ArenaOptions<ushort> { Source = ground, Limit = 16 });
                int max = min + size + 5;
                bool possible = Enumerable.Range(min, 6).Any(start => start / 16 == (start + size - 1) / 16);
                tight += possible ? 0 : 1;
                RangeConstraints<ushort> window = new() { Min = (ushort)min, Max = (ushort)max };
                Assert.Equal(possible, child.TryAllocateConstrained((ushort)size, window, out _));
                CancellationToken none = TestContext.Current.CancellationToken;
                Assert.Equal(possible, !Throws(() => { _ = child.AllocateAsync((ushort)size, window, none).AsTask(); }));
            }
        }

        Assert.True(tight > 100);
    }

    private static bool Throws(Action action)
    {
        try
        {
            action();
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private static bool RequestOne(Arena<ushort> ground, Arena<ushort> top, List<Arena<ushort>> levels, SeededRandom random)
    {
        int quantum = top.Quantum;
        int size = quantum * (1 + random.Below(1 + (160 / quantum)));
        int align = quantum << random.Below(5);
        int noCross = random.Below(3) == 0 ? align << random.Below(4) : 0;
        int min = random.Below(2) == 0 ? 0 : random.Below(Top);
        ModelConstraints constraints = new(align, quantum * random.Below(align / quantum), noCross, min,
            random.Below(2) == 0 ? 0 : Math.Min(Top, min + size + random.Below(2 * size)));
        constraints = constraints.AreWellFormed(size, quantum) ? constraints : constraints with { NoCross = 0 };
        RangeConstraints<ushort> asked = constraints.For<ushort>();
        bool[] free = FreeUnits(ground);
        int unit = Math.Max(ground.Quantum, quantum);
        bool possible = Enumerable.Range(0, Top).Any(start => PlacementRule.Holds(start, size, constraints, quantum) &&
            start / unit * unit is var first && (start + size + unit - 1) / unit * unit is var end && end <= Top &&
            !free.AsSpan(first, end - first).Contains(false));
        bool met = top.TryAllocateConstrained((ushort)size, asked, Policy(random), out ushort given);
        Assert.True(met == possible, $"{size} with {constraints}: met {met}, possible {possible}, quanta {quantum} over {ground.Quantum}");
        if (met)
        {
            Assert.True(PlacementRule.Holds(given, size, constraints, quantum));
            levels.ForEach(level => level.Validate());
            top.Free(given, (ushort)size);
        }

        for (int level = levels.Count - 1; level > 0; level--)
        {
            levels[level].Reap();
            Assert.Equal(0, levels[level].GetStatistics().TotalSize);
        }

        return met;
    }

    private static bool[] FreeUnits(Arena<ushort> ground)
    {
        bool[] free = new bool[Top];
        foreach (Segment<ushort> segment in ground.GetSegments().Where(segment => segment.Kind == SegmentKind.Free))
        {
            free.AsSpan(segment.Start, segment.Size).Fill(true);
        }

        return free;
    }

    private static void Fill(Arena<ushort> ground, SeededRandom random)
    {
        List<(ushort Start, ushort Size)> live = [];
        for (int i = 0; i < 60; i++)
        {
            ushort size = (ushort)(1 + random.Below(100));
            if (ground.TryAllocate(size, out ushort start))
            {
                live.Add((start, size));
            }
        }

        live.Where(_ => random.Below(2) == 0).ToList().ForEach(range => ground.Free(range.Start, range.Size));
    }

    private static FitPolicy Policy(SeededRandom random) => (FitPolicy)random.Below(7);
}
