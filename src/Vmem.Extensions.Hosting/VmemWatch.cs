using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.Extensions.Hosting;

/// <summary>Makes what the host has by name when it starts, so that an error ends the start. From then on it looks at all
/// arenas.</summary>
/// <remarks>It looks at intervals: what an arena counts costs nothing more, and a thousand failures in a row are a line. Rejected: to be
/// told of each failure, by whoever has to fail fast.</remarks>
internal sealed partial class VmemWatch(VmemHostingOptions options, IServiceProvider provider, TimeProvider time, ILogger<VmemWatch> logger)
    : IHostedService, IDisposable
{
    private readonly ConditionalWeakTable<object, Seen> _seen = [];
    private ITimer? _timer;
    private int _looking;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (string name in options.Arenas.Keys)
        {
            _ = provider.GetRequiredKeyedService<Arena<ulong>>(name);
        }

        foreach (string name in options.Heaps.Keys)
        {
            _ = provider.GetRequiredKeyedService<NativeHeap>(name);
        }

        foreach (string name in options.Pools.Keys)
        {
            _ = provider.GetRequiredKeyedService<System.Buffers.MemoryPool<byte>>(name);
        }

        _timer = time.CreateTimer(static state => ((VmemWatch)state!).Look(), this, options.WatchInterval, options.WatchInterval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    [LoggerMessage(4, LogLevel.Error, "Arena {Arena} was disposed of while {Ranges} ranges of {Size} in all were allocated. {Report}")]
    public static partial void LogLeak(ILogger logger, string arena, long ranges, ulong size, string report);

    [LoggerMessage(5, LogLevel.Error, "{Size} bytes of pool {Pool} were dropped without having been returned. They were rented at {Time} by\n{Stack}")]
    public static partial void LogLost(ILogger logger, string pool, nuint size, DateTimeOffset time, string stack);

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
                    Look(arena, figures, _seen.GetValue(arena.Arena, static _ => new Seen()));
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
        bool isSlow = waits.Count > 0 && waits[0].Age > options.SlowWait;
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

    [LoggerMessage(1, LogLevel.Warning, "Arena {Arena} refused {Failures} requests since the last look; {Free} is free, the largest piece is {LargestFree}.")]
    private partial void LogFailures(string arena, long failures, UInt128 free, UInt128 largestFree);

    [LoggerMessage(2, LogLevel.Warning, "In arena {Arena} a request for {Size} has waited for {Age}; {Count} wait.")]
    private partial void LogSlowWait(string arena, UInt128 size, TimeSpan age, int count);

    [LoggerMessage(3, LogLevel.Information, "In arena {Arena} nobody waits for long any more.")]
    private partial void LogWaitOver(string arena);

    [LoggerMessage(6, LogLevel.Warning, "The arenas could not be looked at.")]
    private partial void LogFault(Exception fault);

    /// <summary>What was known of an arena at the last look.</summary>
    private sealed class Seen
    {
        public long Failures { get; set; }

        public bool IsSlow { get; set; }
    }
}
