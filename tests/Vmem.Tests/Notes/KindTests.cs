using Xunit;

namespace Vmem.Tests.Notes;

/// <summary>The neighbour rule: ranges of different kinds share no page.</summary>
public sealed class KindTests
{
    private const int Buffer = 1;
    private const int Image = 2;

    [Fact]
    public void Buffers_and_images_keep_a_page_apart_and_each_kind_packs()
    {
        using var arena = new Arena<uint>("gpu", 0, 8_192, 16, new() { KindGranularity = 1_024 });
        Assert.Equal(0u, Take(arena, 100, Buffer));
        Assert.Equal(1_024u, Take(arena, 100, Image));
        Assert.Equal(112u, Take(arena, 100, Buffer, FitPolicy.FirstFit));
        Assert.Equal(1_136u, Take(arena, 100, Image, FitPolicy.FirstFit));
        Assert.Equal(224u, Take(arena, 100, kind: 0, FitPolicy.FirstFit));
        Assert.Equal(336u, Take(arena, 600, Buffer, FitPolicy.FirstFit));
        arena.Validate();
    }

    [Theory]
    [InlineData(4_096u, 1_024u, true)]
    [InlineData(4_096u, 1_040u, false)]
    [InlineData(6_160u, 1_024u, false)]
    public void A_span_that_is_joined_is_whole_pages(uint start, uint size, bool isWhole)
    {
        using var arena = new Arena<uint>("gpu", 0, 4_096, 16, new() { KindGranularity = 1_024 });
        if (isWhole)
        {
            arena.AddSpan(start, size, joinNeighbors: true);
            Assert.Equal(0u, Take(arena, 4_096 + size, Buffer));
            return;
        }

        Assert.Contains("KindGranularity", Assert.Throws<ArgumentException>(() => arena.AddSpan(start, size, joinNeighbors: true)).Message,
            StringComparison.Ordinal);
        arena.AddSpan(start, size);
    }

    [Fact]
    public void A_range_without_a_kind_between_does_not_hide_its_neighbour()
    {
        using var arena = new Arena<uint>("gpu", 0, 4_096, 16, new() { KindGranularity = 1_024 });
        _ = Take(arena, 96, Buffer, FitPolicy.FirstFit);
        _ = Take(arena, 96, kind: 0, FitPolicy.FirstFit);
        Assert.Equal(1_024u, Take(arena, 96, Image, FitPolicy.FirstFit));
    }

    [Fact]
    public void A_range_does_not_grow_into_the_page_of_another_kind()
    {
        using var arena = new Arena<uint>("gpu", 0, 4_096, 16, new() { KindGranularity = 1_024 });
        uint buffer = Take(arena, 96, Buffer, FitPolicy.FirstFit);
        _ = arena.AllocateConstrained(96, new() { Kind = Image, Min = 2_048 }, FitPolicy.FirstFit);
        Assert.False(arena.TryExtend(buffer, 96, 2_049));
        Assert.True(arena.TryExtend(buffer, 96, 2_048));
        arena.Validate();
    }

    [Fact]
    public void Explain_and_exact_places_know_the_rule()
    {
        using var arena = new Arena<uint>("gpu", 0, 1_024, 16, new() { KindGranularity = 1_024 });
        _ = Take(arena, 96, Buffer);
        Assert.False(arena.TryAllocateConstrained(16, new() { Kind = Image }, out _));
        Assert.Equal(FitFailure.Constraints, arena.Explain(16, new() { Kind = Image }).Failure);
        Assert.True(arena.Explain(16, new() { Kind = Buffer }).Fits);
        Assert.False(arena.TryAllocateConstrained(16, new() { Kind = Image, Min = 512, Max = 528 }, out _));
        Assert.True(arena.TryAllocateConstrained(16, new() { Kind = Buffer, Min = 512, Max = 528 }, out uint start));
        Assert.Equal(512u, start);
        Assert.True(arena.TryAllocateAt(528, 16));
    }

