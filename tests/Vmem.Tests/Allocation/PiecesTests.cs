using Vmem.Testing.Driving;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>A total in several pieces, and many ranges of one size: all or nothing.</summary>
public class PiecesTests
{
    /// <summary>Free: 30 at 0, 10 at 40, 20 at 60, 5 at 90.</summary>
    private static Arena<uint> Holed(ArenaOptions<uint>? options = null)
    {
        Arena<uint> arena = new("holed", 0, 100, 1, options);
        foreach ((uint start, uint size) in ((uint, uint)[])[(30, 10), (50, 10), (80, 10), (95, 5)])
        {
            arena.AllocateConstrained(size, new() { Min = start, Max = start + size }, FitPolicy.InstantFit);
        }

        return arena;
    }

    [Theory]
    [InlineData(4u, 1u, "90+4")]
    [InlineData(12u, 1u, "60+12")]
    [InlineData(30u, 1u, "0+30")]
    [InlineData(31u, 1u, "0+30 90+1")]
    [InlineData(38u, 1u, "0+30 40+8")]
    [InlineData(31u, 8u, "0+23 40+8")]
    [InlineData(50u, 20u, "0+30 60+20")]
    [InlineData(59u, 1u, "0+30 60+20 40+9")]
    [InlineData(54u, 10u, "0+30 60+14 40+10")]
    [InlineData(65u, 1u, "0+30 60+20 40+10 90+5")]
    [InlineData(61u, 2u, "0+30 60+20 40+9 90+2")]
    public void As_few_as_possible_are_taken(uint total, uint least, string expected)
    {
        using Arena<uint> arena = Holed();
        Segment<uint>[] pieces = new Segment<uint>[4];
        Assert.True(arena.TryAllocatePieces(total, pieces, least, out int count));
        Assert.Equal(expected, string.Join(' ', pieces[..count].Select(piece => $"{piece.Start}+{piece.Size}")));
        Assert.All(pieces[..count], piece => Assert.Equal(SegmentKind.Allocated, piece.Kind));
        arena.Validate();
        Array.ForEach(pieces[..count], piece => arena.Free(piece.Start, piece.Size));
        Assert.Equal((65u, 0), (arena.GetStatistics().Free, arena.GetStatistics().Failures));
    }

    [Theory]
    [InlineData(66u, 1u, 4)]                      // there is not so much
    [InlineData(65u, 1u, 3)]                      // not in so few
    [InlineData(65u, 6u, 4)]                      // not in pieces so long
    [InlineData(35u, 20u, 4)]
    [InlineData(1u, 1u, 0)]
    public void All_or_nothing_is_taken(uint total, uint least, int most)
    {
        using Arena<uint> arena = Holed();
        string before = ArenaPicture.Segments(arena);
        ArenaStatistics<uint> figures = arena.GetStatistics();
        Assert.False(arena.TryAllocatePieces(total, new Segment<uint>[most], least, out int count));
        Assert.Equal((0, before), (count, ArenaPicture.Segments(arena)));
        ArenaStatistics<uint> after = arena.GetStatistics();
        Assert.Equal(figures with { Failures = 1, BookkeepingBytes = after.BookkeepingBytes }, after);
    }

