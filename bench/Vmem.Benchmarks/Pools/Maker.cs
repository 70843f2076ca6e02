using Microsoft.Extensions.ObjectPool;

namespace Vmem.Benchmarks.Pools;

/// <summary>Makes objects for a pool and counts them.</summary>
internal sealed class Maker(Func<Pooled> make) : PooledObjectPolicy<Pooled>
{
    private long _made;

    public long Made => Volatile.Read(ref _made);

    public override Pooled Create()
    {
        Interlocked.Increment(ref _made);
        return make();
    }

    public override bool Return(Pooled obj) => true;
}
