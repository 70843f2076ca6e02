using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>How many pieces a total is allocated in, and how many steps it takes to say no.</summary>
public sealed class PieceCountTests
{
    /// <summary>The fewest segments that can hold the total are the largest ones, each of them long enough.</summary>
    [Fact]
    public void There_are_as_few_pieces_as_there_can_be()
    {
        SeededRandom random = new(20);
        Segment<uint>[] pieces = new Segment<uint>[64];
        int several = 0;
        for (int round = 0; round < 2_000; round++)
        {
            using Arena<uint> arena = new("pieces", 0, 200, 1);
            List<uint> holes = Punch(arena, random);
            uint total = 1 + (uint)random.Below(120);
            uint least = 1 + (uint)random.Below((int)Math.Min(total, 12));
            uint[] fit = [.. holes.Where(hole => hole >= least).OrderDescending()];
            int fewest = Enumerable.Range(1, fit.Length).FirstOrDefault(count => fit[..count].Sum(static hole => hole) >= total);
            bool isPossible = fewest > 0 && fewest * least <= total;
            Assert.Equal(isPossible, arena.TryAllocatePieces(total, pieces, least, out int taken));
            Assert.Equal(isPossible ? fewest : 0, taken);
            Assert.Equal(isPossible ? total : 0, (uint)pieces[..taken].Sum(static piece => piece.Size));
            Assert.All(pieces[..taken], piece => Assert.InRange(piece.Size, least, total));
            several += taken > 1 ? 1 : 0;
            arena.Validate();
        }

        Assert.InRange(several, 200, 2_000);
    }

    [Fact]
    public void A_total_of_more_than_is_free_is_refused_in_few_steps()
    {
        const uint count = 100_000;
        using Arena<uint> arena = new("pieces", 0, 2 * count, 1, new ArenaOptions<uint> { SingleThreaded = true });
        for (uint i = 0; i < count; i++)
        {
            Assert.True(arena.TryAllocateAt(2 * i, 1));
        }

        Segment<uint>[] pieces = new Segment<uint>[8];
        Assert.False(arena.TryAllocatePieces(9, pieces, 1, out _));         // an index by now
        _ = StepCounter.Take();
        Assert.False(arena.TryAllocatePieces(count + 1, pieces, 1, out _));
        Assert.InRange(StepCounter.Take(), 0, 20);
    }

    /// <summary>Allocates at random; the free segments that are left.</summary>
    private static List<uint> Punch(Arena<uint> arena, SeededRandom random)
    {
        for (uint at = (uint)random.Below(20); at < 195; at += 2 + (uint)random.Below(30))
        {
            Assert.True(arena.TryAllocateAt(at, 1));
        }

        return [.. arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Free).Select(static segment => segment.Size)];
    }
}