    [Fact]
    public void Sizes_are_whole_quanta()
    {
        using Arena<uint> arena = new("quanta", 0, 64, 16);
        arena.AllocateConstrained(16, new() { Min = 16, Max = 32 });
        Segment<uint>[] pieces = new Segment<uint>[2];
        Assert.True(arena.TryAllocatePieces(33, pieces, 1, out int count));
        Assert.Equal([new(32, 32, SegmentKind.Allocated), new(0, 16, SegmentKind.Allocated)], pieces[..count]);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        using Arena<byte> arena = new("bad", 0, 128, 16);
        Segment<byte>[] pieces = new Segment<byte>[2];
        Assert.Throws<ArgumentOutOfRangeException>("total", () => arena.TryAllocatePieces(0, pieces, 1, out _));
        Assert.Throws<ArgumentOutOfRangeException>("total", () => arena.TryAllocatePieces(250, pieces, 1, out _));
        Assert.Throws<ArgumentOutOfRangeException>("minPiece", () => arena.TryAllocatePieces(32, pieces, 250, out _));
        Assert.Throws<ArgumentOutOfRangeException>("minPiece", () => arena.TryAllocatePieces(32, pieces, 33, out _));
        Assert.True(arena.TryAllocatePieces(32, pieces, 0, out int count));
        Assert.Equal(1, count);
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocatePieces(32, pieces, 1, out _));
    }

    /// <summary>Every value of a type in two spans, and a piece that ends at the top.</summary>
    [Fact]
    public void Sums_do_not_wrap()
    {
        using Arena<byte> arena = new("all", 0, 128, 1);
        arena.AddSpan(128, 128);
        Segment<byte>[] pieces = new Segment<byte>[3];
        Assert.True(arena.TryAllocatePieces(255, pieces, 1, out int count));
        Assert.Equal(2, count);
        Assert.Equal(255, pieces[0].Size + pieces[1].Size);
        Assert.False(arena.TryAllocatePieces(2, pieces, 1, out _));
        arena.Validate();
    }

    [Fact]
    public void What_caches_hold_counts_as_free()
    {
        using Arena<uint> arena = new("cached", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        uint[] ids = [.. Enumerable.Range(0, 256).Select(_ => arena.Allocate(1))];
        Array.ForEach(ids, id => arena.Free(id, 1));
        uint held = arena.Allocate(1);
        Segment<uint>[] pieces = new Segment<uint>[2];
        Assert.True(arena.TryAllocatePieces(255, pieces, 1, out int count));
        arena.Validate();
        Array.ForEach(pieces[..count], piece => arena.Free(piece.Start, piece.Size));
        arena.Free(held, 1);
        Assert.Equal(256, arena.TryAllocateMany(1, ids, allOrNothing: true));
        arena.FreeMany(ids, 1);
        Assert.Equal(0, arena.TryAllocateMany(1, new uint[257], allOrNothing: true));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void What_is_missing_is_imported()
    {
        using Arena<uint> pool = Holed();
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = pool });
        Segment<uint>[] pieces = new Segment<uint>[8];
        Assert.True(child.TryAllocatePieces(60, pieces, 5, out int count));
        Assert.Equal(60u, (uint)pieces[..count].Sum(piece => piece.Size));
        Assert.All(pieces[..count], piece => Assert.True(piece.Size >= 5));
        child.Validate();
        Array.ForEach(pieces[..count], piece => child.Free(piece.Start, piece.Size));
        Assert.Equal(0u, child.GetStatistics().InUse);
        Assert.False(child.TryAllocatePieces(66, pieces, 1, out count));
        Assert.Equal((0, 1L), (count, child.GetStatistics().Failures));
        Assert.Equal(0u, child.GetStatistics().InUse);
        child.Reap();
        Assert.Equal(35u, pool.GetStatistics().InUse);
    }

    [Fact]
    public void What_arenas_above_keep_comes_back_first()
    {
        using Arena<uint> pool = new("pool", 0, 64, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = pool });
        child.Free(child.Allocate(30), 30);
        Assert.True(pool.TryAllocatePieces(64, new Segment<uint>[1], 1, out _));
        pool.Free(0, 64);
        child.Free(child.Allocate(30), 30);
        Assert.Equal(4, pool.TryAllocateMany(16, new uint[4], allOrNothing: true));
    }

    [Fact]
    public void An_audit_and_a_recording_follow()
    {
        using Arena<uint> arena = Holed(new ArenaOptions<uint> { Audit = true });
        using MemoryStream stream = new();
        using ArenaRecording recording = arena.Record(stream);
        Segment<uint>[] pieces = new Segment<uint>[4];
        Assert.True(arena.TryAllocatePieces(38, pieces, 1, out int count));
        Assert.Equal(0, arena.TryAllocateMany(9, new uint[4], allOrNothing: true));
        Assert.Contains(AuditCall.AllocateMany, arena.GetAuditReport().Groups.SelectMany(group => group.First).Select(range => range.Call));
        Array.ForEach(pieces[..count], piece => arena.Free(piece.Start, piece.Size));
        arena.Validate();
        Assert.Equal(4, arena.GetStatistics().LiveSegments);
    }

    [Fact]
    public async Task A_piece_that_is_freed_serves_who_waits()
    {
        using Arena<uint> arena = Holed();
        Segment<uint>[] pieces = new Segment<uint>[4];
        Assert.True(arena.TryAllocatePieces(65, pieces, 1, out _));
        ValueTask<uint> waiter = arena.AllocateAsync(20, TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        arena.Free(pieces[1].Start, pieces[1].Size);
        Assert.Equal(60u, await waiter);
    }

    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.NextFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    public void Many_are_all_or_none(FitPolicy policy)
    {
        using Arena<uint> arena = new("many", 0, 100, 1, new ArenaOptions<uint> { Policy = policy });
        uint first = arena.Allocate(1);
        string before = ArenaPicture.Segments(arena);
        Assert.Equal(0, arena.TryAllocateMany(10, new uint[10], allOrNothing: true));
        Assert.Equal(before, ArenaPicture.Segments(arena));
        Assert.Equal((1L, 0L, 1L, 1u), (arena.GetStatistics().Allocations, arena.GetStatistics().Frees, arena.GetStatistics().Failures,
            arena.GetStatistics().PeakInUse));
        Assert.Equal(9, arena.TryAllocateMany(10, new uint[10], allOrNothing: false));
        arena.Validate();
        Assert.Equal(0, arena.TryAllocateMany(1, [], allOrNothing: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocateMany(0, new uint[1], allOrNothing: true));
        arena.Free(first, 1);
    }

    [Fact]
    public void Next_fit_goes_on_where_it_was_before_a_batch_that_failed()
    {
        using Arena<uint> arena = new("many", 0, 10, 1, new ArenaOptions<uint> { Policy = FitPolicy.NextFit });
        arena.Allocate(1);
        Assert.Equal(0, arena.TryAllocateMany(3, new uint[4], allOrNothing: true));
        Assert.Equal((1u, 4u), (arena.Allocate(3), arena.Allocate(1)));
    }

    [Fact]
    public void Neither_makes_garbage()
    {
        using Arena<uint> arena = Holed();
        Segment<uint>[] pieces = new Segment<uint>[4];
        uint[] starts = new uint[4];
        long bytes = Garbage.Of(100, () =>
        {
            Assert.True(arena.TryAllocatePieces(50, pieces, 1, out int count));
            for (int i = 0; i < count; i++)
            {
                arena.Free(pieces[i].Start, pieces[i].Size);
            }

            _ = arena.TryAllocatePieces(66, pieces, 1, out _);
            _ = arena.TryAllocateMany(20, starts, allOrNothing: true);
        });
        Assert.Equal(0, bytes);
    }
}
