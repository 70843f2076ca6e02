using Vmem.Caching;
using Vmem.Memory.Budget;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A turn of the upkeep that begins after its object has ended, or while it ends. On its thread nothing would catch an exception,
/// and the process would die.</summary>
public unsafe class LateTurnTests
{
    private const int Megabyte = 1 << 20;

    [Theory]
    [InlineData(0)]
    [InlineData(Megabyte)]
    [InlineData(int.MaxValue)]
    public void Of_a_heap_it_does_nothing(int retained)
    {
        LateTime time = new();
        NativeHeap heap = new(new NativeHeapOptions { TimeProvider = time, RetainedBytes = (nuint)retained });
        Use(heap);
        heap.Dispose();
        Assert.InRange(time.Fire(), 1, int.MaxValue);
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(100));
    }

    /// <summary>A free of a large block looks at the bound, too. A heap that has ended keeps nothing.</summary>
    [Fact]
    public void Of_the_plain_heap_it_finds_nothing_kept()
    {
        LateTime time = new();
        NativeHeapOptions options = new() { TimeProvider = time, RetainedBytes = Megabyte };
        PlainHeap plain = new(AddressWindow.Shared, options, isDebugged: false);
        nuint block = plain.Take(3 * Megabyte, alignment: 1, clear: false, out _);
        new Span<byte>((void*)block, 3 * Megabyte).Fill(1);
        Assert.InRange(plain.Space.DirtyBytes, (nuint)(3 * Megabyte), nuint.MaxValue);
        plain.Stop();
        plain.Dispose();
        Assert.Equal(1, time.Fire());
        Assert.Equal(0u, ((IMemoryKeeper)plain).Kept);
        ((IUpkeepTarget)plain).RelievePressure();
    }

    [Fact]
    public void Of_a_pool_it_does_nothing()
    {
        LateTime time = new();
        PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = TimeSpan.FromSeconds(1) });
        pool.Rent(100_000).Dispose();
        int timers = time.Fire();                 // what was used is idle from now on
        pool.Dispose();
        Assert.Equal(timers, time.Fire());
        ((IUpkeepTarget)pool).RelievePressure();
    }

    [Fact]
    public void Of_an_arena_and_a_cache_of_objects_it_does_nothing()
    {
        LateTime time = new();
        Arena<ulong> arena = new("late", 0, 1 << 20, 1, new ArenaOptions<ulong> { QuantumCacheMax = 16, TimeProvider = time });
        arena.Free(arena.Allocate(4), 4);
        ObjectCache<object> cache = new("late", static () => new object(), options: new ObjectCacheOptions { TimeProvider = time });
        cache.Return(cache.Rent());
        arena.Dispose();
        cache.Dispose();
        Assert.Equal(2, time.Fire());
    }

    [Fact]
    public void Of_a_window_it_does_nothing()
    {
        AddressWindow window = new(MemoryBudget.Default);
        IUpkeepTarget upkeep = window;
        window.Dispose();
        Assert.False(upkeep.EndInterval());
        upkeep.RelievePressure();
    }

    /// <summary>While an interval's surplus ends, another heap comes, and finds some here still: the upkeep must not rest.</summary>
    [Fact]
    public void What_comes_while_others_go_has_its_turn()
    {
        NativeHeapOptions options = new() { Debugging = HeapDebugging.None };
        SpareHeaps spares = new();
        IUpkeepTarget upkeep = spares;
        LateTime time = new();
        PlainHeap late = new(AddressWindow.Shared, options, isDebugged: false);
        NativeHeapOptions timed = options with { TimeProvider = time };
        PlainHeap[] plains = [.. Enumerable.Range(0, 2).Select(_ => new PlainHeap(AddressWindow.Shared, timed, isDebugged: false))];
        Assert.All(plains, plain => Assert.True(spares.TryKeep(plain)));
        Assert.True(upkeep.EndInterval());
        Assert.True(upkeep.EndInterval());
        time.Disposed = () =>
        {
            time.Disposed = null;
            Assert.True(spares.TryKeep(late));
        };
        Assert.True(upkeep.EndInterval());
        Assert.True(upkeep.EndInterval() && upkeep.EndInterval());
        Assert.False(upkeep.EndInterval());
        Assert.Throws<ObjectDisposedException>(() => late.SizeOf(1));
    }

    private static void Use(NativeHeap heap)
    {
        void* block = heap.Allocate(3 * Megabyte);
        new Span<byte>(block, 3 * Megabyte).Fill(1);
        heap.Free(heap.Allocate(100));
        heap.Free(heap.Allocate(2 * Megabyte));
    }
}
