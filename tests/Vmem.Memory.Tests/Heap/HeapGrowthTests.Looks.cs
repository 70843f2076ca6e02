using Vmem.Memory.Heap;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

// When a heap looks, and how far.
public unsafe partial class HeapGrowthTests
{
    /// <summary>One request for more than the heap ever had does not wait until all that is free has gone: the next ones go on.</summary>
    [Fact]
    public void One_request_pays_for_a_part_of_its_growth()
    {
        using NativeHeap heap = NewHeap();
        nuint[] holes = new nuint[160];
        foreach (ref nuint hole in holes.AsSpan())
        {
            hole = (nuint)heap.Allocate(3 * Megabyte / 2);
            _ = heap.Allocate(Megabyte / 8);
        }

        Array.ForEach(holes, hole => heap.Free((void*)hole));
        List<nuint> gone = [heap.GetStatistics().Decommitted];
        _ = heap.Allocate(512 * Megabyte);        // nothing is touched: it is enough that it is handed out
        gone.Add(heap.GetStatistics().Decommitted);
        for (int i = 0; i < 4; i++)
        {
            _ = heap.Allocate(5 * Megabyte / 2);
            gone.Add(heap.GetStatistics().Decommitted);
        }

        output.WriteLine(string.Join(", ", gone));
        Assert.Equal(0u, gone[0]);
        Assert.InRange(gone[1], 64 * Megabyte, 65 * Megabyte);
        Assert.InRange(gone[2], 128 * Megabyte, 130 * Megabyte);
        Assert.InRange(gone[3], 192 * Megabyte, 195 * Megabyte);
        Assert.InRange(gone[4], 230 * Megabyte, 240 * Megabyte);
        Assert.Equal(gone[4], gone[5]);
        heap.Validate();
    }

    /// <summary>Who asks for figures holds up no request: what was to go back goes with a later one.</summary>
    [Fact]
    public void Nobody_waits_to_give_back_while_figures_are_taken()
    {
        using NativeHeap heap = NewHeap();
        MakeHoles(heap, 16);
        bool isEnded;
        Thread grows = new(() => _ = heap.Allocate(20 * Megabyte));
        using (ReturningOf(PlainOf(heap)).EnterScope())
        {
            grows.Start();
            isEnded = grows.Join(TimeSpan.FromMinutes(1));      // or waits for the gate for ever
        }

        grows.Join();
        Assert.True(isEnded);
        Assert.Equal(0u, heap.GetStatistics().Decommitted);
        _ = heap.Allocate(5 * Megabyte / 2);
        Assert.InRange(heap.GetStatistics().Decommitted, 20 * Megabyte, 25 * Megabyte);
    }

    /// <summary>Pages that were another heap's go back: they were none that this one had taken, and it looks as soon as it grows.</summary>
    [Fact]
    public void What_was_inherited_delays_no_look()
    {
        const nuint Much = 56 * Megabyte;
        NativeHeap other = NewHeap();
        _ = other.Allocate(Much);
        other.Dispose();
        nuint charged = _own.Budget.Charged;
        using NativeHeap heap = NewHeap();
        void* inherited = heap.Allocate(Much);
        _ = heap.Allocate(5 * Megabyte / 4);      // keeps the extent
        Assert.InRange(_own.Budget.Charged, charged, charged + (4 * Megabyte));
        Assert.InRange(PlainOf(heap).Space.FreshBytes, 0u, 4 * Megabyte);
        heap.Free(inherited);
        Assert.InRange(heap.Trim(), Much, Much + Megabyte);
        nuint fresh = PlainOf(heap).Space.FreshBytes;
        _ = heap.Allocate(10 * Megabyte);
        Assert.InRange(PlainOf(heap).Space.FreshBytes, fresh + (10 * Megabyte), fresh + (11 * Megabyte));
        nuint live = GrowBesideHoles(heap) - (10 * Megabyte);
        Assert.InRange(heap.GetStatistics().Resident, live - (2 * Megabyte), live + (live / 4));
    }

    /// <summary>A long block that becomes longer where it lies, or moves to where there is room, makes a heap grow as others do.</summary>
    [Fact]
    public void What_grows_by_reallocation_gives_back()
    {
        using NativeHeap heap = NewHeap();
        MakeHoles(heap, 16);
        void* block = heap.Allocate(2 * Megabyte);
        for (nuint size = 3 * Megabyte; size <= 26 * Megabyte; size += Megabyte)
        {
            block = heap.Reallocate(block, size);
        }

        nuint gone = heap.GetStatistics().Decommitted;
        output.WriteLine($"{gone} bytes");
        Assert.InRange(gone, 16 * Megabyte, 32 * Megabyte);
        heap.Validate();
    }

    [Fact]
    public void The_same_again_and_again_gives_nothing_back()
    {
        using NativeHeap heap = NewHeap();
        nuint kept = 0;
        for (int round = 0; round < 60; round++)
        {
            nuint[] blocks = [.. Enumerable.Range(0, 12).Select(i => Take(heap, Megabyte + ((nuint)(i * (round % 4)) << 16)))];
            Array.ForEach(blocks, block => heap.Free((void*)block));
            NativeHeapStatistics figures = heap.GetStatistics();
            Assert.True(round < 20 || figures.Dirty + figures.Cached >= kept, $"less than {kept} bytes were kept in round {round}");
            kept = figures.Dirty + figures.Cached;
        }

        Assert.InRange(kept, 20 * Megabyte, 64 * Megabyte);
    }

    /// <summary>An allocation does not fail because what it would give back besides cannot be listed; later ones go on.</summary>
    [Fact]
    public void Want_of_memory_ends_a_look_and_no_more()
    {
        using NativeHeap heap = NewHeap();
        _ = TakeSparse(heap, out _);
        int thrown = 0;
        using (SystemCallFault.Inject(
            call => call == SystemCall.Discard && thrown++ is 3 or 9 or 10 ? throw new InsufficientMemoryException() : false))
        {
            TakeOthers(heap);
        }

        Assert.InRange(thrown, 20, 10_000);
        Assert.InRange(heap.GetStatistics().Decommitted, Megabyte, 6 * Megabyte);
        heap.Validate();
    }

    /// <summary>Huge pages are not cut, and what a debugged heap has freed stays as it is.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Heaps_of_other_kinds_give_nothing_back_as_they_grow(bool huge, bool isDebugged)
    {
        using NativeHeap heap = _own.NewHeap(s_options with
        {
            HugePages = huge,
            Debugging = isDebugged ? HeapDebugging.Default : HeapDebugging.None,
        });
        _ = TakeSparse(heap, out _);
        TakeOthers(heap);
        _ = GrowBesideHoles(heap);
        Assert.Equal(0u, heap.GetStatistics().Decommitted);
    }
}
