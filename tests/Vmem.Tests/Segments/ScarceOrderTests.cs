using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which of the holes of one size instant fit takes: the one that was freed last; and a low one where space is scarce.</summary>
public sealed class ScarceOrderTests
{
    /// <summary>Blocks of one size, of which only every second is ever freed: no hole is longer, and all are in one list.</summary>
    [Theory]
    [InlineData(1, 8)]
    [InlineData(15, 8)]
    [InlineData(16, 1)]
    [InlineData(100, 1)]
    [InlineData(128, 1)]
    public void A_list_is_last_in_first_out_and_kept_roughly_in_order_between_three_quarters_and_fifteen_sixteenths(int size, int passed)
    {
        const int blocks = 96;
        uint length = (uint)size;
        uint total = blocks * length;
        using Arena<uint> arena = new("holes", 0, total, 1);
        bool[] isFree = new bool[blocks];
        for (int block = 0; block < blocks; block++)
        {
            Assert.Equal((uint)block * length, arena.Allocate(length));
        }

        List<int> list = [];                      // the first is taken first
        SeededRandom random = new(length);
        for (int step = 0; step < 3_000; step++)
        {
            bool grows = step / 100 % 2 == 0;     // by turns there are more holes and fewer
            int block = 2 * random.Below(blocks / 2);
            if (random.Below(5) < (grows ? 4 : 1) && !isFree[block])
            {
                arena.Free((uint)block * length, length);
                isFree[block] = true;
                Insert(list, block, IsScarce(total, total - ((uint)(list.Count + 1) * length)) ? passed : 0);
            }
            else if (list.Count > 0)
            {
                Assert.Equal((uint)list[0] * length, arena.Allocate(length));
                isFree[list[0]] = false;
                list.RemoveAt(0);
            }
        }

        arena.Validate();
    }

    private static bool IsScarce(uint total, uint inUse) => 4 * inUse >= 3 * total && 16 * inUse < 15 * total;

    /// <summary>Before the head, or behind up to so many lower ones.</summary>
    private static void Insert(List<int> list, int block, int passed)
    {
        int place = 0;
        while (place < passed && place < list.Count && list[place] < block)
        {
            place++;
        }

        list.Insert(place, block);
    }
}
