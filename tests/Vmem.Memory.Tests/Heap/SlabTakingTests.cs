using Vmem.Memory.Heap;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which blocks a slab gives, and what it knows of its pages. The slab has a record and no pages.</summary>
public unsafe class SlabTakingTests
{
    private const int Draws = 500;

    public static TheoryData<int> Sizes => [16, 64, 208, 1_200, 4_100, 29_000];

    /// <summary>The lowest of those that are back come first, and then the lowest of those that have never been out. Those that lie apart
    /// begin on another line of the bytes of live blocks, if so many lie there.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_lowest_blocks_are_taken_or_those_of_another_line(int size)
    {
        SeededRandom random = new((ulong)size);
        int skips = 0;
        for (int i = 0; i < Draws; i++)
        {
            using SlabOnPaper slab = SlabOnPaper.Draw(random, size);
            bool apart = random.Below(2) == 0;
            int wanted = 1 + random.Below(random.Below(3) == 0 ? 200 : 8);
            int line = IndexOnNextLine(slab);
            bool isSkipped = apart && line + wanted <= slab.Capacity;
            int first = isSkipped ? line : 0;
            int[] expected = [.. Enumerable.Range(first, slab.Capacity - first).Where(Free(slab)).Take(wanted)];
            bool[] after = slab.Free;
            Array.ForEach(expected, index => after[index] = false);
            ulong gone = slab.Record->Gone = random.Next();
            int untouched = Math.Max(slab.Record->Untouched, expected.LastOrDefault(-1) + 1);
            Assert.Equal([.. expected.Select(slab.BlockAt)], slab.Take(wanted, apart));
            Assert.Equal((untouched, gone & ~PagesOf(slab, expected)), (slab.Record->Untouched, slab.Record->Gone));
            Assert.Equal(after, slab.Free);
            Assert.True(slab.FindsAll());
            skips += isSkipped ? 1 : 0;
        }

        SlabGeometry geometry = new(SizeClasses.Of((nuint)size));
        Assert.True(skips > 0 || geometry.BytesByLine >= geometry.Bytes, "No line was skipped.");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_next_block_in_or_out_is_found(int size)
    {
        SeededRandom random = new((ulong)size);
        for (int i = 0; i < Draws / 10; i++)
        {
            using SlabOnPaper slab = SlabOnPaper.Draw(random, size);
            bool[] free = slab.Free;
            for (int first = random.Below(7); first <= slab.Capacity; first += 1 + random.Below(7))
            {
                int nextFree = Array.IndexOf(free, true, first);
                int nextOut = Array.IndexOf(free, false, first);
                Assert.Equal(nextFree < 0 ? slab.Capacity : nextFree, Slab.NextOf(slab.Record, first, isOut: false));
                Assert.Equal(nextOut < 0 ? slab.Capacity : nextOut, Slab.NextOf(slab.Record, first, isOut: true));
            }
        }
    }

    /// <summary>On each page that a block lies on, its first and last byte's included.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_block_is_gone_if_one_of_its_pages_is(int size)
    {
        using SlabOnPaper slab = new(size);
        int pages = (int)(slab.Bytes / HeapSpace.PageSize);
        for (int page = 0; page < pages; page++)
        {
            slab.Record->Gone = 1ul << page;
            for (int index = 0; index < slab.Capacity; index++)
            {
                bool isOnPage = (PagesOf(slab, [index]) & (1ul << page)) != 0;
                Assert.Equal(isOnPage, Slab.IsGone(slab.Record, slab.BlockAt(index) - SlabOnPaper.Start, (int)slab.Size));
            }
        }
    }

    private static Func<int, bool> Free(SlabOnPaper slab)
    {
        bool[] free = slab.Free;
        return index => free[index];
    }

    /// <summary>The first block of those that have never been out whose byte is on a line on which none of the others' is.</summary>
    private static int IndexOnNextLine(SlabOnPaper slab)
    {
        int untouched = slab.Record->Untouched;
        nuint line = slab.Geometry.BytesByLine;
        nuint end = (slab.BlockAt(untouched) - SlabOnPaper.Start + line - 1) / line;
        int index = untouched;
        while ((slab.BlockAt(index) - SlabOnPaper.Start) / line < end)
        {
            index++;
        }

        return index;
    }

    /// <summary>The bits of all pages from that of the first byte of the first block to that of the last byte of the last.</summary>
    private static ulong PagesOf(SlabOnPaper slab, int[] indices)
    {
        ulong pages = 0;
        if (indices.Length > 0)
        {
            nuint end = slab.BlockAt(indices[^1] + 1) - SlabOnPaper.Start;
            for (nuint page = (slab.BlockAt(indices[0]) - SlabOnPaper.Start) / HeapSpace.PageSize; page * HeapSpace.PageSize < end; page++)
            {
                pages |= 1ul << (int)page;
            }
        }

        return pages;
    }
}
