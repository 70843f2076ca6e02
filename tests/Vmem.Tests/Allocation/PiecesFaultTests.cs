using Vmem.Checks;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>Pieces, and many ranges at once, of which the last ones cannot be had: what was taken before has never been there.</summary>
public class PiecesFaultTests
{
    private const int Holes = 3_000;

    /// <summary>In the midst of the pieces the table of live segments grows.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pieces_for_which_no_memory_is_there_are_given_up(bool audit)
    {
        using Arena<uint> arena = Holed(new ArenaOptions<uint> { Audit = audit });
        Segment<uint>[] pieces = new Segment<uint>[Holes];
        CheckFaults(arena, () => arena.TryAllocatePieces(Holes, pieces, 1, out int count) && count == Holes);
        Assert.Equal(Holes, pieces.Select(piece => piece.Start).Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Many_for_which_no_memory_is_there_are_given_up(bool audit)
    {
        using Arena<uint> arena = Holed(new ArenaOptions<uint> { Audit = audit });
        uint[] starts = new uint[Holes];
        CheckFaults(arena, () => arena.TryAllocateMany(1, starts, allOrNothing: true) == Holes);
        Assert.Equal(Holes, starts.Distinct().Count());
    }

    /// <summary>Oldest fit goes on with what was free for the longest time, and what is freed later comes later.</summary>
    [Fact]
    public void Many_that_were_given_up_are_as_old_as_they_were()
    {
        using Arena<uint> arena = new("old", 0, 10, 1, new ArenaOptions<uint> { Policy = FitPolicy.OldestFit });
        Assert.Equal(10, arena.TryAllocateMany(1, new uint[10], allOrNothing: true));
        foreach (uint start in (uint[])[5, 2, 8])
        {
            arena.Free(start, 1);
        }

        Assert.Equal(0, arena.TryAllocateMany(1, new uint[4], allOrNothing: true));
        arena.Free(0, 1);
        Assert.Equal([5u, 2u, 8u, 0u], Enumerable.Range(0, 4).Select(_ => arena.Allocate(1)));
    }

    /// <summary>Next fit goes on behind what was taken last, and not behind what was given up, which was further on.</summary>
    [Fact]
    public void Many_that_were_given_up_do_not_move_next_fit()
    {
        using Arena<uint> arena = new("next", 0, 20, 1, new ArenaOptions<uint> { Policy = FitPolicy.NextFit });
        Assert.Equal(20, arena.TryAllocateMany(1, new uint[20], allOrNothing: true));
        foreach (uint start in (uint[])[2, 3, 4, 5, 10, 11, 12, 13, 16, 17, 18])
        {
            arena.Free(start, 1);
        }

        Assert.Equal(2u, arena.Allocate(1));
        Assert.Equal(0, arena.TryAllocateMany(2, new uint[10], allOrNothing: true));
        Assert.Equal(3u, arena.Allocate(1));
    }

    private static void CheckFaults(Arena<uint> arena, Func<bool> call)
    {
        string before = ArenaPicture.Segments(arena);
        ArenaStatistics<uint> figures = Figures(arena);
        int failing = 0;
        for (bool isDone = false; !isDone; failing++)
        {
            int growths = 0;
            try
            {
                using (GrowthFault.Inject(() => growths++ == failing))
                {
                    isDone = call();
                    Assert.True(isDone);
                }
            }
            catch (OutOfMemoryException)
            {
                Assert.Equal(before, ArenaPicture.Segments(arena));
                Assert.Equal(figures, Figures(arena));
                arena.Validate();
            }
        }

        Assert.True(failing > 1, "No table has grown.");
        Assert.Equal((2u * Holes, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Free));
        arena.Validate();
    }

    private static ArenaStatistics<uint> Figures(Arena<uint> arena) => arena.GetStatistics() with { BookkeepingBytes = 0 };

    /// <summary>Every second value is free.</summary>
    private static Arena<uint> Holed(ArenaOptions<uint> options)
    {
        Arena<uint> arena = new("holed", 0, 2 * Holes, 1, options);
        for (uint start = 0; start < 2 * Holes; start += 2)
        {
            Assert.True(arena.TryAllocateAt(start, 1));
        }

        return arena;
    }
}
