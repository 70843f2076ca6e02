using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.Extensions.Hosting;

/// <summary>Makes what the host has by name when it starts, so that an error ends the start. From then on it looks at all arenas and
/// heaps.</summary>
/// <remarks>It looks at intervals: what an arena counts costs nothing more, and a thousand failures in a row are a line. Rejected: to be
/// told of each failure, by whoever has to fail fast. Of waits that have ended it is told by the arenas' metrics, for one may begin after
/// a look and end before the next.</remarks>
internal sealed partial class VmemWatch(
    IReadOnlyList<VmemHostingOptions> options, IServiceProvider provider, TimeProvider time, ILogger<VmemWatch> logger)
    : IHostedService, IDisposable
{
    private readonly TimeSpan _slowWait = options.Min(static one => one.SlowWait);
    private readonly ConditionalWeakTable<object, Seen> _seen = [];
    private ITimer? _timer;
    private MeterListener? _waits;
    private int _looking;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        NoteFailuresSoFar();
        foreach (string name in options.SelectMany(static one => one.Arenas.Keys))
        {
            _ = provider.GetRequiredKeyedService<Arena<ulong>>(name);
        }

        foreach (string name in options.SelectMany(static one => one.Heaps.Keys))
        {
            _ = provider.GetRequiredKeyedService<NativeHeap>(name);
        }

        foreach (string name in options.SelectMany(static one => one.Pools.Keys))
        {
            _ = provider.GetRequiredKeyedService<System.Buffers.MemoryPool<byte>>(name);
        }

        _waits = ListenToWaits();
        TimeSpan interval = options.Min(static one => one.WatchInterval);
        _timer = time.CreateTimer(static state => ((VmemWatch)state!).Look(), this, interval, interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _waits?.Dispose();
    }

    [LoggerMessage(4, LogLevel.Error, "Arena {Arena} was disposed of while {Ranges} ranges of {Size} in all were allocated. {Report}")]
    public static partial void LogLeak(ILogger logger, string arena, long ranges, ulong size, string report);

    [LoggerMessage(5, LogLevel.Error, "{Size} bytes of pool {Pool} were dropped without having been returned. They were rented at {Time:O} by\n{Stack}")]
    public static partial void LogLost(ILogger logger, string pool, nuint size, DateTimeOffset time, string stack);

    [LoggerMessage(9, LogLevel.Error, "Heap {Heap} was disposed of while {Blocks} blocks of {Size} bytes in all were allocated. {Report}")]
    public static partial void LogHeapLeak(ILogger logger, string heap, long blocks, nuint size, string report);

    private MeterListener ListenToWaits()
    {
        MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, at) =>
            {
                if (instrument is { Name: ArenaMetrics.WaitDuration, Meter.Name: ArenaMetrics.MeterName })
                {
                    at.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>(NoteWait);
        listener.Start();
        return listener;
    }

    /// <summary>A wait has ended. Called by who waited, or by who freed what it waited for; under no lock.</summary>
    private void NoteWait(Instrument instrument, double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        if (seconds > _slowWait.TotalSeconds)
        {
            LogSlowWaitEnded(tags.IsEmpty ? "" : tags[0].Value as string ?? "", TimeSpan.FromSeconds(seconds));
        }
    }

    // Not this host's: the arenas and heaps of the process may be older than it.
    private void NoteFailuresSoFar()
    {
        foreach (ArenaView arena in VmemProcess.Arenas)
        {
            if (arena.TryGetStatistics(out ArenaStatistics<UInt128> figures))
            {
                SeenOf(arena.Arena).Failures = figures.Failures;
            }
        }

        foreach (NativeHeap heap in VmemProcess.Heaps)
        {
            if (TryGetStatistics(heap, out NativeHeapStatistics figures))
            {
                SeenOf(heap).Failures = figures.Failures;
            }
        }
    }

    private Seen SeenOf(object watched) => _seen.GetValue(watched, static _ => new Seen());

    private static bool TryGetStatistics(NativeHeap heap, out NativeHeapStatistics figures)
    {
        try
        {
            figures = heap.GetStatistics();
            return true;
        }
        catch (ObjectDisposedException)           // it has ended meanwhile
        {
            figures = default;
            return false;
        }
    }

    private void Look()
    {
        if (Interlocked.Exchange(ref _looking, 1) != 0)
        {
            return;
        }

        try
        {
            foreach (ArenaView arena in VmemProcess.Arenas)
            {
                if (arena.TryGetStatistics(out ArenaStatistics<UInt128> figures))
                {
                    Look(arena, figures, SeenOf(arena.Arena));
                }
            }

            foreach (NativeHeap heap in VmemProcess.Heaps)
            {
                if (TryGetStatistics(heap, out NativeHeapStatistics figures))
                {
                    Look(heap, figures, SeenOf(heap));
                }
            }
        }
        catch (Exception e)
        {
            LogFault(e);                          // a timer's thread: nobody else would hear of it
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }

    private void Look(ArenaView arena, in ArenaStatistics<UInt128> figures, Seen seen)
    {
        if (figures.Failures > seen.Failures)
        {
            LogFailures(arena.Name, figures.Failures - seen.Failures, figures.Free, figures.LargestFree);
        }

        seen.Failures = figures.Failures;
        IReadOnlyList<ArenaWait> waits = arena.GetWaits(1, out int count);
        bool isSlow = waits.Count > 0 && waits[0].Age > _slowWait;
        if (isSlow && !seen.IsSlow)
        {
            LogSlowWait(arena.Name, waits[0].Size, waits[0].Age, count);
        }
        else if (seen.IsSlow && !isSlow)
        {
            LogWaitOver(arena.Name);
        }

        seen.IsSlow = isSlow;
    }

    private void Look(NativeHeap heap, in NativeHeapStatistics figures, Seen seen)
    {
        if (figures.Failures > seen.Failures)
        {
            LogHeapFailures(heap.Name, figures.Failures - seen.Failures, figures.InUse, figures.Held);
        }

        seen.Failures = figures.Failures;
    }

    [LoggerMessage(1, LogLevel.Warning, "Arena {Arena} refused {Failures} requests since the last look; {Free} is free, the largest piece is {LargestFree}.")]
    private partial void LogFailures(string arena, long failures, UInt128 free, UInt128 largestFree);

    [LoggerMessage(2, LogLevel.Warning, "In arena {Arena} a request for {Size} has waited for {Age}; {Count} wait.")]
    private partial void LogSlowWait(string arena, UInt128 size, TimeSpan age, int count);

    [LoggerMessage(3, LogLevel.Information, "In arena {Arena} nobody waits for long any more.")]
    private partial void LogWaitOver(string arena);

    [LoggerMessage(7, LogLevel.Warning, "In arena {Arena} a request waited for {Age}; its wait has ended.")]
    private partial void LogSlowWaitEnded(string arena, TimeSpan age);

    [LoggerMessage(8, LogLevel.Warning, "Heap {Heap} refused {Failures} requests since the last look; {InUse} bytes are in use, {Held} are held.")]
    private partial void LogHeapFailures(string heap, long failures, nuint inUse, nuint held);

    [LoggerMessage(6, LogLevel.Warning, "The arenas and heaps could not be looked at.")]
    private partial void LogFault(Exception fault);

    /// <summary>What was known of an arena or heap at the last look.</summary>
    private sealed class Seen
    {
        public long Failures { get; set; }

        public bool IsSlow { get; set; }
    }
}
