using System.Diagnostics;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>Hands out IDs, one after the other.</summary>
internal abstract class Ids : IDisposable
{
    private const int Batch = 256;

    /// <summary>How many a second.</summary>
    public async Task<double> RunAsync(double seconds)
    {
        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        for (; Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; done += Batch)
        {
            await AllocateAsync(Batch);
        }

        return done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    public abstract void Dispose();

    protected abstract Task AllocateAsync(int count);
}

/// <summary>From leased spans.</summary>
internal sealed class LeasedIds : Ids
{
    private readonly LeaseSession _session;
    private readonly LeasedArena<ulong> _arena;

    public LeasedIds(LeaseStore store, ulong span)
    {
        _session = LeaseSession.OpenAsync(store).GetAwaiter().GetResult();
        LeasedArenaOptions<ulong> options = new() { SpanSize = span, Definition = new() { Size = 1UL << 40 } };
        _arena = LeasedArena<ulong>.OpenAsync(_session, $"ids {Guid.NewGuid()}", options).GetAwaiter().GetResult();
    }

    /// <summary>How often an allocation had to wait for a span.</summary>
    public long Waits { get; private set; }

    public override void Dispose() => _session.DisposeAsync().AsTask().GetAwaiter().GetResult();

    protected override async Task AllocateAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            ValueTask<LeasedRange<ulong>> one = _arena.AllocateAsync(1);
            Waits += one.IsCompleted ? 0 : 1;
            await one;
        }
    }
}

/// <summary>From an arena without a source.</summary>
internal sealed class PlainIds : Ids
{
    private readonly Arena<ulong> _arena = new("ids", 0, 1UL << 40, 1);

    public override void Dispose() => _arena.Dispose();

    protected override async Task AllocateAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await _arena.AllocateAsync(1);
        }
    }
}
