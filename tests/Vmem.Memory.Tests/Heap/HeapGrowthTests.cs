using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What a heap gives back while it grows, so that what is free in the wrong place is not there twice.</summary>
public sealed unsafe partial class HeapGrowthTests(ITestOutputHelper output) : IDisposable
{
    private const nuint Megabyte = 1 << 20;

    // No interval ends while it is counted, however slow the machine is: only what a heap gives back as it grows is.
    private static readonly NativeHeapOptions s_options =
        new() { Name = "growth", Debugging = HeapDebugging.None, RetainedInterval = TimeSpan.FromHours(1) };

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    [Fact]
    public void Holes_that_are_too_short_go_back()
    {
        using NativeHeap heap = NewHeap();
        nuint live = GrowBesideHoles(heap);
        Assert.InRange(heap.GetStatistics().Resident, live, live + (live / 4));
        heap.Validate();
    }

    [Fact]
    public void A_heap_that_is_told_to_keep_all_keeps_them()
    {
        using NativeHeap heap = _own.NewHeap(s_options with { RetainedInterval = Timeout.InfiniteTimeSpan });
        nuint live = GrowBesideHoles(heap);
        Assert.InRange(heap.GetStatistics().Resident, live + (20 * Megabyte), live + (28 * Megabyte));
    }

    /// <summary>Blocks of some KiB, of which one in eight lives; then others of twice the size, for which there is no place in their
    /// slabs.</summary>
    [Fact]
    public void Pages_of_slabs_on_which_nothing_lives_go_back()
    {
        using NativeHeap heap = NewHeap();
        nuint[] blocks = TakeSparse(heap, out nuint before);
        TakeOthers(heap);
        Assert.InRange(heap.GetStatistics().Resident, 8 * Megabyte, before + (2 * Megabyte));
        heap.Validate();
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = i % 8 == 0 ? blocks[i] : Take(heap, 10_000);
        }

