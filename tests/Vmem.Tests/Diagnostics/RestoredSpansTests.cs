using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>Spans that come out of a snapshot: which may stand side by side, and which are imports.</summary>
public class RestoredSpansTests
{
    [Fact]
    public void Spans_may_be_in_any_order_and_touch()
    {
        using Arena<uint> arena = Arena<uint>.Restore(Of((100, 10), (90, 10), (110, 5)));
        Assert.Equal("{90+10: (90+10)} {100+10: (100+10)} {110+5: (110+5)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Theory]
    [InlineData(95u, 10u)]
    [InlineData(91u, 10u)]
    [InlineData(102u, 3u)]
    [InlineData(109u, 10u)]
    public void A_span_that_overlaps_another_is_refused(uint start, uint size) => Assert.Contains(
        $"the span of {size} at {start} overlaps the one of 10 at 100",
        Assert.Throws<FormatException>(() => Arena<uint>.Restore(Of((100, 10), (start, size)))).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(20u, true)]
    [InlineData(19u, false)]
    public void Spans_beyond_the_limit_of_the_options_are_refused(uint limit, bool fits)
    {
        ArenaOptions<uint> options = new() { Limit = limit };
        if (fits)
        {
            using Arena<uint> arena = Arena<uint>.Restore(Of((0, 10), (100, 10)), options);
            Assert.Equal(20u, arena.GetStatistics().TotalSize);
            return;
        }

        Exception refused = Assert.Throws<FormatException>(() => Arena<uint>.Restore(Of((0, 10), (100, 10)), options));
        Assert.Contains("limit of 19", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_import_goes_back_to_the_source_of_the_options_and_what_was_added_stays()
    {
        using Arena<uint> pool = new("pool", 0, 256, 64);
        Assert.True(pool.TryAllocateAt(64, 64));
        ArenaSnapshot<uint> snapshot = Of((1_000, 64), (64, 64));
        snapshot = With(snapshot, [snapshot.Spans[0], Span(64, 64, isImport: true)]);
        using Arena<uint> arena = Arena<uint>.Restore(snapshot, new ArenaOptions<uint> { Source = pool });
        Assert.Equal((128u, 64u), (arena.GetStatistics().TotalSize, arena.GetStatistics().Imported));
        Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(64, 64));
        Assert.Equal(64u, arena.Reap());
        Assert.Equal((0u, 64u, 0u), (pool.GetStatistics().InUse, arena.GetStatistics().TotalSize, arena.GetStatistics().Imported));
        Assert.True(arena.TryRemoveSpan(1_000, 64));
    }

    [Fact]
    public void Without_a_source_an_import_is_a_span_like_any_other()
    {
        ArenaSnapshot<uint> snapshot = With(Of(), [Span(64, 64, isImport: true)]);
        using Arena<uint> arena = Arena<uint>.Restore(snapshot);
        Assert.Equal(0u, arena.GetStatistics().Imported);
        Assert.True(arena.TryRemoveSpan(64, 64));
    }

    [Fact]
    public void The_span_of_every_value_is_no_import()
    {
        using Arena<byte> all = Arena<byte>.OverAll("all", 1);
        using Arena<byte> pool = new("pool", 0, 64, 1);
        using Arena<byte> arena = Arena<byte>.Restore(all.Snapshot(), new ArenaOptions<byte> { Source = pool });
        Assert.Equal(0, arena.GetStatistics().Imported);
        Assert.Equal(0, arena.Reap());
        Assert.True(arena.TryAllocateAt(0, 255));
        arena.Validate();
    }

    private static ArenaSnapshot<uint> Of(params (uint Start, uint Size)[] spans)
    {
        using Arena<uint> arena = new("restored", 1);
        return With(arena.Snapshot(), [.. spans.Select(span => Span(span.Start, span.Size, isImport: false))]);
    }

    private static SpanSnapshot<uint> Span(uint start, uint size, bool isImport) =>
        new() { Start = start, Size = size, Imported = isImport, Allocated = [] };

    private static ArenaSnapshot<uint> With(ArenaSnapshot<uint> snapshot, IReadOnlyList<SpanSnapshot<uint>> spans) => new()
    {
        Name = snapshot.Name,
        Quantum = snapshot.Quantum,
        Policy = snapshot.Policy,
        Freed = [],
        Spans = spans,
        Resting = snapshot.Resting,
    };
}
