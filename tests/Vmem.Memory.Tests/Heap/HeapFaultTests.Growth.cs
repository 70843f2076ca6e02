using Vmem.Caching;
using Vmem.Memory.Tests.Internals;
using Vmem.Platform;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

// Tables that cannot grow.
public unsafe partial class HeapFaultTests
{
    /// <summary>The arena's tables cannot grow: every growth fails once, and for TryAllocate that is "no", too.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(20_000)]
    [InlineData(40_000)]
    public void A_request_for_which_tables_cannot_grow_changes_nothing(int size)
    {
        using NativeHeap heap = Create();
        heap.Free(heap.Allocate(1));              // makes the heap, which takes more than every second table
        List<nuint> blocks = [];
        int faults = 0;
        int failures = 0;
        while ((nuint)(blocks.Count * size) < 60 << 20)
        {
            bool isMet;
            using (TableFaults.Inject(() => faults++ % 2 == 0))
            {
                isMet = heap.TryAllocate((nuint)size, out void* block);
                if (isMet)
                {
                    Pattern.Write(block, heap.GetSize(block), blocks.Count);
                    blocks.Add((nuint)block);
                }
            }

            if (!isMet)
            {
                failures++;
                CheckLive(heap, blocks.Count);
            }

            Assert.True(failures <= faults);
        }

        Assert.True(faults > 0, "No table had to grow.");
        CheckAndFree(heap, blocks);
    }

    /// <summary>While no table can grow at all, frees and trims work.</summary>
    [Fact]
    public void What_gives_back_needs_no_tables_to_grow()
    {
        using NativeHeap heap = Create();
        List<nuint> blocks = [];
        for (int i = 0; i < 2_000; i++)
        {
            blocks.Add((nuint)heap.Allocate(s_sizes[i % 5]));
            Pattern.Write((void*)blocks[i], heap.GetSize((void*)blocks[i]), i);
        }

        using (TableFaults.Inject(() => true))
        {
            for (int i = 0; i < blocks.Count; i += 2)
            {
                heap.Free((void*)blocks[i]);
                blocks[i] = 0;
            }

            _ = heap.Trim();
            CheckLive(heap, blocks.Count / 2);
        }

        CheckAndFree(heap, blocks);
    }

    /// <summary>A trim looks for free pages by their addresses. What it leaves behind to do so must not make frees fail.</summary>
    [Theory]
    [InlineData(20_000)]
    [InlineData(40_000)]
    public void What_gives_back_needs_no_tables_to_grow_after_a_trim(int size)
    {
        using NativeHeap heap = Create();
        heap.Free(heap.Allocate(1 << 20));
        _ = heap.Trim();
        List<nuint> blocks = [];
        for (int i = 0; i < 4_000; i++)
        {
            blocks.Add((nuint)heap.Allocate((nuint)size));
        }

        int failed = 0;
        using (TableFaults.Inject(() => true))
        {
            for (int i = 0; i < blocks.Count; i++)
            {
                if (i / 20 % 2 == 0)
                {
                    failed += Record.Exception(() => heap.Free((void*)blocks[i])) is null ? 0 : 1;
                }
            }
        }

        CheckLive(heap, blocks.Count / 2);
        Assert.Equal(0, failed);
    }
}
