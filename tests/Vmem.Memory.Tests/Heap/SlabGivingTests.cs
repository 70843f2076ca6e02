using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Vmem.Memory.Window;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Blocks that come back to a slab: a row at once is the same as one after the other. The slab has a record and no
/// pages.</summary>
public unsafe class SlabGivingTests
{
    private const int Rows = 2_000;
    private const int MostInRow = 64;

    /// <summary>Rows that end at a word's first and last bits, in the next word, and beyond either end of the slab; with blocks that are
    /// free, that have never been out, or that a user has; and those that begin inside a block.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(208)]
    [InlineData(1_200)]
    [InlineData(4_100)]
    [InlineData(29_000)]
    public void A_row_is_as_good_as_its_blocks_one_by_one(int size)
    {
        SeededRandom random = new((ulong)size);
        (int whole, int refused, int acrossWords, int beyond) = (0, 0, 0, 0);
        for (int i = 0; i < Rows; i++)
        {
            using SlabOnPaper rowed = SlabOnPaper.Draw(random, size);
            using SlabOnPaper given = rowed.Copy();
            nuint[] row = DrawRow(random, rowed);
            nuint[] inSlab = [.. row.TakeWhile(block => block - SlabOnPaper.Start < (nuint)rowed.Capacity * rowed.Size)];
            int count = rowed.GiveRow(row);
            if (count == 0)
            {
                Assert.True(inSlab.Length == 0 || inSlab.Any(given.IsWrong), $"Row {i} of {row.Length} from {row[0]:x} was not taken.");
                refused++;
            }
            else
            {
                (nuint wrong, int left) = given.Give(inSlab);
                Assert.Equal((inSlab.Length, 0, 0u), (count, left, wrong));
                whole++;
                acrossWords += rowed.IndexOf(inSlab.Min()) / 64 != rowed.IndexOf(inSlab.Max()) / 64 ? 1 : 0;
                beyond += inSlab.Length < row.Length ? 1 : 0;
            }

            Assert.True(given.HasStateOf(rowed), $"Row {i} of {row.Length} from {row[0]:x} left another state.");
        }

        Assert.True(whole > Rows / 20 && refused > Rows / 20 && beyond > 0, $"{whole} whole, {refused} refused, {beyond} beyond the slab");
        Assert.True(acrossWords > 10 || new SlabGeometry(SizeClasses.Of((nuint)size)).Capacity <= 64);
    }

    /// <summary>Of blocks in any order, those that are wrong are left and one of them is named; the first that is another slab's ends
    /// it.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(208)]
    [InlineData(29_000)]
    public void Blocks_in_any_order_come_back_but_for_wrong_ones(int size)
    {
        SeededRandom random = new((ulong)size);
        for (int i = 0; i < Rows; i++)
        {
            using SlabOnPaper slab = SlabOnPaper.Draw(random, size);
            bool[] free = slab.Free;
            nuint[] blocks = [.. Enumerable.Range(0, 1 + random.Below(MostInRow)).Select(_ =>
                SlabOnPaper.Start + ((nuint)random.Below(slab.Capacity + 1) * slab.Size) + (random.Below(20) == 0 ? 8u : 0u))];
            blocks[0] = SlabOnPaper.Start;
            int ours = blocks.TakeWhile(block => block - SlabOnPaper.Start < slab.Bytes).Count();
            List<nuint> refused = [];
            foreach (nuint block in blocks[..ours])
            {
                if (slab.IsWrong(block) || free[slab.IndexOf(block)])
                {
                    refused.Add(block);
                }
                else
                {
                    free[slab.IndexOf(block)] = true;
                }
            }

            (nuint wrong, int left) = slab.Give(blocks);
            Assert.Equal((blocks.Length - ours, refused.LastOrDefault()), (left, wrong));
            Assert.Equal(free, slab.Free);
            Assert.True(slab.FindsAll());
        }
    }

    /// <summary>Else the row's way could be lost, and nothing but the time would show it.</summary>
    [Fact]
    public void A_row_that_goes_back_is_one_step_and_other_blocks_are_one_each()
    {
        using HeapSpace space = new(AddressWindow.Shared, "rows", limit: 0, huge: false);
        SlabRecords records = new();
        SlabClass slabs = new(space, states: null, records, SizeClasses.Of(64));
        nuint[] blocks = new nuint[MostInRow];
        Assert.Equal(1, slabs.Take(blocks, 1));   // stays out, so that the slab's pages do not go back: that is steps, too
        foreach ((int expected, Func<nuint[], nuint[]> order) in ((int, Func<nuint[], nuint[]>)[])
            [
                (1, static row => row),
                (1, static row => [.. row.Reverse()]),
                (1, static row => row[..2]),
                (MostInRow, static row => [.. row.Skip(1), row[0]]),
                (MostInRow, static row => [.. row[..62], row[63], row[62]]),
                (32, static row => [.. row.Where((_, place) => place % 2 == 0)]),
            ])
        {
            Assert.Equal(MostInRow, slabs.Take(blocks, MostInRow));
            Array.Sort(blocks);
            nuint[] given = order(blocks);
            _ = Steps.Take();
            Assert.Equal(0u, slabs.GiveBack(given));
            Assert.Equal(expected, Steps.Take());
            Assert.Equal(1 + MostInRow - given.Length, slabs.Count().BlocksOut);
            Assert.Equal(0u, slabs.GiveBack([.. blocks.Except(given)]));
            Assert.Equal(1, slabs.Count().BlocksOut);
        }

        slabs.Dispose();
        records.Dispose();
    }

    private static nuint[] DrawRow(SeededRandom random, SlabOnPaper slab)
    {
        int length = 1 + random.Below(random.Below(2) == 0 ? MostInRow : 4);
        int edge = random.Below((slab.Capacity / 64) + 1) * 64;
        int first = Math.Clamp(random.Below(2) == 0 ? edge - 2 + random.Below(5) : random.Below(slab.Capacity + 1), 0, slab.Capacity);
        nuint start = SlabOnPaper.Start + ((nuint)first * slab.Size) + (random.Below(20) == 0 ? 8u : 0u);
        int sign = random.Below(2) == 0 ? 1 : -1;
        return [.. Enumerable.Range(0, length).Select(i => (nuint)((nint)start + (sign * i * (nint)slab.Size)))];
    }
}