    [Fact]
    public void Kinds_survive_a_snapshot_and_one_that_breaks_the_rule_is_refused()
    {
        var options = new ArenaOptions<uint> { KindGranularity = 1_024 };
        using var arena = new Arena<uint>("gpu", 0, 4_096, 16, options);
        _ = Take(arena, 96, Buffer);
        _ = Take(arena, 96, Image);
        string json = arena.Snapshot().ToJson();
        using Arena<uint> restored = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(json), options);
        Assert.Equal(arena.GetSegments(), restored.GetSegments());
        _ = Assert.Throws<FormatException>(() =>
            Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(json), options with { KindGranularity = 2_048 }));
        using Arena<uint> free = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(json));
        Assert.Equal(arena.GetSegments().Select(segment => segment.Start), free.GetSegments().Select(segment => segment.Start));
    }

    [Fact]
    public void A_range_does_not_move_beside_another_kind()
    {
        using var arena = new Arena<uint>("gpu", 0, 8_192, 16, new() { KindGranularity = 1_024 });
        uint buffer = Take(arena, 1_008, Buffer);
        uint image = Take(arena, 96, Image);
        Assert.False(arena.TryMove(buffer, 1_008, 112));         // over itself, into the image's page
        Assert.False(arena.TryMove(buffer, 1_008, 2_032));
        Assert.True(arena.TryMove(buffer, 1_008, 2_048));
        Assert.True(arena.TryMove(image, 96, 512));
        arena.Validate();
        _ = Assert.Throws<ArgumentException>(() => arena.AddSpan(8_192, 512, joinNeighbors: true));
    }

    [Fact]
    public void A_plan_for_defragmenting_keeps_the_rule()
    {
        using var arena = new Arena<uint>("gpu", 0, 8_192, 16, new() { KindGranularity = 1_024 });
        _ = Take(arena, 96, Buffer);
        _ = arena.AllocateConstrained(96, new() { Kind = Image, Min = 4_096 }, FitPolicy.FirstFit);
        _ = arena.AllocateConstrained(96, new() { Kind = Buffer, Min = 6_144 }, FitPolicy.FirstFit);
        IReadOnlyList<RangeMove<uint>> plan = arena.PlanDefragmentation(new());
        Assert.Equal([new RangeMove<uint>(6_144, 96, 96), new RangeMove<uint>(4_096, 1_024, 96)], plan);
        Assert.All(plan, move => Assert.True(arena.BeginMove(move)));
        arena.Validate();
    }

    [Fact]
    public void A_tail_that_rests_keeps_its_kind()
    {
        using var arena = new Arena<uint>("gpu", 0, 4_096, 1, new() { KindGranularity = 64, ReuseDelay = TimeSpan.FromHours(1) });
        uint buffer = Take(arena, 128, Buffer);
        uint image = Take(arena, 64, Image);
        arena.FreeAfter(image, 64, TimeSpan.Zero);               // its boundary tag is used again
        Assert.True(arena.TryExtend(buffer, 128, 100));
        arena.Validate();
        Assert.True(arena.TryGetSegment(buffer + 100, out Segment<uint> tail));
        Assert.Equal((SegmentKind.Resting, Buffer), (tail.Kind, tail.RangeKind));
    }

    [Fact]
    public void What_rests_keeps_other_kinds_away_in_a_restored_arena_too()
    {
        var options = new ArenaOptions<uint> { KindGranularity = 64, Tagged = true };
        using var arena = new Arena<uint>("gpu", 0, 64, 1, options);
        uint start = arena.AllocateConstrained(8, new() { Kind = Buffer, Tag = 3 });
        arena.FreeAt(start, 8, fence: 5);
        using Arena<uint> restored = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(arena.Snapshot().ToJson()), options);
        Assert.Equal(arena.GetSegments(), restored.GetSegments());
        Assert.False(restored.TryAllocateConstrained(8, new() { Kind = Image }, out _));
        restored.CompleteFence(5);
        Assert.True(restored.TryAllocateConstrained(8, new() { Kind = Image }, out _));
    }

    [Fact]
    public void An_arena_with_kinds_caches_nothing()
    {
        using var arena = new Arena<ulong>("kinds", 0, 10_000, 1, new() { KindGranularity = 1_024, QuantumCacheMax = 8 });
        arena.Free(arena.Allocate(1), 1);
        Assert.Equal((0ul, 0ul, 10_000ul),
            (arena.GetStatistics().Cached, arena.GetStatistics().InUse, arena.GetStatistics().Free));
    }

    [Fact]
    public void Kinds_do_not_reach_the_arena_below()
    {
        using var below = new Arena<uint>("below", 0, 128, 1, new() { KindGranularity = 64 });
        below.AllocateAtMany([Live(0, 32, Image), Live(96, 32, Image)]);
        using var arena = new Arena<uint>("gpu", 1, new() { Source = below, KindGranularity = 64 });
        Assert.True(arena.TryAllocateConstrained(64, new() { Kind = Buffer }, out uint start));
        Assert.Equal(32u, start);
    }

    [Fact]
    public void Explain_does_not_blame_the_alignment_for_a_neighbour()
    {
        using var arena = new Arena<uint>("gpu", 0, 1_024, 16, new() { KindGranularity = 1_024 });
        _ = Take(arena, 96, Buffer);
        FitReport<uint> report = arena.Explain(16, new() { Kind = Image, Align = 64 });
        Assert.Equal((FitFailure.Constraints, FitObstacle.None), (report.Failure, report.Obstacle));
    }

    [Fact]
    public void A_plan_for_a_wanted_kind_clears_its_pages()
    {
        using var arena = new Arena<uint>("gpu", 0, 256, 1, new() { KindGranularity = 16 });
        arena.AllocateAtMany([Live(0, 8, Buffer), Live(128, 8, Buffer)]);
        DefragmentationBudget<uint> budget = new() { Wanted = 116, WantedConstraints = new() { Kind = Image } };
        Assert.False(arena.Explain(116, new() { Kind = Image }).Fits);
        IReadOnlyList<RangeMove<uint>> plan = arena.PlanDefragmentation(budget);
        Assert.NotEmpty(plan);
        foreach (RangeMove<uint> move in plan)
        {
            Assert.True(arena.BeginMove(move));
            arena.CommitMove(move);
        }

        Assert.True(arena.TryAllocateConstrained(116, new() { Kind = Image }, out _));
    }

    /// <summary>Every place is tried by a naive rule: a request fails only if there is none, and the orderly policies take the right
    /// one.</summary>
    [Theory]
    [InlineData(1, 16)]
    [InlineData(2, 16)]
    [InlineData(3, 4)]
    [InlineData(4, 64)]
    [InlineData(5, 1)]
    public void A_request_fails_only_if_no_place_keeps_the_rule(int seed, int page)
    {
        const int Units = 256;
        var random = new Random(seed);
        using var arena = new Arena<ushort>("kinds", 0, Units, 1, new() { KindGranularity = (ushort)page });
        var kinds = new int[Units];               // −1: free
        Array.Fill(kinds, -1);
        List<(ushort Start, ushort Size)> live = [];
        int refusals = 0;
        for (int step = 0; step < 6_000; step++)
        {
            int size = random.Next(1, 13);
            int kind = random.Next(4);
            if (random.Next(5) < 3)
            {
                var constraints = new RangeConstraints<ushort>
                {
                    Kind = kind,
                    Align = (ushort)(1 << random.Next(3)),
                    Min = (ushort)(random.Next(3) * 40),
                    Max = (ushort)(random.Next(3) * 80)
                };
                constraints = constraints.Max > constraints.Min + size ? constraints : constraints with { Max = 0 };
                FitPolicy policy = (FitPolicy)random.Next(5);
                int[] places = [.. Enumerable.Range(0, Units - size + 1).Where(place => MayLie(kinds, page, place, size, constraints))];
                bool isMet = arena.TryAllocateConstrained((ushort)size, constraints, policy, out ushort start);
                Assert.Equal(places.Length > 0, isMet);
                refusals += isMet ? 0 : 1;
                if (isMet)
                {
                    Assert.Contains(start, places);
                    Assert.True(policy != FitPolicy.FirstFit || start == places[0]);
                    Assert.True(policy != FitPolicy.LastFit || start == places[^1]);
                    kinds.AsSpan(start, size).Fill(kind);
                    live.Add((start, (ushort)size));
                }
            }
            else if (live.Count > 0)
            {
                int victim = random.Next(live.Count);
                (ushort start, ushort length) = live[victim];
                ushort longer = (ushort)(length + 1);
                if (random.Next(3) == 0)
                {
                    bool mayGrow = start + length < Units && kinds[start + length] < 0
                        && MayLie(kinds, page, start + length, 1, new() { Kind = kinds[start] });
                    Assert.Equal(mayGrow, arena.TryExtend(start, length, longer));
                    if (mayGrow)
                    {
                        kinds[start + length] = kinds[start];
                        live[victim] = (start, longer);
                    }
                }
                else
                {
                    arena.Free(start, length);
                    kinds.AsSpan(start, length).Fill(-1);
                    live.RemoveAt(victim);
                }
            }

            if (step % 50 == 0)
            {
                arena.Validate();
            }
        }

        Assert.InRange(refusals, 50, 3_000);
    }

    private static Segment<uint> Live(uint start, uint size, int kind) => new(start, size, SegmentKind.Allocated) { RangeKind = kind };

    private static bool MayLie(int[] kinds, int page, int start, int size, RangeConstraints<ushort> constraints)
    {
        int align = Math.Max(1, (int)constraints.Align);
        if (start % align != 0 || start < constraints.Min || (constraints.Max != 0 && start + size > constraints.Max)
            || kinds.AsSpan(start, size).ContainsAnyExcept(-1))
        {
            return false;
        }

        int first = start / page * page;
        int end = Math.Min(((start + size - 1) / page * page) + page, kinds.Length);
        return constraints.Kind == 0 || !kinds.AsSpan(first, end - first).ContainsAnyExcept([-1, 0, constraints.Kind]);
    }

    private static uint Take(Arena<uint> arena, uint size, int kind, FitPolicy policy = FitPolicy.InstantFit) =>
        arena.AllocateConstrained(size, new RangeConstraints<uint> { Kind = kind }, policy);
}
