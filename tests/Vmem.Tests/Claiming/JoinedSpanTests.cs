using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Claiming;

public class JoinedSpanTests
{
    [Fact]
    public void What_is_free_on_both_sides_of_a_seam_is_one()
    {
        using Arena<uint> arena = new("grow", 0, 1000, 1);
        Assert.Equal(0u, arena.Allocate(900));
        arena.AddSpan(1000, 1000, joinNeighbors: true);
        Assert.Equal(1100u, arena.GetStatistics().LargestFree);
        Assert.True(arena.TryExtend(0, 900, 1500));
        Assert.True(arena.TryExtend(0, 1500, 900));
        Assert.Equal(900u, arena.Allocate(1050));
        Assert.Equal("{0+2000: 0+900 900+1050 (1950+50)}", ArenaPicture.Segments(arena));
        Assert.False(arena.TryRemoveSpan(0, 2000));
        Assert.Throws<ArgumentException>(() => arena.TryRemoveSpan(1000, 1000));
        arena.Free(0, 900);
        arena.Free(900, 1050);
        Assert.True(arena.TryRemoveSpan(0, 2000));
        arena.Validate();
    }

    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    public void A_span_between_two_joins_both_and_others_stay_apart(FitPolicy policy)
    {
        using Arena<byte> arena = new("three", 1, new ArenaOptions<byte> { Policy = policy });
        arena.AddSpan(0, 10);
        arena.AddSpan(10, 10);
        arena.AddSpan(30, 10);
        Assert.False(arena.TryAllocate(11, out _));
        arena.AddSpan(20, 10, joinNeighbors: true);
        arena.AddSpan(255, 1, joinNeighbors: true);
        arena.AddSpan(250, 5, joinNeighbors: true);
        Assert.Equal("{0+10: (0+10)} {10+30: (10+30)} {250+6: (250+6)}", ArenaPicture.Segments(arena));
        Assert.Equal(10, arena.Allocate(30));
        arena.Free(10, 30);
        arena.Validate();
        Assert.Equal("{0+10: (0+10)} {10+30: (10+30)} {250+6: (250+6)}", ArenaPicture.Segments(Arena<byte>.Restore(arena.Snapshot())));
        Assert.Throws<ArgumentException>(() => arena.AddSpan(39, 2, joinNeighbors: true));
        arena.Validate();
    }

    [Fact]
    public void Imported_spans_stay_apart()
    {
        using Arena<uint> below = new("below", 0, 64, 16);
        using Arena<uint> arena = new("above", 1, new ArenaOptions<uint> { Source = below });
        Assert.Equal(0u, arena.Allocate(16, FitPolicy.FirstFit));
        arena.AddSpan(16, 16, joinNeighbors: true);
        Assert.Equal("{0+16: 0+16} {16+16: (16+16)}", ArenaPicture.Segments(arena));
        Assert.Throws<ArgumentException>(() => arena.TryGrowSpan(0, 16, 32));
        arena.Validate();
    }

    [Fact]
    public void A_span_grows_and_gives_back_its_tail()
    {
        using Arena<byte> arena = new("grow", 16, 16, 8);
        arena.AddSpan(64, 8);
        Assert.True(arena.TryGrowSpan(16, 16, 48));
        Assert.False(arena.TryGrowSpan(16, 48, 56));             // there is another
        Assert.Equal(48, arena.Allocate(48) + 32);
        Assert.False(arena.TryGrowSpan(16, 48, 40));
        Assert.True(arena.TryExtend(16, 48, 32));
        Assert.False(arena.TryGrowSpan(16, 48, 24));
        Assert.True(arena.TryGrowSpan(16, 48, 40));
        Assert.True(arena.TryGrowSpan(16, 40, 32));
        Assert.True(arena.TryGrowSpan(16, 32, 32));
        Assert.Equal("{16+32: 16+32} {64+8: (64+8)}", ArenaPicture.Segments(arena));
        Assert.True(arena.TryGrowSpan(64, 8, 192));
        Assert.Equal("{16+32: 16+32} {64+192: (64+192)}", ArenaPicture.Segments(arena));
        Assert.Throws<ArgumentException>(() => arena.TryGrowSpan(64, 192, 200));       // past the top
        Assert.Throws<ArgumentException>(() => arena.TryGrowSpan(64, 192, 188));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryGrowSpan(64, 192, 0));
        Assert.Throws<ArgumentException>(() => arena.TryGrowSpan(64, 8, 16));
        arena.Validate();
    }

    [Fact]
    public void The_limit_holds_and_waiters_are_served()
    {
        using Arena<uint> arena = new("limit", 0, 8, 1, new ArenaOptions<uint> { Limit = 16 });
        arena.Allocate(8);
        Assert.False(arena.TryGrowSpan(0, 8, 17));
        Assert.Throws<ArgumentException>(() => arena.AddSpan(8, 9, joinNeighbors: true));
        arena.AddSpan(100, 1);
        ValueTask<uint> waits = arena.AllocateAsync(1, FitPolicy.LastFit, TestContext.Current.CancellationToken);
        Assert.True(waits.IsCompletedSuccessfully);
        waits = arena.AllocateAsync(1, TestContext.Current.CancellationToken);
        Assert.False(waits.IsCompleted);
        Assert.True(arena.TryGrowSpan(0, 8, 15));
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal(6u, arena.GetStatistics().Free);
        arena.Validate();
    }

    [Fact]
    public async Task Who_waits_for_what_a_shorter_span_cannot_hold_is_told()
    {
        using Arena<uint> arena = new("short", 0, 64, 1);
        arena.TryAllocateAt(0, 8);
        ValueTask<uint> waits = arena.AllocateAsync(60, TestContext.Current.CancellationToken);
        Assert.True(arena.TryGrowSpan(0, 64, 32));
        await Assert.ThrowsAsync<ArenaExhaustedException>(waits.AsTask);
    }

    [Fact]
    public void Quantum_caches_give_up_the_tail()
    {
        using Arena<uint> arena = new("cached", 0, 1024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint[] starts = [.. Enumerable.Range(0, 128).Select(_ => arena.Allocate(8))];
        Array.ForEach(starts, start => arena.Free(start, 8));
        Assert.True(arena.TryGrowSpan(0, 1024, 8));
        Assert.Equal("{0+8: (0+8)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void Joining_and_growing_make_no_garbage()
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16);
        arena.AddSpan(1 << 30, 16);
        Assert.Equal(0, Testing.Internals.Garbage.Of(2_000, () =>
        {
            arena.TryGrowSpan(0, 1 << 20, 1 << 21);
            arena.TryGrowSpan(0, 1 << 21, 1 << 20);
            arena.AddSpan(1 << 20, 1 << 20, joinNeighbors: true);
            arena.TryGrowSpan(0, 1 << 21, 1 << 20);
        }));
    }
}
