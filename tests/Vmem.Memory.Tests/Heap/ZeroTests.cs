using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Zeroed is zero, whoever had the memory before.</summary>
public unsafe class ZeroTests
{
    private static readonly nuint[] s_sizes = [0, 1, 16, 100, 1_000, 4_096, 10_000, 32_768, 32_769, 100_000, 3 << 20];

    [Fact]
    public void Dirty_memory_is_zeroed()
    {
        using NativeHeap heap = new();
        foreach (nuint size in s_sizes)
        {
            for (int round = 0; round < 3; round++)
            {
                CheckZeroAndSoil(heap, size, blocks: 20);
                if (round == 1)
                {
                    _ = heap.Trim();
                }
            }
        }
    }

    /// <summary>Pages that were another heap's, in a space that it left.</summary>
    [Fact]
    public void Memory_of_a_heap_that_is_gone_is_zeroed()
    {
        for (int round = 0; round < 6; round++)
        {
            using NativeHeap heap = new();
            foreach (nuint size in s_sizes)
            {
                CheckZeroAndSoil(heap, size, blocks: 5);
            }
        }
    }

    /// <summary>Every length of what is dirty before, in pages, against every length of what is asked for.</summary>
    [Fact]
    public void Memory_of_which_some_is_dirty_is_zeroed()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 64 << 20 });
        nuint page = VirtualMemory.PageSize;
        for (nuint dirty = 9; dirty < 140; dirty += 13)
        {
            _ = heap.Trim();
            void* soiled = heap.Allocate(dirty * page);
            new Span<byte>(soiled, (int)(dirty * page)).Fill(0xEE);
            heap.Free(soiled);
            for (nuint pages = 9; pages < 300; pages += 29)
            {
                void* block = heap.AllocateZeroed(pages * page);
                Assert.True(Pattern.IsZero(block, pages * page), $"{pages} pages over {dirty} dirty ones");
                heap.Free(block);
            }
        }
    }

    /// <summary>What the system has just given is not written to: it takes no memory until it is used.</summary>
    [Fact]
    public void Fresh_pages_are_not_touched()
    {
        const int Size = 256 << 20;
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 3 * (nuint)Size });      // no other heap has left a space of this size
        void* block = heap.AllocateZeroed(Size);
        Assert.Equal(0u, VirtualMemory.GetResident(block, Size));
        Assert.True(Pattern.IsZero(block, Size));
    }

    /// <summary>A few dirty pages in front of fresh ones do not have these touched.</summary>
    [Fact]
    public void Only_what_is_dirty_is_cleared()
    {
        const int Size = 255 << 20;
        using NativeHeap heap = new(new NativeHeapOptions { Limit = Size });      // it must begin where the dirty ones are
        nuint page = VirtualMemory.PageSize;
        void* soiled = heap.Allocate(20 * page);
        new Span<byte>(soiled, (int)(20 * page)).Fill(0xEE);
        heap.Free(soiled);
        void* block = heap.AllocateZeroed(Size);
        Assert.Equal((nuint)soiled, (nuint)block);
        Assert.InRange(VirtualMemory.GetResident(block, Size), 0u, 20 * page);
        Assert.True(Pattern.IsZero(block, Size));
    }

    private static void CheckZeroAndSoil(NativeHeap heap, nuint size, int blocks)
    {
        var zeroed = new nuint[blocks];
        for (int i = 0; i < blocks; i++)
        {
            var block = (byte*)heap.AllocateZeroed(size);
            nuint usable = heap.GetSize(block);
            Assert.True(Pattern.IsZero(block, usable), $"a block of {size} bytes");
            Pattern.Write(block, usable, -1);
            zeroed[i] = (nuint)block;
        }

        foreach (nuint block in zeroed)
        {
            heap.Free((void*)block);
        }
    }
}
