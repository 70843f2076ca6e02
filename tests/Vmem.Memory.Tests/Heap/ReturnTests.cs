using Vmem.Caching;
using Vmem.Memory.Tests.Internals;
using Vmem.Memory.Tests.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Memory goes back to the system: by Trim all of it, and in time by itself.</summary>
public sealed unsafe class ReturnTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    [Fact]
    public void Trim_gives_everything_back()
    {
        using NativeHeap heap = _own.NewHeap();
        List<nuint> blocks = Fill(heap, 40 * Megabyte);
        FreeAll(heap, blocks);
        nuint trimmed = heap.Trim();
        Assert.True(trimmed >= 40 * Megabyte, $"Trim says {trimmed}.");
        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.Equal((0u, 0u, 0u, 0), (statistics.Held, statistics.InUse, statistics.Cached, statistics.Slabs));
        CheckResident(heap, blocks, most: 0);
        Assert.Equal(0u, heap.Trim());
        heap.Validate();
    }

    /// <summary>What a trim looks at grows with what was used, not with the 256 GiB that are reserved.</summary>
    [Fact]
    public void Trim_looks_only_at_what_was_used()
    {
        using NativeHeap heap = _own.NewHeap(new NativeHeapOptions { Limit = (nuint)200 << 30 });
        heap.Free(heap.Allocate(10 * Megabyte));
        _ = Steps.Take();
        _ = heap.Trim();
        Assert.InRange(Steps.Take(), 1, 1_000);
    }

    [Fact]
    public void Trim_leaves_live_blocks_alone()
    {
        using NativeHeap heap = _own.NewHeap();
        List<nuint> blocks = Fill(heap, 10 * Megabyte);
        List<nuint> kept = [];
        for (int i = 0; i < blocks.Count; i++)
        {
            if (i % 3 == 0)
            {
                Pattern.Write((void*)blocks[i], heap.GetSize((void*)blocks[i]), i);
                kept.Add(blocks[i]);
            }
            else
            {
                heap.Free((void*)blocks[i]);
            }
        }

        _ = heap.Trim();
        heap.Validate();
        Assert.Equal(kept.Count, heap.GetStatistics().LiveBlocks);
        for (int i = 0; i < kept.Count; i++)
        {
            Assert.True(Pattern.Holds((void*)kept[i], heap.GetSize((void*)kept[i]), i * 3));
        }
    }

    /// <summary>An idle heap holds nothing after a few intervals, whichever thread it was that left its blocks in magazines.</summary>
    [Fact]
    public void An_idle_heap_gives_everything_back_in_time()
    {
        ManualTime time = new();
        using NativeHeap heap = _own.NewHeap(new NativeHeapOptions { TimeProvider = time });
        List<nuint> blocks = Fill(heap, 20 * Megabyte);
        Thread other = new(() => FreeAll(heap, blocks));
        other.Start();
        other.Join();
        int intervals = 0;
        while ((heap.GetStatistics().Held > 0 || CountResident(blocks) > 0) && intervals < 20)
        {
            time.Advance(Upkeep.Interval);
            intervals++;
        }

        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.True(statistics.Held == 0, $"{statistics} after {intervals} intervals");
        Assert.InRange(intervals, 1, 5);
        heap.Validate();
    }

    /// <summary>What has just been freed may be wanted back: it goes when a whole interval has not.</summary>
    [Fact]
    public void Pages_go_back_when_they_have_been_free_for_an_interval()
    {
        ManualTime time = new();
        using NativeHeap heap = _own.NewHeap(new NativeHeapOptions { TimeProvider = time });
        nuint used = Soil(heap, 4 * Megabyte);
        time.Advance(Upkeep.Interval);
        Assert.Equal(4 * Megabyte, VirtualMemory.GetResident((void*)used, 4 * Megabyte));
        Assert.Equal(used, Soil(heap, 3 * Megabyte));
        time.Advance(Upkeep.Interval);
        Assert.Equal(3 * Megabyte, VirtualMemory.GetResident((void*)used, 4 * Megabyte));
        time.Advance(Upkeep.Interval);
        Assert.Equal(0u, VirtualMemory.GetResident((void*)used, 4 * Megabyte));
        heap.Validate();
    }

    /// <summary>A heap at work keeps what it works with.</summary>
    [Fact]
    public void A_heap_at_work_keeps_its_working_set()
    {
        ManualTime time = new();
        using NativeHeap heap = _own.NewHeap(new NativeHeapOptions { TimeProvider = time });
        var blocks = new nuint[500];
        nuint held = 0;
        for (int interval = 0; interval < 10; interval++)
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = (nuint)heap.Allocate(200);
            }

            FreeAll(heap, [.. blocks]);
            time.Advance(Upkeep.Interval);
            held = interval == 0 ? heap.GetStatistics().Held : held;
            Assert.True(heap.GetStatistics().Held >= held, "It has given back what it needs again in every interval.");
        }

        heap.Validate();
    }

    /// <summary>A block of a trusting heap that was freed twice is found by the upkeep, too. Its thread is nobody's: whoever looks next
    /// is told.</summary>
    [Fact]
    public void A_wrong_free_that_the_upkeep_finds_is_not_thrown_there()
    {
        ManualTime time = new();
        using NativeHeap heap = _own.NewHeap(new NativeHeapOptions { TimeProvider = time, TrustCaller = true });
        for (int i = 0; i < 64; i++)
        {
            heap.Free(heap.Allocate(100));        // the starter arena has no more: the next is in a slab
        }

        void* block = heap.Allocate(100);
        heap.Free(block);
        heap.Free(block);
        for (int interval = 0; interval < 5; interval++)
        {
            time.Advance(Upkeep.Interval);
        }

        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        heap.Validate();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }

    /// <summary>Uses a block and frees it. Returns where it was.</summary>
    private static nuint Soil(NativeHeap heap, nuint size)
    {
        void* block = heap.Allocate(size);
        new Span<byte>(block, (int)size).Fill(1);
        heap.Free(block);
        return (nuint)block;
    }

    private static List<nuint> Fill(NativeHeap heap, nuint bytes)
    {
        List<nuint> blocks = [];
        nuint[] sizes = [16, 40, 200, 1_000, 4_000, 20_000, 32_768, 100_000];
        for (nuint done = 0; done < bytes;)
        {
            nuint size = sizes[blocks.Count % sizes.Length];
            var block = (byte*)heap.Allocate(size);
            new Span<byte>(block, (int)heap.GetSize(block)).Fill(1);
            done += heap.GetSize(block);
            blocks.Add((nuint)block);
        }

        return blocks;
    }

    private static void FreeAll(NativeHeap heap, List<nuint> blocks) => blocks.ForEach(block => heap.Free((void*)block));

    private static void CheckResident(NativeHeap heap, List<nuint> blocks, nuint most)
    {
        nuint resident = CountResident(blocks);
        Assert.True(resident <= most, $"{resident} bytes are resident, and {heap.GetStatistics()}.");
    }

    private static nuint CountResident(List<nuint> blocks)
    {
        nuint resident = 0;
        nuint page = VirtualMemory.PageSize;
        foreach (nuint start in blocks.Select(block => block & ~(page - 1)).Distinct())
        {
            resident += VirtualMemory.GetResident((void*)start, page);
        }

        return resident;
    }
}
