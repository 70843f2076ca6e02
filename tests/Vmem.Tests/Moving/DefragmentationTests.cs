using Vmem.Testing.Driving;
using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Moving;

/// <summary>Plans of moves, and moves that are begun, committed and abandoned.</summary>
public sealed class DefragmentationTests
{
    private static readonly DefragmentationBudget<ulong> s_any = new();

    [Fact]
    public void What_lies_highest_goes_to_the_lowest_holes()
    {
        using Arena<ulong> arena = Holes();      // 0+10 (10+10) 20+10 (30+5) 35+10 (45+55)
        Assert.Equal([new RangeMove<ulong>(35, 10, 10)], arena.PlanDefragmentation(s_any));
        Carry(arena, s_any);
        Assert.Equal("{0+100: 0+10 10+10 20+10 (30+70)}", ArenaPicture.Segments(arena));
        Assert.Empty(arena.PlanDefragmentation(s_any));
    }

    [Fact]
    public void Pinned_ranges_stay()
    {
        using Arena<ulong> arena = Holes();
        DefragmentationBudget<ulong> budget = new() { IsPinned = segment => segment.Start == 35 };
        Assert.Equal([new RangeMove<ulong>(20, 10, 10)], arena.PlanDefragmentation(budget));
        Assert.Empty(arena.PlanDefragmentation(budget with { IsPinned = _ => true }));
    }

    /// <summary>The arena is free for other threads meanwhile.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(56)]
    public void Whether_a_range_is_pinned_is_asked_at_most_once_and_under_no_lock(ulong wanted)
    {
        using Arena<ulong> arena = Holes();
        arena.AddSpan(200, 50);
        arena.TryAllocateAt(210, 10);
        Assert.True(arena.TryDrainSpan(200));
        List<ulong> asked = [];
        IReadOnlyList<RangeMove<ulong>> moves = arena.PlanDefragmentation(new()
        {
            Wanted = wanted,
            IsPinned = segment =>
            {
                asked.Add(segment.Start);
                NumberedItems.OnNewThread(() => arena.Free(arena.Allocate(1), 1));
                return false;
            },
        });
        Assert.NotEmpty(moves);
        Assert.InRange(asked.Count, moves.Count, 4);
        Assert.Equal(asked.Distinct(), asked);
    }

    [Fact]
    public void The_budget_bounds_moves_and_units()
    {
        using var arena = new Arena<ulong>("many", 0, 100, 1);
        for (ulong i = 0; i < 10; i++)
        {
            arena.Allocate(10);
        }

        for (ulong i = 0; i < 5; i++)
        {
            arena.Free(i * 10, 10);
        }

        Assert.Equal(5, arena.PlanDefragmentation(s_any).Count);
        Assert.Equal([new RangeMove<ulong>(90, 0, 10), new RangeMove<ulong>(80, 10, 10)],
            arena.PlanDefragmentation(s_any with { MaxMoves = 2 }));
        Assert.Equal(3, arena.PlanDefragmentation(s_any with { MaxSize = 39 }).Count);
        Assert.Empty(arena.PlanDefragmentation(s_any with { MaxMoves = 0 }));
        Assert.Empty(arena.PlanDefragmentation(s_any with { MaxSize = 9 }));
        _ = Assert.Throws<ArgumentOutOfRangeException>(() => arena.PlanDefragmentation(s_any with { MaxMoves = -1 }));
    }

    [Fact]
    public void New_places_satisfy_what_the_ranges_need()
    {
        using Arena<ulong> arena = Holes();
        DefragmentationBudget<ulong> budget = new() { ConstraintsOf = segment => new RangeConstraints<ulong> { Align = 4 } };
        Assert.Empty(arena.PlanDefragmentation(budget));         // from 12 only 8 are left of the hole
        budget = new() { ConstraintsOf = segment => new RangeConstraints<ulong> { Align = 2 } };
        Assert.Equal([new RangeMove<ulong>(35, 10, 10)], arena.PlanDefragmentation(budget));
    }

    [Fact]
    public void The_place_that_costs_least_is_cleared()
    {
        // 0+30 (30+10) 40+2 (42+18) 60+30 (90+10): 28 are wanted
        using var arena = new Arena<ulong>("wanted", 0, 100, 1);
        arena.AllocateAtMany([Live(0, 30), Live(40, 2), Live(60, 30)]);
        DefragmentationBudget<ulong> budget = new() { Wanted = 28 };
        RangeMove<ulong> move = Assert.Single(arena.PlanDefragmentation(budget));
        Assert.Equal(new RangeMove<ulong>(40, 58, 2), move);
        Carry(arena, budget);
        Assert.Equal(30ul, arena.Allocate(28));
    }

