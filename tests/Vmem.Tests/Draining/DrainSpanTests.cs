using Vmem.Checks;
using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>Nothing new is given from a span that drains, and it goes with its last range.</summary>
public class DrainSpanTests
{
    [Fact]
    public void An_empty_span_goes_at_once_and_one_in_use_with_its_last_range()
    {
        using Arena<uint> arena = new("pool", 0, 100, 1);
        arena.AddSpan(200, 100);
        arena.AddSpan(400, 100);
        Assert.True(arena.TryAllocateAt(200, 10));
        Assert.True(arena.TryDrainSpan(400));
        Assert.True(arena.TryDrainSpan(200));
        Assert.True(arena.TryDrainSpan(200));
        Assert.Equal("{0+100: (0+100)} {200+100: 200+10 <210+90>}", ArenaPicture.Segments(arena));
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((200u, 10u, 90u, 100u, 1L), (figures.TotalSize, figures.InUse, figures.Draining, figures.Free, figures.DrainingSpans));
        Assert.Equal((100u, 1L, 1L), (figures.LargestFree, figures.FreeSegments, figures.LiveSegments));
        Assert.False(arena.TryAllocate(101, out _));
        Assert.Equal(0u, arena.Allocate(100));
        Assert.False(arena.TryAllocate(1, out _));
        arena.Validate();
        arena.Free(200, 10);
        arena.Validate();
        Assert.Equal("{0+100: 0+100}", ArenaPicture.Segments(arena));
        Assert.Equal(InvalidFreeReason.NotAllocated, Assert.Throws<InvalidFreeException>(() => arena.Free(200, 10)).Reason);
    }

