using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Rests whose time has come end before a call fails for want of them, also where no timer does it; and what no caller has had
/// does not rest.</summary>
public sealed class DueRestsTests
{
    private readonly ManualTime _time = new();

    private Arena<uint> Rested(uint from, uint size, ArenaOptions<uint>? options = null)
    {
        Arena<uint> arena = new("due", 0, 10, 1, (options ?? new()) with { SingleThreaded = true, TimeProvider = _time });
        arena.AllocateAtMany([new Segment<uint>(from, size, SegmentKind.Allocated)]);
        arena.FreeAfter(from, size, TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(2));
        return arena;
    }

    [Fact]
    public void Before_a_batch_of_all_or_nothing_fails()
    {
        using Arena<uint> arena = Rested(0, 10);
        Assert.Equal(2, arena.TryAllocateMany(5, new uint[2], allOrNothing: true));
    }

    [Fact]
    public void Before_pieces_fail()
    {
        using Arena<uint> arena = Rested(0, 10);
        Assert.True(arena.TryAllocatePieces(10, new Segment<uint>[2], 1, out int count));
        Assert.Equal(1, count);
    }

    [Fact]
    public void Before_a_window_is_reserved()
    {
        using Arena<uint> arena = Rested(0, 10);
        Assert.Equal(10u, arena.Reserve(0, 10));
    }

    [Fact]
    public void Before_a_range_cannot_grow_or_move()
    {
        using Arena<uint> arena = Rested(5, 5);
        uint start = arena.Allocate(5);
        Assert.True(arena.TryExtend(start, 5, 10));
        using Arena<uint> other = Rested(5, 5);
        start = other.Allocate(5);
        Assert.True(other.TryMove(start, 5, 5));
    }

    [Fact]
    public void Before_a_span_cannot_give_back_its_tail()
    {
        using Arena<uint> arena = Rested(5, 5);
        Assert.True(arena.TryGrowSpan(0, 10, 5));
    }

    [Fact]
    public void What_a_failing_batch_gives_back_does_not_rest()
    {
        using var below = new Arena<uint>("below", 0, 40, 1);
        using var arena = new Arena<uint>("batches", 1, new() { Source = below, ReuseDelay = TimeSpan.FromHours(1), TimeProvider = _time });
        Assert.Equal(0, arena.TryAllocateMany(10, new uint[5], allOrNothing: true));
        Assert.Equal(0u, arena.GetStatistics().Resting);
        Assert.True(arena.TryAllocate(10, out _));
    }
}
