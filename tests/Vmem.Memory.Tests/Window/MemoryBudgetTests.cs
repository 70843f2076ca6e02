using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Window;

/// <summary>What all heaps and contexts may have together.</summary>
[Collection(Footprint.Collection)]
public unsafe class MemoryBudgetTests
{
    private const nuint Megabyte = 1 << 20;

    [Fact]
    public void What_is_handed_out_is_counted_until_it_has_gone_back()
    {
        MemoryBudget budget = NewBudget(100 * Megabyte);
        using AddressWindow window = new(budget);
        using HeapLayers heap = NewHeap(window);
        nuint block = Take(heap, 10 * Megabyte);
        nuint charged = budget.Charged;
        Assert.InRange(charged, 10 * Megabyte, 11 * Megabyte);
        heap.Plain.Free(block, size: null);
        Assert.Equal(charged, budget.Charged);
        Assert.Equal(block, Take(heap, 10 * Megabyte));
        Assert.Equal(charged, budget.Charged);    // pages that had been counted were taken again
        heap.Plain.Free(block, size: null);
        _ = heap.Plain.Trim();
        Assert.InRange(budget.Charged, 0u, Megabyte);
    }

    [Fact]
    public void What_has_gone_back_is_counted_for_good()
    {
        using AddressWindow window = new(NewBudget(nuint.MaxValue));
        using HeapLayers heap = NewHeap(window);
        for (nuint round = 0; round < 3; round++)
        {
            nuint block = Take(heap, 10 * Megabyte);
            Assert.InRange(Decommitted(), round * 10 * Megabyte, round * 11 * Megabyte);
            heap.Plain.Free(block, size: null);
            _ = heap.Plain.Trim();
        }

        Assert.InRange(Decommitted(), 30 * Megabyte, 33 * Megabyte);
        nuint Decommitted() => heap.Plain.TryCount(out NativeHeapStatistics figures) ? figures.Decommitted : 0;
    }

    [Fact]
    public void What_one_heap_keeps_goes_to_another_that_needs_it()
    {
        MemoryBudget budget = NewBudget(64 * Megabyte);
        using AddressWindow window = new(budget);
        using HeapLayers first = NewHeap(window);
        using HeapLayers second = NewHeap(window);
        for (int round = 0; round < 3; round++)
        {
            foreach (HeapLayers heap in (HeapLayers[])[first, second])
            {
                nuint block = Take(heap, 40 * Megabyte);
                Assert.InRange(budget.Charged, 40 * Megabyte, 64 * Megabyte);
                heap.Plain.Free(block, size: null);
            }
        }
    }

    [Fact]
    public void A_request_beyond_the_budget_is_refused_and_keeps_nothing()
    {
        MemoryBudget budget = NewBudget(64 * Megabyte);
        using AddressWindow window = new(budget);
        using HeapLayers heap = NewHeap(window);
        nuint held = Take(heap, 30 * Megabyte);
        nuint charged = budget.Charged;
        Assert.Equal(0u, heap.Plain.Take(40 * Megabyte, 1, clear: false, out _));
        Assert.Equal(0u, heap.Plain.Take(400 * Megabyte, 1, clear: false, out _));
        Assert.InRange(budget.Charged, 30 * Megabyte, charged);
        budget.Limit = 100 * Megabyte;
        heap.Plain.Free(Take(heap, 40 * Megabyte), size: null);
        budget.Limit = 10 * Megabyte;             // less than is in use: what is kept goes back
        Assert.InRange(budget.Charged, 30 * Megabyte, charged);
        Assert.Equal(0u, heap.Plain.Take(Megabyte, 1, clear: false, out _));
        heap.Plain.Free(held, size: null);
        Assert.NotEqual(0u, heap.Plain.Take(Megabyte, 1, clear: false, out _));
    }

