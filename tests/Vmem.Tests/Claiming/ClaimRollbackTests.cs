using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Claiming;

/// <summary>All or nothing is kept also where a source throws, or the caller's list changes, while a batch is given back.</summary>
public class ClaimRollbackTests
{
    private readonly ScriptedSource<uint> _source = new(1, (size, constraints) => (constraints.Min, size));

    private Arena<uint> Arena(uint cacheMax = 0) => new("rollback", 1,
        new ArenaOptions<uint> { Source = _source, RetainedImport = ArenaOptions<uint>.RetainNone, QuantumCacheMax = cacheMax });

    [Fact]
    public void A_source_that_throws_keeps_no_claim_alive()
    {
        using Arena<uint> arena = Arena();
        Assert.True(arena.TryAllocateAt(5_000, 1));
        _source.Answer = (size, constraints) => constraints.Min < 5_000 ? (constraints.Min, size) : null;
        _source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Segment<uint>[] ranges = [.. Enumerable.Range(1, 5).Select(i => new Segment<uint>(1_000 * (uint)i, 1, SegmentKind.Allocated))];
        ArenaExhaustedException taken = Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany(ranges));
        Assert.Contains("range 4 of 5, at 5000", taken.Message, StringComparison.Ordinal);
        Assert.Equal([new Segment<uint>(5_000, 1, SegmentKind.Allocated)], Live(arena));
        Assert.Equal(4, _source.Releases);
        _source.OnRelease = null;
        arena.Validate();
    }

    /// <summary>The source throws at the import, and then at each span that goes back. The caller learns of the first.</summary>
    [Fact]
    public void Why_a_batch_failed_is_told_and_not_what_was_said_as_it_was_undone()
    {
        using Arena<uint> arena = Arena();
        _source.Answer = static (size, constraints) => constraints.Min < 3_000 ? (constraints.Min, size)
            : throw new TimeZoneNotFoundException("import");
        _source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("release");
        Segment<uint>[] ranges = [.. Enumerable.Range(1, 5).Select(i => new Segment<uint>(1_000 * (uint)i, 1, SegmentKind.Allocated))];
        Assert.Equal("import", Assert.Throws<TimeZoneNotFoundException>(() => arena.AllocateAtMany(ranges)).Message);
        ranges[2] = new Segment<uint>(3_000, 0, SegmentKind.Allocated);
        Assert.Throws<ArgumentException>(() => arena.AllocateAtMany(ranges));
        Assert.Equal((4, 0u, 0u), (_source.Releases, arena.GetStatistics().InUse, arena.GetStatistics().TotalSize));
        _source.OnRelease = null;
        arena.Validate();
    }

    /// <summary>The third range is asked of the source, under no lock; by then the list says something else.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_list_that_changes_meanwhile_frees_nobody_elses_range(bool shuffled)
    {
        using Arena<uint> arena = Arena();
        arena.AddSpan(0, 100);
        Assert.True(arena.TryAllocateAt(50, 10));
        Segment<uint>[] ranges = [.. new uint[] { 0, 20, 200 }.Select(start => new Segment<uint>(start, 10, SegmentKind.Allocated))];
        if (shuffled)
        {
            Array.Reverse(ranges);
        }

        _source.Answer = (_, _) =>
        {
            ranges[shuffled ? 2 : 0] = new Segment<uint>(50, 10, SegmentKind.Allocated);
            return null;
        };
        Assert.Throws<ArenaExhaustedException>(() => arena.AllocateAtMany(ranges));
        Assert.Equal([new Segment<uint>(50, 10, SegmentKind.Allocated)], Live(arena));
        arena.Validate();
    }

    /// <summary>The source throws at an import, and then at each span that goes back.</summary>
    [Fact]
    public void Of_many_of_a_cached_size_none_is_left_when_the_source_throws()
    {
        using Arena<uint> arena = Arena(cacheMax: 8);
        uint next = 0;
        _source.Answer = (size, _) => next < 10_000 ? (next += 1_000, size) : throw new TimeZoneNotFoundException("at an import");
        _source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("at a release");
        Assert.Equal("at an import", Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocateMany(8, new uint[100_000])).Message);
        Assert.Equal((0u, 0), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
        _source.OnRelease = null;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_thing_that_the_source_throws_is_told_and_not_what_it_says_to_what_it_gets_back(bool inPieces)
    {
        using Arena<uint> arena = Arena();
        uint next = 0;
        _source.Answer = (size, _) => size > 100 ? null : next < 3_000 ? (next += 1_000, size) : throw new TimeZoneNotFoundException("at an import");
        _source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("at a release");
        Exception told = Assert.Throws<TimeZoneNotFoundException>(() => inPieces
            ? arena.TryAllocatePieces(400, new Segment<uint>[16], 1, out _) : arena.TryAllocateMany(50, new uint[10]) > 0);
        Assert.Equal("at an import", told.Message);
        Assert.Equal((0u, 0), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
        _source.OnRelease = null;
        arena.Validate();
    }

    [Fact]
    public void What_is_wrong_with_a_range_is_said_in_one_sentence_about_the_list()
    {
        using Arena<uint> arena = Arena();
        Check(new Segment<uint>(0, 0, SegmentKind.Allocated), "Range 0 of 1, 0 at 0: A range must not be empty. None was claimed. (Parameter 'ranges')");
        Check(new Segment<uint>(uint.MaxValue, 2, SegmentKind.Allocated),
            $"Range 0 of 1, 2 at {uint.MaxValue}: A range of 2 at {uint.MaxValue} reaches past the top of UInt32. None was claimed. (Parameter 'ranges')");

        void Check(Segment<uint> range, string message)
        {
            ArgumentException wrong = Assert.Throws<ArgumentException>(() => arena.AllocateAtMany([range]));
            Assert.Equal((message, "ranges"), (wrong.Message, wrong.ParamName));
        }
    }

    private static IEnumerable<Segment<uint>> Live(Arena<uint> arena) =>
        arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated);
}
