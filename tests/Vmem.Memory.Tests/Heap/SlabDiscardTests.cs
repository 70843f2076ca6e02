using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which pages of a slab go back. It lies in memory of the C library, so that no heap looks at it meanwhile.</summary>
public unsafe class SlabDiscardTests
{
    private static int Page => (int)HeapSpace.PageSize;

    /// <summary>Those on which no block is out, and no others. Those behind the last block go with that. What has gone before goes again
    /// only if that is asked for, and is counted once.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(208)]
    [InlineData(1_200)]
    [InlineData(4_096)]
    [InlineData(4_100)]
    [InlineData(29_000)]
    public void Pages_on_which_no_block_is_out_go_back(int size)
    {
        SeededRandom random = new((ulong)size);
        SlabGeometry cut = new(SizeClasses.Of((nuint)size));
        byte* pages = (byte*)NativeMemory.AlignedAlloc(cut.Bytes, HeapSpace.PageSize);
        Slab* slab = (Slab*)NativeMemory.Alloc(Slab.BytesFor(cut.Capacity));
        (int all, int some) = (0, 0);
        for (int i = 0; i < 100; i++)
        {
            new Span<byte>(pages, (int)cut.Bytes).Fill(1);
            Slab.Initialize(slab, (nuint)pages, cut.Capacity, clean: 0);
            TakeAndGive(random, slab, cut);
            ulong free = PagesWithoutBlocks(slab, cut);
            ulong gone = slab->Gone = random.Below(2) == 0 ? 0 : free & random.Next();
            bool again = random.Below(2) == 0;
            Assert.Equal((nuint)(BitOperations.PopCount(free & ~gone) * Page), Slab.Discard(slab, cut, again));
            Assert.Equal(free, slab->Gone);
            ulong zeroed = again ? free : free & ~gone;
            for (int page = 0; page < (int)cut.Bytes / Page; page++)
            {
                int expected = (zeroed >> page & 1) == 0 ? 1 : 0;
                Assert.Equal((expected, expected), (pages[page * Page], pages[((page + 1) * Page) - 1]));
            }

            all += BitOperations.PopCount(free) == (int)cut.Bytes / Page ? 1 : 0;
            some += free == 0 ? 0 : 1;
        }

        Assert.True(some > 20 && all < some, $"{some} of 100 had such pages, {all} nothing else");
        NativeMemory.Free(slab);
        NativeMemory.AlignedFree(pages);
    }

    private static void TakeAndGive(SeededRandom random, Slab* slab, in SlabGeometry cut)
    {
        nuint[] blocks = new nuint[random.Below(3) == 0 ? 1 + random.Below(cut.Capacity) : cut.Capacity];
        Assert.Equal(blocks.Length, Slab.Take(slab, cut, blocks, apart: false));
        for (int stretches = 1 + random.Below(3); stretches > 0; stretches--)
        {
            int first = random.Below(blocks.Length);
            nuint wrong = 0;
            _ = Slab.Give(slab, cut, null, blocks.AsSpan(first, random.Below(blocks.Length - first) + 1), ref wrong);
        }
    }

    /// <summary>The memory behind the last block is as free as that.</summary>
    private static ulong PagesWithoutBlocks(Slab* slab, in SlabGeometry cut)
    {
        ulong pages = ulong.MaxValue >> (64 - ((int)cut.Bytes / Page));
        for (int index = 0; index < cut.Capacity; index++)
        {
            if (Slab.IsOut(slab, index))
            {
                int end = index == cut.Capacity - 1 ? (int)cut.Bytes : (index + 1) * cut.Size;
                for (int page = index * cut.Size / Page; page * Page < end; page++)
                {
                    pages &= ~(1ul << page);
                }
            }
        }

        return pages;
    }
}