    [Theory]
    [InlineData(199u)]
    [InlineData(201u)]
    [InlineData(0u)]
    public void Where_no_span_begins_nothing_drains(uint start)
    {
        using Arena<uint> arena = new("pool", 200, 100, 1);
        Assert.False(arena.TryDrainSpan(start));
        Assert.False(arena.StopDraining(start));
        Assert.False(arena.StopDraining(200));
        Assert.Equal("{200+100: (200+100)}", ArenaPicture.Segments(arena));
        using Arena<byte> whole = Arena<byte>.OverAll("all", 1);
        Assert.False(whole.TryDrainSpan(0));
        Assert.Equal(255, whole.GetStatistics().Free);
    }

    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    [InlineData(FitPolicy.OldestFit)]
    public void What_is_free_of_it_is_found_by_no_call(FitPolicy policy)
    {
        using Arena<byte> arena = new("top", 192, 64, 1, new ArenaOptions<byte> { Policy = policy });
        byte[] starts = new byte[64];
        Assert.Equal(64, arena.TryAllocateMany(1, starts));
        for (int i = 0; i < 64; i += 4)
        {
            arena.Free(starts[i], 1);
        }

        Assert.Equal(16, arena.Explain(1).LongEnough);
        Assert.True(arena.TryDrainSpan(192));
        for (int i = 2; i < 64; i += 4)
        {
            arena.Free(starts[i], 1);
        }

        arena.Validate();
        Assert.Equal(32, arena.GetStatistics().Draining);
        byte freed = starts[2];
        Assert.False(arena.TryAllocate(1, policy, out _));
        Assert.False(arena.TryAllocateConstrained(1, new RangeConstraints<byte> { Align = 2 }, policy, out _));
        Assert.False(arena.TryAllocateAt(freed, 1));
        Assert.Equal(0, arena.Reserve(192, 64));
        Assert.Equal(0, arena.TryAllocateMany(1, new byte[4]));
        Assert.False(arena.TryAllocatePieces(2, new Segment<byte>[8], 1, out _));
        Assert.False(arena.TryAllocateHandle(1, out _));
        Assert.False(arena.TryMove(starts[1], 1, freed));
        Assert.False(arena.TryExtend(starts[1], 1, 2));
        Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany([new(freed, 1, SegmentKind.Allocated)]));
        Assert.True(arena.TryGetSegment(freed, out Segment<byte> segment));
        Assert.Equal(SegmentKind.Draining, segment.Kind);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(freed, 1)).Reason);
        FitReport<byte> report = arena.Explain(1);
        Assert.Equal((FitFailure.NoSpan, 32, 0), (report.Failure, report.Draining, report.Free));
        Assert.Contains("Another 32 that nobody holds lies in spans that drain.", report.ToString(), StringComparison.Ordinal);
        Assert.Contains("a draining segment of 1", arena.Explain(1, new() { Min = freed, Max = (byte)(freed + 1) }).ToString(), StringComparison.Ordinal);
        Assert.Contains("  draining", Dump(arena), StringComparison.Ordinal);
        Assert.Contains("span, draining", Dump(arena), StringComparison.Ordinal);
        Assert.True(arena.StopDraining(192));
        arena.Validate();
        Assert.Equal((0, 32), (arena.GetStatistics().Draining, arena.GetStatistics().Free));
        Assert.Equal(32, arena.Reserve(192, 64));
    }

    [Fact]
    public void Ranges_in_it_can_be_split_shortened_and_moved_out()
    {
        using Arena<uint> arena = new("pool", 0, 100, 1);
        arena.AddSpan(1000, 100);
        Assert.True(arena.TryAllocateAt(1000, 60));
        Assert.True(arena.TryDrainSpan(1000));
        arena.Split(1000, 60, 1020);
        Assert.True(arena.TryExtend(1020, 40, 30));
        arena.FreePart(1020, 30, 1025, 5);
        Assert.Equal("{0+100: (0+100)} {1000+100: 1000+20 1020+5 <1025+5> 1030+20 <1050+50>}", ArenaPicture.Segments(arena));
        Assert.False(arena.TryExtend(1030, 20, 21));
        Assert.False(arena.TryMove(1030, 20, 1025));
        Assert.False(arena.TryMove(1030, 20, 1060));
        Assert.True(arena.TryMove(1030, 20, 1030));
        Assert.True(arena.TryMove(1030, 20, 30));
        Assert.False(arena.TryGrowSpan(1000, 100, 200));
        Assert.False(arena.TryGrowSpan(1000, 100, 60));
        Assert.False(arena.TryRemoveSpan(1000, 100));
        arena.AddSpan(1100, 10, joinNeighbors: true);
        Assert.Equal("{0+100: (0+30) 30+20 (50+50)} {1000+100: 1000+20 1020+5 <1025+75>} {1100+10: (1100+10)}", ArenaPicture.Segments(arena));
        Assert.Throws<ArgumentException>(() => arena.AddSpan(1050, 1));
        Assert.True(arena.TryMove(1020, 5, 0));
        Assert.True(arena.TryMove(1000, 20, 70));
        arena.Validate();
        Assert.Equal("{0+100: 0+5 (5+25) 30+20 (50+20) 70+20 (90+10)} {1100+10: (1100+10)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void A_plan_moves_what_lies_in_it_out_and_nothing_in()
    {
        using Arena<uint> arena = new("pool", 0, 40, 1, new ArenaOptions<uint> { Tagged = true });
        arena.AddSpan(100, 100);
        Assert.True(arena.TryAllocateAt(10, 5));
        Assert.True(arena.TryAllocateAt(150, 8));
        Assert.True(arena.TryAllocateAt(120, 30));
        Assert.True(arena.TryDrainSpan(100));
        foreach (RangeMove<uint> move in arena.PlanDefragmentation(new DefragmentationBudget<uint>()))
        {
            Assert.True(arena.BeginMove(move));
            arena.CommitMove(move);
        }

        arena.Validate();
        Assert.Equal("{0+40: 0+8 (8+2) 10+5 (15+25)} {100+100: <100+20> 120+30 <150+50>}", ArenaPicture.Segments(arena));
        Assert.Empty(arena.PlanDefragmentation(new DefragmentationBudget<uint> { Wanted = 50 }));
        arena.Free(10, 5);
        RangeMove<uint> last = Assert.Single(arena.PlanDefragmentation(new DefragmentationBudget<uint>()), move => move.From == 120);
        Assert.True(arena.BeginMove(last));
        arena.CommitMove(last);
        Assert.False(arena.Contains(100));
        arena.Validate();
    }

    [Fact]
    public void What_rests_keeps_it_until_the_rest_ends()
    {
        using Arena<uint> arena = new("frames", 0, 100, 1);
        arena.AddSpan(200, 100);
        Assert.True(arena.TryAllocateAt(200, 100));
        arena.FreePart(200, 100, 250, 50);
        arena.FreeAt(200, 50, 7);
        Assert.True(arena.TryDrainSpan(200));
        Assert.Equal("{0+100: (0+100)} {200+100: [200+50] <250+50>}", ArenaPicture.Segments(arena));
        arena.CompleteFence(7);
        Assert.Equal("{0+100: (0+100)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_snapshot_has_it(bool asJson)
    {
        using Arena<uint> arena = new("pool", 0, 100, 1);
        arena.AddSpan(200, 100);
        Assert.True(arena.TryAllocateAt(210, 20));
        Assert.True(arena.TryDrainSpan(200));
        ArenaSnapshot<uint> snapshot = arena.Snapshot();
        using Arena<uint> restored = Arena<uint>.Restore(asJson ? ArenaSnapshot<uint>.FromJson(snapshot.ToJson()) : snapshot);
        Assert.Equal("{0+100: (0+100)} {200+100: <200+10> 210+20 <230+70>}", ArenaPicture.Segments(restored));
        restored.Free(210, 20);
        Assert.False(restored.Contains(200));
        restored.Validate();
    }

    [Fact]
    public void An_import_goes_back_and_counts_for_the_limit_until_then()
    {
        ScriptedSource<uint> source = TestSources.Ascending(16u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 32, RetainedImport = 1_000 });
        uint first = arena.Allocate(16);
        uint second = arena.Allocate(10);
        Assert.True(arena.TryDrainSpan(second));
        Assert.False(arena.TryAllocate(6, out _));
        Assert.Equal(32u, arena.GetStatistics().Imported);
        arena.Free(second, 10);
        Assert.Equal((1, 0), (source.Releases, source.WrongReleases));
        Assert.Equal((16u, 1L), (arena.GetStatistics().Imported, arena.GetStatistics().Releases));
        uint third = arena.Allocate(16);
        arena.Free(third, 16);
        Assert.Equal(1, source.Releases);                       // it is retained, until it is to drain
        Assert.True(arena.TryDrainSpan(third));
        Assert.Equal(2, source.Releases);
        arena.Validate();
        arena.Free(first, 16);
    }

    [Fact]
    public void Without_memory_to_note_a_release_it_goes_later()
    {
        ScriptedSource<uint> source = TestSources.Ascending(16u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        uint[] starts = [.. Enumerable.Range(0, 3).Select(_ => arena.Allocate(16))];
        Assert.All(starts, start => Assert.True(arena.TryDrainSpan(start)));
        using (GrowthFault.Inject(static () => true))
        {
            arena.FreeMany(starts, 16);
        }

        arena.Validate();
        Assert.Equal((1, 32u), (source.Releases, arena.GetStatistics().Draining));
        Assert.Equal(32u, arena.Reap());
        Assert.Equal((3, 0u), (source.Releases, arena.GetStatistics().TotalSize));
        arena.Validate();
    }

    /// <summary>Every way of freeing, with an audit and without: each finds the span.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_way_of_freeing_ends_it(bool audit)
    {
        Action<Arena<uint>, uint>[] frees =
        [
            static (arena, start) => arena.Free(start, 10),
            static (arena, start) => arena.Free(start),
            static (arena, start) => arena.FreeMany([start], 10),
            static (arena, start) => arena.FreeAfter(start, 10, TimeSpan.Zero),
            static (arena, start) => arena.FreePart(start, 10, start, 10),
            static (arena, start) => Assert.True(arena.TryMove(start, 10, 0)),
        ];
        foreach (Action<Arena<uint>, uint> free in frees)
        {
            using Arena<uint> arena = new("pool", 0, 100, 1, new ArenaOptions<uint> { Audit = audit });
            arena.AddSpan(200, 10);
            uint start = arena.Allocate(10, FitPolicy.LastFit);
            Assert.True(arena.TryDrainSpan(200));
            free(arena, start);
            Assert.False(arena.Contains(200));
            arena.Validate();
        }

        using Arena<uint> handles = new("pool", 0, 100, 1, new ArenaOptions<uint> { Audit = audit });
        handles.AddSpan(200, 10);
        Assert.True(handles.TryAllocateHandle(10, FitPolicy.LastFit, out RangeHandle<uint> handle));
        Assert.True(handles.TryDrainSpan(200));
        handles.Free(handle);
        Assert.False(handles.Contains(200));
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => handles.Free(handle)).Reason);
        handles.Validate();
    }

    [Fact]
    public void Ten_thousand_segments_drain_in_steps_and_back()
    {
        using Arena<uint> arena = new("pool", 0, 40_000, 1);
        uint[] starts = new uint[20_000];
        Assert.Equal(20_000, arena.TryAllocateMany(2, starts));
        for (int i = 0; i < starts.Length; i += 2)
        {
            arena.Free(starts[i], 2);
        }

        Assert.True(arena.TryDrainSpan(0));
        arena.Validate();
        Assert.Equal((20_000u, 0u), (arena.GetStatistics().Draining, arena.GetStatistics().Free));
        Assert.True(arena.StopDraining(0));
        arena.Validate();
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.Equal((0u, 20_000u, 10_000L), (figures.Draining, figures.Free, figures.FreeSegments));
    }

    private static string Dump(Arena<byte> arena)
    {
        using StringWriter writer = new();
        arena.Dump(writer);
        return writer.ToString();
    }
}
