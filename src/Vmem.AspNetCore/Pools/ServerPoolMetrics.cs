using System.Diagnostics.Metrics;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pools;

/// <summary>The metrics of aspnetcore's own pool, by their names: so a dashboard that has them shows this pool.</summary>
/// <remarks>Nothing is counted for them: a collector reads what the pool knows anyway. Ours stand on the meter of Vmem.Memory beside
/// them.</remarks>
internal sealed class ServerPoolMetrics : IDisposable
{
    public const string MeterName = "Microsoft.AspNetCore.MemoryPool";
    public const string Pooled = "aspnetcore.memory_pool.pooled";
    public const string Evicted = "aspnetcore.memory_pool.evicted";
    public const string Allocated = "aspnetcore.memory_pool.allocated";
    public const string Rented = "aspnetcore.memory_pool.rented";
    public const string OwnerTag = "aspnetcore.memory_pool.owner";

    private readonly Meter _meter = new(MeterName);

    public ServerPoolMetrics(PinnedMemoryPool<byte> pool)
    {
        KeyValuePair<string, object?>[] tags = [new(OwnerTag, pool.Name)];
        _ = _meter.CreateObservableUpDownCounter(Pooled, () => new Measurement<long>((long)pool.GetStatistics().Dirty, tags), "By",
            "Bytes that are free and take memory.");
        _ = _meter.CreateObservableCounter(Evicted, () => new Measurement<long>(pool.GetStatistics().Trimmed, tags), "By",
            "Bytes that went back to the system.");
        _ = _meter.CreateObservableCounter(Allocated, () => new Measurement<long>(pool.GetStatistics().Allocated, tags), "By",
            "Bytes of all slabs that were ever made.");
        _ = _meter.CreateObservableCounter(Rented, () => new Measurement<long>(pool.GetStatistics().Rented, tags), "By",
            "Bytes of all rentals.");
    }

    public void Dispose() => _meter.Dispose();
}
