using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>What an allocation does beside the good fit that nothing follows: the lock is entered again, positions move, flags
/// turn.</summary>
public sealed class TakingTests
{
    private const uint Holes = 10_000;

    /// <summary>The last range of an arena that holds every value of the type makes it wholly free, which no size says.</summary>
    [Fact]
    public void The_first_and_the_last_range_of_every_value_keep_the_invariants()
    {
        using Arena<byte> arena = All();
        Assert.Equal(0, arena.Allocate(100));
        arena.Validate();
        Assert.Equal(100, arena.Allocate(50));
        arena.Free(0, 100);
        arena.Validate();
        arena.Free(100, 50);
        arena.Validate();
        Assert.Equal((byte.MaxValue, 0L), (arena.GetStatistics().Free, arena.GetStatistics().LiveSegments));
    }

    /// <summary>What rests is not free: the last range that is held does not make the whole free.</summary>
    [Fact]
    public void What_rests_is_left_where_the_last_range_of_every_value_goes()
    {
        using Arena<byte> arena = All();
        byte resting = arena.Allocate(100);
        byte held = arena.Allocate(50);
        arena.FreeAt(resting, 100, fence: 1);
        arena.Free(held, 50);
        arena.Validate();
        Assert.Equal(((byte)100, (byte)156), (arena.GetStatistics().Resting, arena.GetStatistics().Free));
        arena.CompleteFence(1);
        arena.Validate();
        Assert.Equal(byte.MaxValue, arena.GetStatistics().Free);
    }

    /// <summary>A stack is captured between two stays under the lock.</summary>
    [Fact]
    public void An_audited_allocation_enters_the_lock_twice()
    {
        using Arena<uint> arena = new("audited", 0, 1_000, 1, new ArenaOptions<uint> { Audit = true });
        arena.Free(arena.Allocate(1), 1);
        _ = StepCounter.TakeShared();
        _ = arena.Allocate(1);
        Assert.Equal(2, StepCounter.TakeShared());
    }

    /// <summary>What was allocated by <c>Allocate</c> is not.</summary>
    [Fact]
    public void What_was_allocated_by_handle_is_freed_by_either_call()
    {
        using Arena<uint> arena = new("audited", 0, 1_000, 1, new ArenaOptions<uint> { Audit = true });
        Assert.True(arena.TryAllocateHandle(5, out RangeHandle<uint> handle));
        arena.FreeConstrained(handle.Start, 5);
        uint start = arena.Allocate(5);
        Assert.Equal(InvalidFreeReason.WrongCall, Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(start, 5)).Reason);
    }

    [Fact]
    public void By_next_fit_a_request_that_is_met_moves_the_position_and_another_does_not()
    {
        using Arena<uint> arena = new("ids", 0, 10, 1, new ArenaOptions<uint> { Policy = FitPolicy.NextFit });
        Assert.Equal((0u, 1u), (arena.Allocate(1), arena.Allocate(1)));
        arena.Free(0, 1);
        Assert.False(arena.TryAllocate(10, out _));
        Assert.Equal(2u, arena.Allocate(1));
        Assert.True(arena.TryAllocateHandle(1, out RangeHandle<uint> handle));
        Assert.Equal((3u, 4u), (handle.Start, arena.Allocate(1)));
    }

    /// <summary>An index is built in steps, and others have their turn between two of them.</summary>
    [Fact]
    public void The_lock_is_given_back_between_two_steps_of_an_index()
    {
        using Arena<uint> one = Checkerboard();
        _ = StepCounter.TakeShared();
        Assert.True(one.TryAllocate(3, FitPolicy.BestFit, out _));
        Assert.InRange(StepCounter.TakeShared(), Holes / 2_048, Holes);
        using Arena<uint> many = Checkerboard(FitPolicy.BestFit);
        _ = StepCounter.TakeShared();
        Assert.Equal(2, many.TryAllocateMany(3, new uint[2]));
        Assert.InRange(StepCounter.TakeShared(), Holes / 2_048, Holes);
    }

    /// <summary>An arena above gets its answer when the index is complete.</summary>
    [Fact]
    public void An_import_waits_for_the_steps_of_an_index()
    {
        using Arena<uint> ground = Checkerboard(FitPolicy.BestFit);
        using Arena<uint> arena = new("above", 1, new ArenaOptions<uint> { Source = ground, MinImport = 3 });
        Assert.True(arena.TryAllocate(2, out _));
        Assert.Equal((3u, 1L), (arena.GetStatistics().Imported, arena.GetStatistics().Imports));
    }

    private static Arena<byte> All()
    {
        Arena<byte> arena = new("all", 1);
        arena.AddSpan(0, 128);
        arena.AddSpan(128, 128, joinNeighbors: true);
        return arena;
    }

    /// <summary>Every fourth unit is held: holes of three.</summary>
    private static Arena<uint> Checkerboard(FitPolicy policy = FitPolicy.InstantFit)
    {
        Arena<uint> arena = new("checkerboard", 0, 4 * Holes, 1, new ArenaOptions<uint> { Policy = policy });
        for (uint start = 0; start < 4 * Holes; start += 4)
        {
            Assert.True(arena.TryAllocate(1, FitPolicy.InstantFit, out _));
            Assert.True(arena.TryAllocate(3, FitPolicy.InstantFit, out _));
        }

        for (uint start = 1; start < 4 * Holes; start += 4)
        {
            arena.Free(start, 3);
        }

        return arena;
    }
}
