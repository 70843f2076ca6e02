namespace Vmem.Benchmarks.Studies;

/// <summary>What latencies are measured of. A struct, so that calls of it are inlined.</summary>
internal interface ILatencyTarget<TSelf> : IDisposable
    where TSelf : struct
{
    static abstract TSelf Create();

    bool TryAllocate(uint size, out uint start);

    void Free(uint start, uint size);

    void Look();
}

/// <summary>An arena without caches.</summary>
internal readonly struct PlainTarget : ILatencyTarget<PlainTarget>
{
    private readonly Arena<uint> _arena;

    private PlainTarget(Arena<uint> arena) => _arena = arena;

    public static PlainTarget Create() => new(Make(new ArenaOptions<uint>()));

    /// <summary>An arena whose middle is held.</summary>
    public static Arena<uint> Make(ArenaOptions<uint> options)
    {
        var arena = new Arena<uint>("latency", 0, LatencyExperiment.Units, 1, options);
        _ = arena.AllocateConstrained(
            1, new RangeConstraints<uint> { Min = LatencyExperiment.Units / 2, Max = (LatencyExperiment.Units / 2) + 1 });
        return arena;
    }

    public bool TryAllocate(uint size, out uint start) => _arena.TryAllocate(size, out start);

    public void Free(uint start, uint size) => _arena.Free(start, size);

    public void Look() => _ = _arena.GetStatistics();

    public void Dispose() => _arena.Dispose();
}

/// <summary>An arena that caches all sizes of the workload.</summary>
internal readonly struct CachedTarget : ILatencyTarget<CachedTarget>
{
    private readonly Arena<uint> _arena;

    private CachedTarget(Arena<uint> arena) => _arena = arena;

    public static CachedTarget Create() => new(PlainTarget.Make(new ArenaOptions<uint> { QuantumCacheMax = 8 }));

    public bool TryAllocate(uint size, out uint start) => _arena.TryAllocate(size, out start);

    public void Free(uint start, uint size) => _arena.Free(start, size);

    public void Look() => _ = _arena.GetStatistics();

    public void Dispose() => _arena.Dispose();
}

/// <summary>A single-threaded arena in the runtime's own lock.</summary>
internal readonly struct OuterLockTarget : ILatencyTarget<OuterLockTarget>
{
    private readonly Arena<uint> _arena;
    private readonly Lock _lock = new();

    private OuterLockTarget(Arena<uint> arena) => _arena = arena;

    public static OuterLockTarget Create() => new(PlainTarget.Make(new ArenaOptions<uint> { SingleThreaded = true }));

    public bool TryAllocate(uint size, out uint start)
    {
        lock (_lock)
        {
            return _arena.TryAllocate(size, out start);
        }
    }

    public void Free(uint start, uint size)
    {
        lock (_lock)
        {
            _arena.Free(start, size);
        }
    }

    public void Look()
    {
        lock (_lock)
        {
            _ = _arena.GetStatistics();
        }
    }

    public void Dispose() => _arena.Dispose();
}
