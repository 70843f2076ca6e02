using Vmem.Memory.Tests.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Slabs in which few blocks live: what lies between these goes back.</summary>
[Collection(Footprint.Collection)]
public unsafe class SparseSlabTests
{
    private const nuint Megabyte = 1 << 20;

    [Fact]
    public void A_block_in_a_thousand_keeps_its_page_and_no_more()
    {
        using NativeHeap heap = NewHeap();
        List<nuint> kept = [];
        for (nuint size = 64; size <= 304; size += 48)
        {
            nuint[] blocks = Fill(heap, size, 16 * Megabyte);
            for (int i = 0; i < blocks.Length; i++)
            {
                if (i % 1_000 == 500)
                {
                    Pattern.Write((void*)blocks[i], heap.GetSize((void*)blocks[i]), i);
                    kept.Add(blocks[i]);
                }
                else
                {
                    heap.Free((void*)blocks[i]);
                }
            }
        }

        _ = heap.Trim();
        Assert.InRange(heap.GetStatistics().Resident, (nuint)kept.Count * 64, 8 * Megabyte);
        heap.Validate();
        foreach (nuint size in (nuint[])[64, 304])
        {
            Array.ForEach(Fill(heap, size, Megabyte), block => heap.Free((void*)block));
        }

        int at = 0;
        for (nuint size = 64; size <= 304; size += 48)
        {
            int count = (int)(16 * Megabyte / size);
            for (int i = 500; i < count; i += 1_000)
            {
                Assert.True(Pattern.Holds((void*)kept[at], heap.GetSize((void*)kept[at]), i));
                heap.Free((void*)kept[at++]);
            }
        }

        Assert.Equal(kept.Count, at);
        heap.Validate();
    }

    /// <summary>Any blocks of any sizes live: a page has memory if, and only if, a block lives on it.</summary>
    [Theory]
    [InlineData(1, 48)]
    [InlineData(2, 208)]
    [InlineData(3, 1_040)]
    [InlineData(4, 6_000)]
    [InlineData(5, 29_000)]
    public void Pages_without_a_block_have_no_memory(int seed, int size)
    {
        Random random = new(seed);
        using NativeHeap heap = NewHeap();
        nuint[] blocks = Fill(heap, (nuint)size, 4 * Megabyte);
        nuint length = heap.GetSize((void*)blocks[0]);
        nuint page = VirtualMemory.PageSize;
        HashSet<nuint> pages = [];                // that lie in slabs wholly
        HashSet<nuint> taken = [];
        for (int i = 0; i < blocks.Length; i++)
        {
            bool isKept = random.Next(40) == 0;
            for (nuint at = blocks[i] / page; at <= (blocks[i] + length - 1) / page; at++)
            {
                _ = i >= 64 && pages.Add(at);     // the first ones are in the starter arena
                _ = isKept && taken.Add(at);
            }

            if (isKept)
            {
                Pattern.Write((void*)blocks[i], length, i);
                blocks[i] |= 1;
            }
            else
            {
                heap.Free((void*)blocks[i]);
            }
        }

        _ = heap.Trim();
        int resident = 0;
        foreach (nuint at in pages.Where(at => !taken.Contains(at)))
        {
            resident += VirtualMemory.GetResident((void*)(at * page), page) == 0 ? 0 : 1;
        }

        Assert.Equal(0, resident);
        for (int i = 0; i < blocks.Length; i++)
        {
            if ((blocks[i] & 1) != 0)
            {
                Assert.True(Pattern.Holds((void*)(blocks[i] - 1), length, i));
            }
        }

        heap.Validate();
    }

    private static NativeHeap NewHeap() => new(new NativeHeapOptions { Debugging = HeapDebugging.None });

    private static nuint[] Fill(NativeHeap heap, nuint size, nuint bytes) => [.. Enumerable.Range(0, (int)(bytes / size)).Select(_ =>
    {
        byte* block = (byte*)heap.Allocate(size);
        new Span<byte>(block, (int)size).Fill(1);
        return (nuint)block;
    })];
}