    [Fact]
    public void Nothing_is_moved_for_what_fits_already_or_cannot_be_had()
    {
        using Arena<ulong> arena = Holes();
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 55 }));
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 71 }));
        Assert.Single(arena.PlanDefragmentation(new() { Wanted = 56 }));
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 56, MaxSize = 9 }));
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 56, IsPinned = segment => segment.Start == 35 }));
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 101 }));
        using var empty = new Arena<ulong>("empty", 1);
        Assert.Empty(empty.PlanDefragmentation(s_any));
        Assert.Empty(empty.PlanDefragmentation(new() { Wanted = 1 }));
    }

    [Fact]
    public void A_move_holds_both_places_until_it_is_committed_or_abandoned()
    {
        using Arena<ulong> arena = Holes();
        RangeMove<ulong> move = arena.PlanDefragmentation(s_any)[0];
        Assert.True(arena.BeginMove(move));
        Assert.Equal("{0+100: 0+10 10+10 20+10 (30+5) 35+10 (45+55)}", ArenaPicture.Segments(arena));
        Assert.False(arena.BeginMove(move));
        arena.AbandonMove(move);
        Assert.Equal("{0+100: 0+10 (10+10) 20+10 (30+5) 35+10 (45+55)}", ArenaPicture.Segments(arena));
        _ = Assert.Throws<InvalidFreeException>(() => arena.AbandonMove(move));
        Assert.True(arena.BeginMove(move));
        arena.CommitMove(move);
        Assert.Equal("{0+100: 0+10 10+10 20+10 (30+70)}", ArenaPicture.Segments(arena));
        _ = Assert.Throws<InvalidFreeException>(() => arena.CommitMove(move));
    }

    [Fact]
    public void A_move_does_not_begin_when_its_range_or_its_place_is_gone()
    {
        using Arena<ulong> arena = Holes();
        RangeMove<ulong> move = arena.PlanDefragmentation(s_any)[0];
        Assert.True(arena.TryAllocateAt(15, 1));
        Assert.False(arena.BeginMove(move));
        arena.Free(15, 1);
        arena.Free(35, 10);
        Assert.False(arena.BeginMove(move));
        Assert.True(arena.TryAllocateAt(35, 9));
        Assert.False(arena.BeginMove(move));
    }

    [Fact]
    public void An_audited_arena_commits_and_abandons_what_was_allocated_in_any_way()
    {
        using var arena = new Arena<ulong>("audited", 0, 100, 1, new() { Audit = true });
        ulong start = arena.AllocateConstrained(10, new() { Min = 50 }, FitPolicy.FirstFit);
        RangeMove<ulong> move = Assert.Single(arena.PlanDefragmentation(s_any));
        Assert.Equal(start, move.From);
        Assert.True(arena.BeginMove(move));
        arena.AbandonMove(move);
        Assert.True(arena.BeginMove(move));
        arena.CommitMove(move);
        Assert.Equal("{0+100: 0+10 (10+90)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void An_arena_over_all_values_is_planned_for_up_to_its_top()
    {
        using var arena = Arena<ushort>.OverAll("all", 1);
        Assert.Empty(arena.PlanDefragmentation(new()));
        Assert.True(arena.TryAllocateAt(ushort.MaxValue, 1));
        Assert.True(arena.TryAllocateAt(30_000, 1));
        Assert.Equal(
            [new RangeMove<ushort>(ushort.MaxValue, 0, 1), new RangeMove<ushort>(30_000, 1, 1)],
            arena.PlanDefragmentation(new()));
        RangeMove<ushort> move = Assert.Single(arena.PlanDefragmentation(new() { Wanted = 65_534 }));
        Assert.Equal(30_000, move.From);
        Assert.True(arena.BeginMove(move));
        arena.CommitMove(move);
        Assert.True(arena.TryAllocate(65_534, out _));
    }

    [Fact]
    public void A_move_that_is_abandoned_leaves_nothing_that_rests()
    {
        using var arena = new Arena<ulong>("resting", 0, 100, 1, new() { ReuseDelay = TimeSpan.FromHours(1) });
        Assert.True(arena.TryAllocateAt(50, 10));
        RangeMove<ulong> move = Assert.Single(arena.PlanDefragmentation(s_any));
        Assert.True(arena.BeginMove(move));
        arena.AbandonMove(move);
        Assert.Equal(0ul, arena.GetStatistics().Resting);
        Assert.True(arena.BeginMove(move));
        arena.CommitMove(move);
        Assert.Equal(10ul, arena.GetStatistics().Resting);
    }

    /// <summary>What a plan promises, against a picture of who lies where.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    [Trait("Once", "Release")]
    public void All_moves_of_a_plan_can_be_done_and_do_what_it_promises(int seed, bool isPlaceWanted)
    {
        var random = new Random(seed);
        int cleared = 0;
        for (int round = 0; round < 200; round++)
        {
            uint capacity = (uint)random.Next(50, 2_000);
            uint quantum = 1u << random.Next(3);
            using var arena = new Arena<uint>("random", quantum);
            arena.AddSpan(0, capacity * quantum);
            arena.AddSpan((capacity + 1) * quantum, capacity * quantum);
            List<(uint Start, uint Size)> live = Churn(arena, random, quantum, capacity);
            HashSet<uint> pinned = [.. live.Where(_ => random.Next(8) == 0).Select(range => range.Start)];
            var budget = new DefragmentationBudget<uint>
            {
                MaxMoves = random.Next(60),
                MaxSize = (uint)random.Next(1, 40) * 16 * quantum,
                IsPinned = segment => pinned.Contains(segment.Start),
                Wanted = isPlaceWanted ? arena.GetStatistics().LargestFree + ((uint)random.Next(1, 20) * quantum) : 0,
            };
            uint largest = arena.GetStatistics().LargestFree;
            IReadOnlyList<RangeMove<uint>> plan = arena.PlanDefragmentation(budget);
            Assert.InRange(plan.Count, 0, budget.MaxMoves);
            Assert.InRange((uint)plan.Sum(move => move.Size), 0u, budget.MaxSize);
            Assert.DoesNotContain(plan, move => pinned.Contains(move.From));
            Assert.True(plan.All(move => arena.BeginMove(move)));
            foreach (RangeMove<uint> move in plan)
            {
                arena.CommitMove(move);
                Assert.True(live.Remove((move.From, move.Size)));
                live.Add((move.To, move.Size));
            }

            arena.Validate();
            Assert.Equal(live.Order(), arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Allocated).Select(segment =>
                (segment.Start, segment.Size)));
            uint now = arena.GetStatistics().LargestFree;
            Assert.True(!isPlaceWanted || plan.Count == 0 || now >= budget.Wanted, $"{now} of {budget.Wanted} after {largest}");
            cleared += isPlaceWanted && plan.Count > 0 ? 1 : 0;
        }

        Assert.True(!isPlaceWanted || cleared > 50, $"only {cleared} places were cleared");
    }

    [Fact]
    public void Ranges_at_the_very_top_are_moved_too()
    {
        using var arena = new Arena<byte>("bytes", 1);
        arena.AddSpan(1, 255);
        arena.AllocateAtMany([new Segment<byte>(1, 4, SegmentKind.Allocated), new Segment<byte>(10, 2, SegmentKind.Allocated),
            new Segment<byte>(250, 6, SegmentKind.Allocated)]);
        Assert.Equal([new RangeMove<byte>(250, 12, 6), new RangeMove<byte>(10, 5, 2)], arena.PlanDefragmentation(new()));
        Assert.Empty(arena.PlanDefragmentation(new() { Wanted = 244 }));
        Assert.Equal([new RangeMove<byte>(10, 248, 2)], arena.PlanDefragmentation(new() { Wanted = 243 }));
    }

    private static List<(uint Start, uint Size)> Churn(Arena<uint> arena, Random random, uint quantum, uint capacity)
    {
        List<(uint Start, uint Size)> live = [];
        for (int i = 0; i < capacity / 2; i++)
        {
            uint size = (uint)random.Next(1, 17) * quantum;
            if (arena.TryAllocate(size, out uint start))
            {
                live.Add((start, size));
            }

            if (live.Count > 0 && random.Next(3) == 0)
            {
                int victim = random.Next(live.Count);
                arena.Free(live[victim].Start, live[victim].Size);
                live.RemoveAt(victim);
            }
        }

        return live;
    }

    private static void Carry(Arena<ulong> arena, DefragmentationBudget<ulong> budget)
    {
        foreach (RangeMove<ulong> move in arena.PlanDefragmentation(budget))
        {
            Assert.True(arena.BeginMove(move));
            arena.CommitMove(move);
        }
    }

    private static Segment<ulong> Live(ulong start, ulong size) => new(start, size, SegmentKind.Allocated);

    private static Arena<ulong> Holes()
    {
        var arena = new Arena<ulong>("holes", 0, 100, 1);
        arena.AllocateAtMany([Live(0, 10), Live(20, 10), Live(35, 10)]);
        return arena;
    }
}
