using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which heaps are kept when they end, and for whom.</summary>
public sealed class SpareHeapsTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;

    private static readonly NativeHeapOptions s_options = new() { Name = "spares", Debugging = HeapDebugging.None };

    private readonly OwnWindow _own = new();
    private readonly List<PlainHeap> _heaps = [];

    public void Dispose()
    {
        foreach (PlainHeap heap in _heaps)
        {
            heap.Stop();
            heap.Dispose();
        }

        _own.Dispose();
    }

    [Fact]
    public void A_heap_suits_only_options_that_say_the_same()
    {
        PlainHeap heap = NewHeap(s_options);
        Assert.True(heap.Suits(_own.Window, s_options) && heap.Suits(_own.Window, s_options with { MinimumAlignment = 64 }));
        using OwnWindow other = new();
        Assert.False(heap.Suits(other.Window, s_options) || heap.Suits(other.Window, s_options with { MinimumAlignment = 64 }));
        Assert.All(
            (NativeHeapOptions[])
            [
                s_options with { Name = "others" }, s_options with { Limit = Megabyte }, s_options with { HugePages = true },
                s_options with { TrustCaller = true }, s_options with { RetainedBytes = Megabyte },
                s_options with { RetainedInterval = TimeSpan.FromMinutes(1) }, s_options with { TimeProvider = new ManualTime() },
            ],
            options => Assert.False(heap.Suits(_own.Window, options)));
    }

    [Fact]
    public void A_heap_with_small_blocks_or_kept_runs_is_reset()
    {
        PlainHeap heap = NewHeap(s_options);
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 200; i++)
            {
                Assert.NotEqual(0u, heap.Take(100, 1, clear: false, out _));
            }

            heap.Free(heap.Take(800_000, 1, clear: false, out _), size: null);
            Assert.True(heap.TryCount(out NativeHeapStatistics before) && before is { LiveBlocks: 200, Cached: > 800_000, Slabs: 1 });
            Assert.True(heap.TryReset());
            Assert.False(heap.TryCount(out _) || heap.Owns(_own.Window.Start));
            Assert.True(heap.Space.IsEmpty);
            heap.Restart();
            Assert.True(heap.TryCount(out NativeHeapStatistics after));
            Assert.Equal((0, 0, 0u, 0u, 0), (after.LiveBlocks, after.Allocations, after.Held, after.Cached, after.Slabs));
        }
    }

    [Fact]
    public void One_that_holds_much_or_has_a_clock_of_its_own_is_not()
    {
        PlainHeap longBlock = NewHeap(s_options);
        _ = longBlock.Take(Megabyte + 1, 1, clear: false, out _);
        PlainHeap largeBlock = NewHeap(s_options);
        _ = largeBlock.Take(40_000, 1, clear: false, out _);
        PlainHeap many = NewHeap(s_options);
        for (int i = 0; i < 70 + (int)(Megabyte / 30_000); i++)
        {
            _ = many.Take(30_000, 1, clear: false, out _);
        }

        PlainHeap debugged = new(_own.Window, s_options, isDebugged: true);
        _heaps.Add(debugged);
        Assert.All(
            (PlainHeap[])
            [
                longBlock, largeBlock, many, debugged, NewHeap(s_options with { TimeProvider = new ManualTime() }),
                NewHeap(s_options with { RetainedInterval = TimeSpan.FromMinutes(1) }),
            ],
            static heap => Assert.False(heap.TryReset()));
        Assert.True(NewHeap(s_options).TryReset());
    }

    /// <summary>The one that came last is taken first; of those that do not suit, none.</summary>
    [Fact]
    public void Thirty_two_are_kept()
    {
        SpareHeaps spares = new();
        PlainHeap[] heaps = [.. Enumerable.Range(0, 33).Select(_ => NewHeap(s_options))];
        Assert.All(heaps, static heap => Assert.True(heap.TryReset()));
        Assert.All(heaps[..32], heap => Assert.True(spares.TryKeep(heap)));
        Assert.False(spares.TryKeep(heaps[32]));
        Assert.Null(spares.Take(_own.Window, s_options with { TrustCaller = true }));
        Assert.Same(heaps[31], spares.Take(_own.Window, s_options));
        Assert.True(spares.TryKeep(heaps[32]));
        Assert.Same(heaps[32], spares.Take(_own.Window, s_options));
        Assert.Same(heaps[30], spares.Take(_own.Window, s_options));
        ((IUpkeepTarget)spares).RelievePressure();
        _ = _heaps.RemoveAll(heap => Array.IndexOf(heaps, heap) < 30);    // those are gone
        Assert.Null(spares.Take(_own.Window, s_options));
        Assert.False(((IUpkeepTarget)spares).EndInterval());
    }

    private PlainHeap NewHeap(NativeHeapOptions options)
    {
        PlainHeap heap = new(_own.Window, options, isDebugged: false);
        _heaps.Add(heap);
        return heap;
    }
}
