using BenchmarkDotNet.Attributes;
using Vmem.Benchmarks.Baselines;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Micro;

/// <summary>
/// The hot pair under BenchmarkDotNet: what one allocation and its free cost when everything is cached, and that they allocate no managed
/// memory (the column Allocated must read "-").
/// </summary>
[MemoryDiagnoser]
public class PairBenchmarks : IDisposable
{
    private const ulong Capacity = 1 << 20;

    // A power of two: the next size costs a mask instead of a generator step.
    private const int SizeCount = 1024;

    private readonly ulong[] _sizes = new ulong[SizeCount];
    private Arena<ulong> _arena = null!;
    private FirstFitList _list = null!;
    private int _next;

    [Params(FitPolicy.InstantFit, FitPolicy.BestFit, FitPolicy.NextFit)]
    public FitPolicy Policy { get; set; }

    [Params(true, false)]
    public bool SingleThreaded { get; set; }

    /// <summary>Sizes from 1 to this: 1 (IDs) or 64 (law U64).</summary>
    [Params(1, 64)]
    public int LargestSize { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        foreach (ref ulong size in _sizes.AsSpan())
        {
            size = LargestSize == 1 ? UnitSize.Draw(ref random) : UniformTo64.Draw(ref random);
        }
        _arena = new Arena<ulong>("micro", 0, Capacity, 1, new ArenaOptions<ulong> { Policy = Policy, SingleThreaded = SingleThreaded });
        _list = new FirstFitList(0, Capacity);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _arena.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public ulong ByAddress()
    {
        ulong size = NextSize();
        _arena.TryAllocate(size, out ulong start);
        _arena.Free(start, size);
        return start;
    }

    [Benchmark]
    public ulong ByHandle()
    {
        _arena.TryAllocateHandle(NextSize(), out RangeHandle<ulong> handle);
        _arena.Free(in handle);
        return handle.Start;
    }

    [Benchmark(Baseline = true)]
    public ulong Rmalloc()
    {
        ulong size = NextSize();
        _list.TryAllocate(size, out ulong start);
        _list.Free(start, size);
        return start;
    }

    private ulong NextSize() => _sizes[_next++ & (SizeCount - 1)];
}
