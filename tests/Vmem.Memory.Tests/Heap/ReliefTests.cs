using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Budget;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What a heap does before it refuses a request, and what others give up for it.</summary>
public sealed unsafe class ReliefTests : IDisposable
{
    private const nuint Megabyte = 1 << 20;

    private static readonly NativeHeapOptions s_options =
        new() { Name = "relief", Debugging = HeapDebugging.None, RetainedInterval = TimeSpan.FromHours(1) };

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    /// <summary>Once, as somebody may keep what nobody counts yet; and again as long as somebody keeps something, but not for
    /// ever.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 8)]
    public void Others_are_asked_as_long_as_they_keep_something(int kept, int expected)
    {
        NativeHeap heap = _own.NewHeap(s_options);
        heap.Free(heap.Allocate(100));
        using Keeper keeper = new(_own.Budget, (nuint)kept);
        using (SystemCallFault.Inject(static call => call == SystemCall.Commit))
        {
            Assert.False(heap.TryAllocate(3 * Megabyte, out _));
        }

        Assert.Equal(expected, keeper.Reliefs);
    }

    [Fact]
    public void What_others_keep_goes_where_there_is_room_but_no_memory()
    {
        NativeHeap other = Idle(10 * Megabyte);
        NativeHeap heap = _own.NewHeap(s_options);
        heap.Free(heap.Allocate(100));
        _own.Budget.Limit = _own.Budget.Charged + Megabyte;
        Assert.True(heap.TryAllocate(8 * Megabyte, out _));
        Assert.Equal((0u, 10 * Megabyte), (other.GetStatistics().Dirty, other.GetStatistics().Decommitted));
    }

    /// <summary>Neither others' memory nor the heap's own would make room.</summary>
    [Fact]
    public void Nobody_gives_memory_back_where_there_is_no_room()
    {
        NativeHeap other = Idle(10 * Megabyte);
        NativeHeap heap = _own.NewHeap(s_options with { Limit = 8 * Megabyte });
        _ = heap.Allocate(5 * Megabyte);
        heap.Free(heap.Allocate(2 * Megabyte));
        Assert.False(heap.TryAllocate(4 * Megabyte, out _));
        Assert.Equal((10 * Megabyte, 0u), (other.GetStatistics().Dirty, other.GetStatistics().Decommitted));
        Assert.Equal((2 * Megabyte, 0u), (heap.GetStatistics().Dirty, heap.GetStatistics().Decommitted));
    }

    [Fact]
    public void Address_space_that_was_taken_in_vain_goes_back()
    {
        NativeHeap heap = _own.NewHeap(s_options);
        _ = heap.Allocate(100);
        nuint inUse = _own.Window.InUse;
        using (SystemCallFault.Inject(static call => call == SystemCall.Commit))
        {
            Assert.False(heap.TryAllocate(100 * Megabyte, out _));
        }

        Assert.Equal(inUse, _own.Window.InUse);
    }

    [Fact]
    public void What_a_heap_keeps_is_free_pages_and_runs()
    {
        NativeHeap heap = Idle(3 * Megabyte);
        Assert.Equal(3 * Megabyte, _own.Budget.Dirty);
        heap.Free(heap.Allocate(Megabyte));       // a thread keeps it: of the pages
        Assert.Equal((Megabyte, 2 * Megabyte), (heap.GetStatistics().Cached, heap.GetStatistics().Dirty));
        Assert.Equal(3 * Megabyte, _own.Budget.Dirty);
    }

    /// <summary>What has just been used, too; and pages between blocks that live.</summary>
    [Fact]
    public void For_want_of_memory_all_goes_that_can()
    {
        NativeHeap heap = Idle(3 * Megabyte);
        nuint[] blocks = [.. Enumerable.Range(0, 1_600).Select(_ => (nuint)heap.Allocate(10_000))];
        for (int i = 0; i < blocks.Length; i++)
        {
            new Span<byte>((void*)blocks[i], 10_000).Fill(1);
        }

        for (int i = 0; i < blocks.Length; i++)
        {
            if (i % 8 != 0)
            {
                heap.Free((void*)blocks[i]);
            }
        }

        heap.Free(heap.Allocate(300_000));
        Assert.InRange(heap.GetStatistics().Cached, 300_000u, Megabyte);
        Assert.InRange(heap.GetStatistics().Resident, 14 * Megabyte, 20 * Megabyte);
        ((IUpkeepTarget)LayersOf(heap).Plain).RelievePressure();
        Assert.Equal((0u, 0u), (heap.GetStatistics().Cached, heap.GetStatistics().Dirty));
        Assert.InRange(heap.GetStatistics().Resident, 2 * Megabyte, 6 * Megabyte);
        heap.Validate();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);

    /// <summary>A heap that keeps so much, and has nothing else but its tables.</summary>
    private NativeHeap Idle(nuint size)
    {
        NativeHeap heap = _own.NewHeap(s_options);
        heap.Free(heap.Allocate(size));
        return heap;
    }

    /// <summary>Says that it keeps so much, whatever it is asked for.</summary>
    private sealed class Keeper : IMemoryKeeper, IDisposable
    {
        private readonly int _thread = Environment.CurrentManagedThreadId;
        private readonly Upkeep _upkeep;

        public Keeper(MemoryBudget budget, nuint kept)
        {
            (Budget, Kept) = (budget, kept);
            _upkeep = Upkeep.Start(this, TimeProvider.System);
        }

        public MemoryBudget Budget { get; }

        public nuint Kept { get; }

        /// <summary>How often this thread has asked: others may be short of memory meanwhile.</summary>
        public int Reliefs { get; private set; }

        public bool EndInterval() => true;

        public void RelievePressure() => Reliefs += Environment.CurrentManagedThreadId == _thread ? 1 : 0;

        public void Dispose() => _upkeep.Dispose();
    }
}
