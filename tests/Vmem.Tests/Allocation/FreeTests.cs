using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>Wrong frees say what was wrong and change nothing.</summary>
public class FreeTests
{
    [Theory]
    [InlineData(99, 10, InvalidFreeReason.NotAllocated)]
    [InlineData(200, 10, InvalidFreeReason.NotAllocated)]
    [InlineData(uint.MaxValue, 1, InvalidFreeReason.NotAllocated)]
    [InlineData(150, 10, InvalidFreeReason.AlreadyFree)]
    [InlineData(101, 9, InvalidFreeReason.InteriorAddress)]
    [InlineData(109, 1, InvalidFreeReason.InteriorAddress)]
    [InlineData(100, 9, InvalidFreeReason.WrongSize)]
    [InlineData(100, 100, InvalidFreeReason.WrongSize)]
    public void A_wrong_free_is_refused_with_its_reason(uint start, uint size, InvalidFreeReason reason)
    {
        using Arena<uint> arena = new("free", 100, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.Allocate(10);
        string before = ArenaPicture.Of(arena);
        InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => arena.Free(start, size));
        Assert.Equal((reason, (UInt128)start, (UInt128)size), (wrong.Reason, wrong.Start, wrong.Size));
        Assert.Equal(reason, Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(start, size)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
    }

    [Fact]
    public void A_size_that_rounds_to_the_same_quanta_is_right()
    {
        using Arena<uint> arena = new("free", 0, 64, 16);
        arena.Free(arena.Allocate(17), 32);
        arena.Free(arena.Allocate(32), 17);
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    [Fact]
    public void A_double_free_is_found_and_so_is_one_whose_range_has_a_new_owner_of_another_size()
    {
        using Arena<uint> arena = new("twice", 0, 64, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        uint start = arena.Allocate(8);
        arena.Free(start, 8);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(start, 8)).Reason);
        arena.Allocate(16);
        Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => arena.Free(start, 8)).Reason);
        arena.Validate();
    }

    [Fact]
    public void Every_order_of_frees_coalesces()
    {
        foreach (int[] order in Permutations(5))
        {
            using Arena<uint> arena = new("order", 0, 50, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
            uint[] starts = [.. Enumerable.Range(0, 5).Select(_ => arena.Allocate(10))];
            foreach (int index in order)
            {
                arena.Free(starts[index], 10);
                arena.Validate();
            }

            Assert.Equal("{0+50: (0+50)}", ArenaPicture.Segments(arena));
        }
    }

    private static IEnumerable<int[]> Permutations(int count) =>
        count == 0 ? [[]] : Permutations(count - 1)
            .SelectMany(shorter => Enumerable.Range(0, count).Select(at => (int[])[.. shorter[..at], count - 1, .. shorter[at..]]));
}