        heap.Validate();
    }

    /// <summary>What went back is counted, and once, also if the pages are in use still.</summary>
    [Fact]
    public void What_goes_back_of_slabs_is_counted_once()
    {
        using NativeHeap heap = NewHeap();
        nuint[] blocks = TakeSparse(heap, out _);
        Assert.Equal(0u, heap.GetStatistics().Decommitted);
        TakeOthers(heap);
        nuint grown = heap.GetStatistics().Decommitted;
        output.WriteLine($"{grown} bytes");
        Assert.InRange(grown, 3 * Megabyte, 6 * Megabyte);
        nuint resident = heap.GetStatistics().Resident;
        nuint pages = heap.Trim();
        NativeHeapStatistics trimmed = heap.GetStatistics();
        Assert.InRange(trimmed.Decommitted - grown, pages + Megabyte, pages + (10 * Megabyte));
        Assert.InRange(resident - trimmed.Resident, (trimmed.Decommitted - grown) * 9 / 10, trimmed.Decommitted - grown);
        Assert.Equal(0u, heap.Trim());
        Assert.Equal(trimmed.Decommitted, heap.GetStatistics().Decommitted);

        // The slabs' other blocks come back. What has no memory is not free pages that may go: real holes beside it do.
        nuint charged = _own.Budget.Charged;
        FreeEighths(heap, blocks);
        nuint survivors = (nuint)blocks.Length / 8 * 10_000;
        Assert.InRange(charged - _own.Budget.Charged, 5 * Megabyte, 16 * Megabyte);
        Assert.InRange(heap.GetStatistics().Dirty, Megabyte / 2, 3 * survivors);
        nuint back = heap.Trim();
        NativeHeapStatistics ended = heap.GetStatistics();
        Assert.Equal(back, ended.Decommitted - trimmed.Decommitted);
        Assert.InRange(trimmed.Resident - ended.Resident, back * 9 / 10, back + (Megabyte / 2));
    }

    /// <summary>Slabs of which most had gone back are free pages, and the heap grows: what goes back had memory.</summary>
    [Fact]
    public void What_sparse_slabs_leave_does_not_go_back_again()
    {
        using NativeHeap heap = NewHeap();
        nuint[] blocks = new nuint[1_600];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = Take(heap, 10_000);
            if (i % 100 == 99)
            {
                _ = heap.Allocate(5 * Megabyte / 4);      // between slabs: nothing longer fits there later
            }
        }

        FreeMost(heap, blocks);
        ((IUpkeepTarget)PlainOf(heap)).RelievePressure();
        MakeHoles(heap, 16);
        FreeEighths(heap, blocks);
        NativeHeapStatistics before = heap.GetStatistics();
        for (int i = 0; i < 16; i++)
        {
            _ = Take(heap, 2 * Megabyte);
        }

        NativeHeapStatistics after = heap.GetStatistics();
        nuint gone = after.Decommitted - before.Decommitted;
        output.WriteLine($"{gone} bytes, {after.Resident} are resident, {before.Resident} were");
        Assert.InRange(gone, 8 * Megabyte, 24 * Megabyte);
        Assert.InRange(after.Resident + gone, before.Resident + (31 * Megabyte), before.Resident + (33 * Megabyte));
        heap.Validate();
    }

    /// <summary>The system takes nothing back, of slabs or of free pages: what was to go is zero, and nothing else is lost.</summary>
    [Fact]
    public void A_system_that_takes_nothing_back_harms_nothing()
    {
        using NativeHeap heap = NewHeap();
        nuint[] blocks = TakeSparse(heap, out _);
        using (SystemCallFault fault = SystemCallFault.Inject(static call => call == SystemCall.Discard))
        {
            TakeOthers(heap);
            _ = GrowBesideHoles(heap);
            Assert.InRange(fault.Failed, 100, 10_000);
        }

        heap.Validate();
        for (int i = 0; i < blocks.Length; i += 8)
        {
            Assert.True(new Span<byte>((void*)blocks[i], 10_000).IndexOfAnyExcept((byte)1) < 0);
        }
    }

    /// <summary>What a heap makes of managed memory as it grows is a bounded number of small objects, however much goes back.</summary>
    [Fact]
    public void What_it_gives_back_makes_little_garbage()
    {
        using NativeHeap heap = NewHeap();
        _ = GrowBesideHoles(heap);
        using SystemCallFault calls = SystemCallFault.Inject(static _ => false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = GrowBesideHoles(heap);
        long garbage = GC.GetAllocatedBytesForCurrentThread() - before;
        int discards = calls.Count(SystemCall.Discard);
        output.WriteLine($"{garbage} bytes of garbage, {discards} calls");
        Assert.InRange(discards, 10, 1_000);
        Assert.InRange(garbage, 1_000, 9_000);
    }

    /// <summary>Threads leave holes in each other's slabs and between their runs, and fill others: pages go back beside blocks that are
    /// taken and freed.</summary>
    [Fact]
    public void Nothing_that_lives_goes_back_while_threads_grow()
    {
        using NativeHeap heap = NewHeap();
        List<(nuint Block, int Size, int Seed)>[] kept = [[], [], []];
        Thread[] threads = [.. kept.Select((mine, number) => new Thread(() =>
        {
            Random random = new(number);
            for (int round = 0; round < 80; round++)
            {
                int least = 200 << (round % 7);
                for (int i = 0; i < 60; i++)
                {
                    int size = random.Next(least, 2 * least);
                    void* block = heap.Allocate((nuint)size);
                    mine.Add(((nuint)block, size, random.Next()));
                    Pattern.Write(block, (nuint)size, mine[^1].Seed);
                }

                for (int i = 0; i < 40; i++)
                {
                    int at = random.Next(mine.Count);
                    heap.Free((void*)mine[at].Block);
                    mine[at] = mine[^1];
                    mine.RemoveAt(mine.Count - 1);
                }
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.All(kept.SelectMany(static mine => mine),
            block => Assert.True(Pattern.Holds((void*)block.Block, (nuint)block.Size, block.Seed)));
        Assert.Equal(kept.Sum(static mine => mine.Count), heap.GetStatistics().LiveBlocks);
        Assert.True(heap.GetStatistics().Decommitted > Megabyte);
        heap.Validate();
    }

    /// <summary>Some hundred segments or some thousand, and always a hole or two: what is looked at for each block that is taken is the
    /// same.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(8_000)]
    public void What_a_block_costs_does_not_grow_with_the_heap(int count)
    {
        using NativeHeap heap = NewHeap();
        _ = Steps.Take();
        for (int i = 0; i < count; i++)
        {
            void* hole = heap.Allocate(1_200_000);
            _ = heap.Allocate(1_500_000);
            heap.Free(hole);
        }

        double steps = (double)Steps.Take() / count;
        output.WriteLine($"{steps:0.0} steps a block");
        Assert.InRange(steps, 20, 80);
    }

    /// <summary>Holes of a megabyte and a half, and then as much in blocks that do not fit there. Returns how much is live.</summary>
    internal static nuint GrowBesideHoles(NativeHeap heap)
    {
        MakeHoles(heap, 16);
        for (int i = 0; i < 12; i++)
        {
            _ = Take(heap, 2 * Megabyte);
        }

        return heap.GetStatistics().InUse;
    }

    /// <summary>Holes of a megabyte and a half, with something in between.</summary>
    private static void MakeHoles(NativeHeap heap, int count)
    {
        List<nuint> holes = [];
        for (int i = 0; i < count; i++)
        {
            holes.Add(Take(heap, 3 * Megabyte / 2));
            _ = Take(heap, Megabyte / 8);
        }

        holes.ForEach(hole => heap.Free((void*)hole));
    }

    /// <summary>Blocks of 10,000 bytes, of which one in eight is left.</summary>
    private static nuint[] TakeSparse(NativeHeap heap, out nuint resident)
    {
        nuint[] blocks = [.. Enumerable.Range(0, 1_600).Select(_ => Take(heap, 10_000))];
        FreeMost(heap, blocks);
        resident = heap.GetStatistics().Resident;
        return blocks;
    }

    /// <summary>All but one in eight.</summary>
    private static void FreeMost(NativeHeap heap, nuint[] blocks)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            if (i % 8 != 0)
            {
                heap.Free((void*)blocks[i]);
            }
        }
    }

    /// <summary>What <see cref="FreeMost"/> has left.</summary>
    private static void FreeEighths(NativeHeap heap, nuint[] blocks)
    {
        for (int i = 0; i < blocks.Length; i += 8)
        {
            heap.Free((void*)blocks[i]);
        }
    }

    private static void TakeOthers(NativeHeap heap)
    {
        for (int i = 0; i < 400; i++)
        {
            _ = Take(heap, 20_000);
        }
    }

    private static nuint Take(NativeHeap heap, nuint size)
    {
        void* block = heap.Allocate(size);
        new Span<byte>(block, (int)size).Fill(1);
        return (nuint)block;
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_returning")]
    private static extern ref readonly Gate ReturningOf(PlainHeap plain);

    private NativeHeap NewHeap() => _own.NewHeap(s_options);
}
