using System.Runtime.CompilerServices;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

public unsafe class HeapLeakTests
{
    [Fact]
    public void Live_blocks_are_grouped_by_stack_the_largest_first()
    {
        ManualTime time = new();
        using NativeHeap heap = new(new NativeHeapOptions { Name = "leaky", Debugging = HeapDebugging.Default, TimeProvider = time });
        for (int i = 0; i < 10; i++)
        {
            FromOnePlace(heap);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        FromAnotherPlace(heap);
        heap.Free(heap.Allocate(1_000_000));
        AuditReport<nuint> report = heap.GetAuditReport();
        Assert.Equal(("leaky", 11L, (nuint)1_070), (report.ArenaName, report.Ranges, report.Size));
        Assert.Equal(2, report.Groups.Count);
        Assert.Contains(nameof(FromAnotherPlace), report.Groups[0].Stack.Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains(nameof(FromOnePlace), report.Groups[1].Stack.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal(
            (10L, (nuint)70, TimeSpan.FromSeconds(10)),
            (report.Groups[1].Ranges, report.Groups[1].Size, report.Groups[1].OldestAge));
        Assert.StartsWith("heap 'leaky': 11 live of 1070 in all, from 2 places", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Leaks_are_reported_at_Dispose()
    {
        HeapLeak? leak = null;
        NativeHeap heap =
            new(new NativeHeapOptions { Name = "leaky", Debugging = HeapDebugging.Default with { Leaked = found => leak = found } });
        nint[] blocks = [.. Enumerable.Range(0, 20).Select(_ => FromOnePlace(heap))];
        heap.Free((void*)blocks[3]);
        heap.Dispose();
        Assert.NotNull(leak);
        Assert.Equal(("leaky", 19L, (nuint)(19 * 7)), (leak.HeapName, leak.Blocks, leak.Size));
        Assert.Equal(blocks.Where(block => block != blocks[3]).Order().Take(16), leak.First.Select(segment => (nint)segment.Start));
        Assert.All(leak.First, segment => Assert.Equal(((nuint)7, SegmentKind.Allocated), (segment.Size, segment.Kind)));
        Assert.Equal(19, leak.Report!.Ranges);
    }

    [Fact]
    public void Without_owners_a_leak_has_no_report_and_without_leaks_nobody_is_called()
    {
        List<HeapLeak> leaks = [];
        HeapDebugging debugging = HeapDebugging.None with { Leaked = leaks.Add };
        NativeHeap heap = new(new NativeHeapOptions { Debugging = debugging });
        _ = heap.Allocate(1);
        Assert.Contains("Owners", Assert.Throws<InvalidOperationException>(() => heap.GetAuditReport()).Message, StringComparison.Ordinal);
        heap.Dispose();
        Assert.Null(Assert.Single(leaks).Report);
        heap = new NativeHeap(new NativeHeapOptions { Debugging = debugging });
        heap.Free(heap.Allocate(1));
        heap.Dispose();
        Assert.Single(leaks);
    }

    /// <summary>Whoever is told first may throw: the others are told all the same.</summary>
    [Fact]
    public void Everything_is_told_although_a_callback_throws()
    {
        int told = 0;
        HeapLeak? leak = null;
        HeapDebugging debugging =
            HeapDebugging.Default with { Damaged = _ => throw new InvalidOperationException($"{++told}"), Leaked = found => leak = found };
        NativeHeap heap = new(new NativeHeapOptions { Debugging = debugging });
        ((byte*)heap.Allocate(10))[10]++;
        ((byte*)heap.Allocate(10))[10]++;
        Assert.Equal("1", Assert.Throws<InvalidOperationException>(heap.Dispose).Message);
        Assert.Equal((2, 2L), (told, leak?.Blocks));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint FromOnePlace(NativeHeap heap) => (nint)heap.Allocate(7);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint FromAnotherPlace(NativeHeap heap) => (nint)heap.AllocateZeroed(1_000);
}
