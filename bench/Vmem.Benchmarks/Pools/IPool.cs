namespace Vmem.Benchmarks.Pools;

/// <summary>A pool under test. Implemented by structs, so that the JIT compiles the timed loop for each.</summary>
internal interface IPool<TItem> : IDisposable
    where TItem : class
{
    TItem Rent();

    void Return(TItem item);

    /// <summary>How many objects it has made so far; 0 where it does not tell.</summary>
    long Constructed { get; }
}

/// <summary>What is pooled: 64 bytes with its header.</summary>
internal sealed class Pooled
{
#pragma warning disable CS0169, CA1823, IDE0044, IDE0051 // there to take up room
    private long _a, _b, _c, _d, _e, _f;
#pragma warning restore CS0169, CA1823, IDE0044, IDE0051
}
