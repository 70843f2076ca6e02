using System.Collections.Concurrent;
using System.Diagnostics;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>A pool of slots, and a worker that takes one, lets others run, and frees it, over and over. Each pool has its own loop, so that
/// nothing stands between the loop and the pool.</summary>
internal abstract class SlotSubject : IDisposable
{
    private volatile bool _stops;

    protected bool Stops => _stops;

    /// <summary>Thousand slots a second.</summary>
    public double Run(int workers, double seconds)
    {
        _stops = false;
        long begin = Stopwatch.GetTimestamp();
        Task<long>[] tasks = [.. Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync))];
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        _stops = true;
        long count = Task.WhenAll(tasks).GetAwaiter().GetResult().Sum();
        return count * 1e6 / Clock.NanosecondsSince(begin);
    }

    public abstract void Dispose();

    /// <summary>Works until it <see cref="Stops"/>, and says how many slots it had.</summary>
    protected abstract Task<long> WorkAsync();
}

/// <summary>An arena of so many integers.</summary>
internal sealed class ArenaSlots(int slots, ulong cacheMax) : SlotSubject
{
    private readonly Arena<ulong> _arena = new("slots", 0, (ulong)slots, 1, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax });

    public override void Dispose() => _arena.Dispose();

    protected override async Task<long> WorkAsync()
    {
        long count = 0;
        while (!Stops)
        {
            ulong slot = await _arena.AllocateAsync(1).ConfigureAwait(false);
            await Task.Yield();
            _arena.Free(slot, 1);
            count++;
        }

        return count;
    }
}

/// <summary>What one writes without an arena.</summary>
internal sealed class SemaphoreSlots : SlotSubject
{
    private readonly SemaphoreSlim _free;
    private readonly ConcurrentQueue<ulong> _slots;

    public SemaphoreSlots(int slots)
    {
        _free = new SemaphoreSlim(slots);
        _slots = new ConcurrentQueue<ulong>(Enumerable.Range(0, slots).Select(static slot => (ulong)slot));
    }

    public override void Dispose() => _free.Dispose();

    protected override async Task<long> WorkAsync()
    {
        long count = 0;
        while (!Stops)
        {
            await _free.WaitAsync().ConfigureAwait(false);
            _ = _slots.TryDequeue(out ulong slot);
            await Task.Yield();
            _slots.Enqueue(slot);
            _ = _free.Release();
            count++;
        }

        return count;
    }
}
