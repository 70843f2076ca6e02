using Vmem.Testing.Driving;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Claiming;

public class ClaimTests
{
    [Fact]
    public void A_free_place_is_taken_and_a_taken_one_is_not()
    {
        using Arena<uint> arena = new("claim", 0, 100, 1);
        Assert.True(arena.TryAllocateAt(40, 20));
        Assert.Equal("{0+100: (0+40) 40+20 (60+40)}", ArenaPicture.Segments(arena));
        Assert.False(arena.TryAllocateAt(59, 1));
        Assert.False(arena.TryAllocateAt(39, 2));
        Assert.False(arena.TryAllocateAt(0, 100));
        Assert.Equal(3, arena.GetStatistics().Failures);
        Assert.True(arena.TryAllocateAt(60, 40));
        Assert.True(arena.TryAllocateAt(0, 40));
        arena.Free(40, 20);
        Assert.True(arena.TryAllocateAt(40, 20));
        arena.Validate();
    }

    [Fact]
    public void A_place_that_can_be_none_is_an_argument_error()
    {
        using Arena<byte> arena = new("claim", 0, 128, 8);
        Assert.Throws<ArgumentException>(() => arena.TryAllocateAt(4, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocateAt(8, 0));
        Assert.Throws<ArgumentException>(() => arena.TryAllocateAt(248, 16));
        Assert.Throws<ArgumentException>(() => arena.Reserve(4, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Reserve(8, 0));
        Assert.Throws<ArgumentException>(() => arena.Reserve(248, 16));
        Assert.False(arena.TryAllocateAt(248, 8));
        Assert.True(arena.TryAllocateAt(8, 1));                  // rounded up
        Assert.False(arena.TryAllocateAt(8, 8));
        arena.Free(8, 8);
    }

    [Fact]
    public void The_top_of_the_type_can_be_claimed()
    {
        using Arena<byte> arena = new("top", 128, 128, 1);
        Assert.True(arena.TryAllocateAt(255, 1));
        Assert.True(arena.TryAllocateAt(200, 55));
        Assert.False(arena.TryAllocateAt(0, 200));
        Assert.Equal(72, arena.Reserve(1, 255));
        Assert.Equal("{128+128: 128+72 200+55 255+1}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void What_caches_keep_of_a_place_is_given_up()
    {
        using Arena<uint> arena = new("cached", 0, 4096, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint[] starts = [.. Enumerable.Range(0, 200).Select(_ => arena.Allocate(4))];
        Array.ForEach(starts, start => arena.Free(start, 4));
        Assert.True(arena.TryAllocateAt(starts[17], 4));
        Assert.True(arena.TryAllocateAt(starts[18], 4));
        Assert.False(arena.TryAllocateAt(starts[17], 8));
        arena.Free(starts[17], 4);
        Assert.True(arena.TryAllocateAt(starts[17], 4));
        arena.Free(starts[17], 4);
        arena.Free(starts[18], 4);
        Assert.Equal(4096u, arena.Reserve(0, 4096));
        arena.Validate();
    }

    [Fact]
    public void A_place_is_imported_if_the_source_has_just_that()
    {
        using Arena<uint> below = new("below", 0, 1024, 16);
        using Arena<uint> arena = new("above", 4, new ArenaOptions<uint> { Source = below });
        Assert.True(arena.TryAllocateAt(500, 40));
        Assert.True(below.TryGetSegment(500, out Segment<uint> import));
        Assert.Equal(new Segment<uint>(496, 48, SegmentKind.Allocated), import);
        Assert.False(arena.TryAllocateAt(536, 16));              // 536 is imported, 544 would be another import
        Assert.False(arena.TryAllocateAt(2000, 16));
        Assert.Equal(8u, arena.Reserve(0, 1024));                // nothing is imported for it
        arena.Validate();
    }

    [Fact]
    public void What_siblings_keep_is_given_up()
    {
        using Arena<uint> below = new("below", 0, 64, 1);
        using Arena<uint> idle = new("idle", 1, new ArenaOptions<uint> { Source = below, QuantumCacheMax = 4 });
        using Arena<uint> arena = new("asks", 1, new ArenaOptions<uint> { Source = below });
        idle.Free(idle.Allocate(2), 2);
        Assert.True(below.GetStatistics().InUse > 0);
        Assert.True(arena.TryAllocateAt(0, 64));
        arena.Free(0, 64);
        _ = arena.Reap();
        idle.Free(idle.Allocate(2), 2);
        Assert.Equal(64u, below.Reserve(0, 64));
        below.Validate();
    }

    [Fact]
    public void Next_fit_does_not_go_on_behind_a_claim()
    {
        using Arena<uint> arena = new("next", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.NextFit });
        Assert.Equal(0u, arena.Allocate(10));
        Assert.True(arena.TryAllocateAt(50, 10));
        Assert.Equal(10u, arena.Allocate(10));
        arena.Reserve(70, 5);
        arena.AllocateAtMany([new(80, 5, SegmentKind.Allocated)]);
        Assert.Equal(20u, arena.Allocate(10));
    }

    [Fact]
    public void Explain_answers_for_a_place_without_an_index()
    {
        using Arena<uint> arena = new("why", 0, 100, 1);
        arena.TryAllocateAt(40, 20);
        Assert.True(arena.Explain(10, new() { Min = 30, Max = 40 }).Fits);
        Assert.False(arena.Explain(11, new() { Min = 30, Max = 41 }).Fits);
        Assert.False(arena.Explain(8, new() { Min = 1, Max = 9, Align = 8 }).Fits);
        Assert.False(arena.TryAllocateConstrained(8, new() { Min = 200, Max = 208 }, out _));
    }

    [Fact]
    public void Reserving_takes_what_is_free_in_each_span_and_says_what()
    {
        using Arena<uint> arena = new("reserve", 0, 64, 8);
        arena.AddSpan(64, 64);
        arena.AddSpan(256, 64);
        arena.TryAllocateAt(16, 16);
        arena.TryAllocateAt(264, 8);
        List<Segment<uint>> pieces = [];
        Assert.Equal(16u + 32 + 64 + 8 + 16, arena.Reserve(0, 288, pieces));
        Assert.Equal([(0u, 16u), (32, 32), (64, 64), (256, 8), (272, 16)], pieces.Select(piece => (piece.Start, piece.Size)));
        Assert.Equal("{0+64: 0+16 16+16 32+32} {64+64: 64+64} {256+64: 256+8 264+8 272+16 (288+32)}", ArenaPicture.Segments(arena));
        Assert.Equal(0u, arena.Reserve(0, 288, pieces));
        pieces.ForEach(piece => arena.Free(piece.Start, piece.Size));
        Assert.Equal(24u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>Every other of 200 values is free. They are told in batches of 64: the first that is not taken in is among the
    /// second.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(70)]
    public void What_a_collection_does_not_take_in_is_free_again(int room)
    {
        using Arena<uint> arena = new("reserve", 0, 200, 1);
        for (uint start = 0; start < 200; start += 2)
        {
            Assert.True(arena.TryAllocateAt(start, 1));
        }

        Shelf pieces = new(room);
        Assert.Throws<TimeZoneNotFoundException>(() => arena.Reserve(0, 200, pieces));
        Assert.Equal((room, 100u + (uint)room), (pieces.Count, arena.GetStatistics().InUse));
        Assert.All(pieces, piece => arena.Free(piece.Start, piece.Size));
        Assert.Equal(100u, arena.GetStatistics().Free);
        arena.Validate();
    }

    [Fact]
    public void Reserving_walks_over_thousands_of_ranges_in_steps()
    {
        using Arena<uint> arena = new("long", 0, 40_000, 1);
        for (uint start = 0; start < 40_000; start += 4)
        {
            Assert.True(arena.TryAllocateAt(start, start % 40 == 0 ? 2u : 4u));
        }

        List<Segment<uint>> pieces = [];
        Assert.Equal(2_000u - 2, arena.Reserve(1, 39_961, pieces));
        Assert.Equal(999, pieces.Count);
        Assert.Equal(2u, arena.Reserve(0, 40_000));
        arena.Validate();
    }

    [Fact]
    public void Waiters_are_served_when_a_claim_is_freed()
    {
        using Arena<uint> arena = new("wait", 0, 16, 1);
        Assert.Equal(16u, arena.Reserve(0, 16));
        ValueTask<uint> waits = arena.AllocateAsync(4, TestContext.Current.CancellationToken);
        Assert.False(waits.IsCompleted);
        arena.Free(0, 16);
        Assert.True(waits.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(64, false)]
    [InlineData(0, true)]
    public void Claims_make_no_garbage(uint cacheMax, bool singleThreaded)
    {
        using Arena<ulong> arena =
            new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax, SingleThreaded = singleThreaded });
        var ranges = new Segment<ulong>[100];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = new Segment<ulong>((ulong)i * 1024, 256, SegmentKind.Allocated);
        }

        long bytes = Garbage.Of(2_000, () =>
        {
            arena.TryAllocateAt(4096, 512);
            arena.TryAllocateAt(4096, 512);
            arena.Reserve(4096 + 512, 512);
            arena.Free(4096 + 512, 512);
            arena.Free(4096, 512);
            arena.AllocateAtMany(ranges);
            foreach (Segment<ulong> range in ranges)
            {
                arena.Free(range.Start, range.Size);
            }
        });
        Assert.Equal(0, bytes);
    }

    [Fact]
    public void A_disposed_arena_claims_nothing()
    {
        Arena<uint> arena = new("gone", 0, 16, 1);
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocateAt(0, 1));
        Assert.Throws<ObjectDisposedException>(() => arena.Reserve(0, 1));
        Assert.Throws<ObjectDisposedException>(() => arena.AllocateAtMany([new(0, 1, SegmentKind.Allocated)]));
    }

    /// <summary>Takes in so many, and throws then.</summary>
    private sealed class Shelf(int room) : System.Collections.ObjectModel.Collection<Segment<uint>>
    {
        protected override void InsertItem(int index, Segment<uint> item)
        {
            if (index >= room)
            {
                throw new TimeZoneNotFoundException("full");
            }

            base.InsertItem(index, item);
        }
    }
}