    /// <summary>Every thread never holds more than its part, and keeps as much as it likes: nobody is refused.</summary>
    [Fact]
    public void Nobody_is_refused_what_others_only_keep()
    {
        const int Threads = 4;
        const nuint Part = 16 * Megabyte;
        MemoryBudget budget = NewBudget(Threads * (Part + (4 * Megabyte)));
        using AddressWindow window = new(budget);
        int refused = 0;
        nuint most = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(seed => new Thread(() =>
        {
            Random random = new(seed);
            using HeapLayers heap = NewHeap(window);
            for (int round = 0; round < 1_000; round++)
            {
                List<nuint> blocks = [];
                for (nuint left = Part; left > Megabyte;)
                {
                    nuint size = (nuint)random.NextInt64(40_000, (long)left - 40_000);
                    left -= nuint.Min(left, size + 4_096);
                    nuint block = heap.Plain.Take(size, 1, clear: false, out _);
                    refused += block == 0 ? 1 : 0;
                    if (block != 0)
                    {
                        blocks.Add(block);
                    }

                    most = nuint.Max(most, budget.Charged);
                }

                blocks.ForEach(block => heap.Plain.Free(block, size: null));
            }

            }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.Equal(0, refused);
        Assert.InRange(most, Part / 2, budget.Limit);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void A_heap_keeps_as_much_as_its_options_say(int retained)
    {
        MemoryBudget budget = NewBudget(nuint.MaxValue);
        using AddressWindow window = new(budget);
        using HeapLayers heap = NewHeap(window, new NativeHeapOptions { RetainedBytes = (nuint)retained * Megabyte });
        nuint[] blocks = [.. Enumerable.Range(0, 10).Select(_ => Take(heap, 3 * Megabyte))];
        foreach (nuint block in blocks)
        {
            heap.Plain.Free(block, size: null);
            Assert.InRange(heap.Plain.Space.FreeDirtyBytes, 0u, (nuint)retained * Megabyte);
        }

        Assert.InRange(budget.Charged, 0u, ((nuint)retained + 1) * Megabyte);
        Assert.True(retained == 0 || budget.Charged > 3 * Megabyte);
    }

    [Fact]
    public void An_interval_that_is_none_is_refused()
    {
        foreach (TimeSpan interval in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromSeconds(-2), TimeSpan.MaxValue])
        {
            ArgumentException refusal = Assert.Throws<ArgumentException>(() =>
                new NativeHeap(new NativeHeapOptions { RetainedInterval = interval }));
            Assert.Contains("RetainedInterval", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_context_gives_back_what_no_client_holds()
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(MemoryBudgetTests), nameof(Run_a_context_that_gives_back));
        Assert.True(exitCode == 0, output);
    }

    [Fact(Explicit = true)]
    public void Run_a_context_that_gives_back()
    {
        nuint before = MemoryBudget.Default.Charged;
        const nuint Size = 64 * Megabyte;
        using MemoryContext context = new(Size);
        void* fullOfOnes;
        using (MemoryClient client = context.CreateClient("first"))
        {
            fullOfOnes = client.Allocate(48 * Megabyte);
            new Span<byte>(fullOfOnes, 48 << 20).Fill(1);
            Assert.InRange(MemoryBudget.Default.Charged - before, 48 * Megabyte, 50 * Megabyte);
        }

        Assert.Equal((48 * Megabyte, 0u), (context.GetStatistics().Dirty, context.GetStatistics().Decommitted));
        using MemoryClient second = context.CreateClient("second");
        byte* kept = (byte*)second.Allocate(100);
        *kept = 7;
        _ = context.Trim();
        Assert.Equal(0u, context.GetStatistics().Dirty);
        Assert.InRange(context.GetStatistics().Decommitted, 47 * Megabyte, 48 * Megabyte);
        Assert.InRange(VirtualMemory.GetResident(context.Start, context.Size), 0u, Megabyte);
        Assert.InRange(MemoryBudget.Default.Charged - before, 1u, 5 * Megabyte);
        Assert.Equal(7, *kept);
        ulong zeroed = context.GetStatistics().BytesZeroedOnHandOver;
        Assert.True(Heap.Pattern.IsZero(second.Allocate(48 * Megabyte), 48 * Megabyte));
        Assert.Equal(zeroed, context.GetStatistics().BytesZeroedOnHandOver);
        context.Validate();
        context.Dispose();
        Assert.Equal(before, MemoryBudget.Default.Charged);
    }

    [Fact]
    [Trait("Once", "Release")]
    public void A_process_lives_within_its_budget()
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(MemoryBudgetTests), nameof(Run_within_a_budget));
        Assert.True(exitCode == 0, output);
    }

    /// <summary>Three heaps and a context have 150 MB each, one after the other, where there are 200.</summary>
    [Fact(Explicit = true)]
    public void Run_within_a_budget()
    {
        const nuint Size = 150 * Megabyte;
        MemoryBudget budget = MemoryBudget.Default;
        budget.Limit = 200 * Megabyte;
        NativeHeap[] heaps = [new(), new(), new()];
        using MemoryContext context = new(160 * Megabyte);
        for (int round = 0; round < 2; round++)
        {
            foreach (NativeHeap heap in heaps)
            {
                byte* block = (byte*)heap.Allocate(Size);
                new Span<byte>(block, (int)Size).Fill(1);
                Assert.InRange(budget.Charged, Size, budget.Limit);
                heap.Free(block);
            }

            Assert.InRange(budget.Dirty, Size, budget.Limit);
            using MemoryClient client = context.CreateClient("client");
            Assert.True(Heap.Pattern.IsZero(client.Allocate(Size), Size));
        }

        string text = Assert.ThrowsAny<OutOfMemoryException>(() => heaps[0].Allocate(201 * Megabyte)).Message;
        Assert.Contains("MemoryBudget.Limit", text, StringComparison.Ordinal);
        using MemoryClient rest = context.CreateClient("rest");
        byte* held = (byte*)heaps[0].Allocate(Size);
        text = Assert.Throws<ClientExhaustedException>(() => rest.Allocate(100 * Megabyte)).Message;
        Assert.Contains("MemoryBudget.Limit", text, StringComparison.Ordinal);
        heaps[0].Free(held);
        Assert.True(rest.TryAllocate(100 * Megabyte, out _));
        budget.Limit = nuint.MaxValue;
        Array.ForEach(heaps, static heap => heap.Validate());
        context.Validate();
    }

    [Fact]
    public void A_limit_on_data_is_out_of_memory_and_keeps_nothing()
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(MemoryBudgetTests), nameof(Run_with_little_data));
        Assert.True(exitCode == 0, output);
    }

    /// <summary>As after ulimit -d 4194304.</summary>
    [Fact(Explicit = true)]
    public void Run_with_little_data()
    {
        SystemLimits limits = SystemLimits.Get(SystemLimits.Data);
        SystemLimits.Set(SystemLimits.Data, limits with { Current = (nuint)4 << 30 });
        MemoryBudget.Default.Limit = nuint.MaxValue;
        using NativeHeap heap = new();
        heap.Free(heap.Allocate(100));
        nuint committed = heap.GetStatistics().Committed;
        Assert.False(heap.TryAllocate((nuint)100 << 30, out _));
        Assert.False(heap.TryAllocate((nuint)5 << 30, out _));
        Assert.InRange(heap.GetStatistics().Committed, 0u, committed);
        Assert.InRange(MemoryBudget.Default.Charged, 0u, Megabyte);
        Assert.True(heap.TryAllocate((nuint)1 << 30, out void* block));
        heap.Free(block);
        heap.Validate();
    }

    private static MemoryBudget NewBudget(nuint limit) => new(limit);

    private static HeapLayers NewHeap(AddressWindow window, NativeHeapOptions? options = null) =>
        new(window, options ?? new NativeHeapOptions(), HeapDebugging.None);

    private static nuint Take(HeapLayers heap, nuint size)
    {
        nuint block = heap.Plain.Take(size, 1, clear: false, out _);
        Assert.NotEqual(0u, block);
        return block;
    }
}
