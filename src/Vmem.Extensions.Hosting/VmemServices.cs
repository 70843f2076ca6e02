using System.Buffers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.Extensions.Hosting;

/// <summary>Adds Vmem to a host.</summary>
public static class VmemServices
{
    /// <summary>The name of the health check, unless another is given.</summary>
    public const string HealthCheckName = "vmem";

    private static readonly TimeSpan s_mostInterval = TimeSpan.FromDays(49);      // a timer takes 2^32 - 2 ms: hours more
    private static readonly nuint s_slab = new PinnedMemoryPoolOptions().SlabSize;

    /// <summary>Adds arenas, heaps and pools by name, as a section of the configuration says, and logs what goes wrong with any of the
    /// process.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="configure">Sets or changes options; null: nothing.</param>
    /// <returns>The services.</returns>
    /// <exception cref="InvalidOperationException">The configuration is wrong; the message says where.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public static IServiceCollection AddVmem(this IServiceCollection services, IConfiguration configuration,
        Action<VmemHostingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddVmem(options =>
        {
            SettingsReader.Read(configuration, options);
            configure?.Invoke(options);
        });
    }

    /// <summary>The same, without a configuration. All of it is made when the host starts and disposed of with the host. What an arena has
    /// not got back by then is logged.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <remarks>May be called several times, by the parts of a program. A pool may have its blocks from a heap of the same call or of one
    /// before. A name that an earlier call has for the same kind of thing is refused.</remarks>
    public static IServiceCollection AddVmem(this IServiceCollection services, Action<VmemHostingOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        VmemHostingOptions options = new();
        configure(options);
        VmemHostingOptions[] all = [options, .. OptionsIn(services)];
        Check(options, all);
        foreach ((string name, ArenaSettings arena) in options.Arenas)
        {
            services.AddKeyedSingleton(name, (provider, _) => MakeArena(provider, name, arena));
        }

        foreach ((string name, HeapSettings heap) in options.Heaps)
        {
            services.AddKeyedSingleton(name, (provider, _) => MakeHeap(provider, name, heap));
        }

        foreach ((string name, PoolSettings pool) in options.Pools)
        {
            services.AddKeyedSingleton<MemoryPool<byte>>(name, (provider, _) => MakePool(provider, name, pool, HeapOf(pool, all)));
        }

        services.AddSingleton(options);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, VmemWatch>(static provider => new VmemWatch(
            [.. provider.GetServices<VmemHostingOptions>()], provider, TimeOf(provider),
            provider.GetRequiredService<ILogger<VmemWatch>>())));
        return services;
    }

    /// <summary>Adds a health check of all arenas of the process, or of those that are named. Unhealthy: a named one has nothing left, and
    /// neither its limit nor its sources allow more. Degraded: one that was not named has nothing left, a named one is not there, what is
    /// not in use rests, a request has waited for too long, or what is free of one lies in pieces.</summary>
    /// <param name="checks">The host's health checks.</param>
    /// <param name="configure">Sets the options; null for the defaults.</param>
    /// <param name="name">The check's name.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddVmem(this IHealthChecksBuilder checks, Action<VmemHealthOptions>? configure = null,
        string name = HealthCheckName)
    {
        ArgumentNullException.ThrowIfNull(checks);
        VmemHealthOptions options = new();
        configure?.Invoke(options);
        return checks.Add(new HealthCheckRegistration(name, new VmemHealthCheck(options), HealthStatus.Unhealthy, ["vmem"]));
    }

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    private static IEnumerable<VmemHostingOptions> OptionsIn(IServiceCollection services) =>
        services.Where(static service => !service.IsKeyedService).Select(static service => service.ImplementationInstance)
            .OfType<VmemHostingOptions>();

    private static void Check(VmemHostingOptions options, IReadOnlyList<VmemHostingOptions> all)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.WatchInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.WatchInterval, s_mostInterval);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.SlowWait, TimeSpan.Zero);
        CheckNames("Arena", all, static one => one.Arenas.Keys);
        CheckNames("Heap", all, static one => one.Heaps.Keys);
        CheckNames("Pool", all, static one => one.Pools.Keys);
        foreach ((string name, ArenaSettings arena) in options.Arenas)
        {
            if (arena.Size == 0 || arena.Quantum == 0 || arena.Size - 1 > ulong.MaxValue - arena.Start)
            {
                throw new ArgumentException($"Arena '{name}' starts at {arena.Start} and has {arena.Size} values in units of {arena.Quantum}: size and quantum must not be 0, and the end must be a number of 64 bits.", nameof(options));
            }

            if (arena.Start % arena.Quantum != 0 || arena.Size % arena.Quantum != 0)
            {
                throw new ArgumentException($"Arena '{name}' starts at {arena.Start} and has {arena.Size} values: both must be multiples of its quantum, {arena.Quantum}.", nameof(options));
            }

            CheckTogether(name, arena);
        }

        foreach ((string name, PoolSettings pool) in options.Pools)
        {
            if (pool.Heap is { } heap && HeapOf(pool, all) is null)
            {
                throw new ArgumentException($"Pool '{name}' has its blocks from heap '{heap}', and there is none of that name.", nameof(options));
            }

            if (pool.Heap is not null && pool.Limit != 0)
            {
                throw new ArgumentException($"Pool '{name}' has a limit, and the blocks of heap '{pool.Heap}': limit the heap.", nameof(options));
            }

            if (pool.Limit != 0 && pool.Limit < s_slab)
            {
                throw new ArgumentException($"Pool '{name}' has a limit of {pool.Limit} bytes, less than a slab, which takes {s_slab}.", nameof(options));
            }
        }
    }

    /// <summary>Whether policy and caches go together is the arena's to say: one is made, and dropped.</summary>
    private static void CheckTogether(string name, ArenaSettings arena)
    {
        try
        {
            ArenaOptions<ulong> options = new() { Policy = arena.Policy, QuantumCacheMax = arena.QuantumCacheMax };
            new Arena<ulong>(name, arena.Quantum, options).Dispose();
        }
        catch (ArgumentException fault)
        {
            throw new ArgumentException($"Arena '{name}': {fault.Message}", fault);
        }
    }

    /// <summary>The first of all options are those of this call.</summary>
    private static void CheckNames(
        string kind, IReadOnlyList<VmemHostingOptions> options, Func<VmemHostingOptions, IEnumerable<string>> names)
    {
        HashSet<string> earlier = new(options.Skip(1).SelectMany(names), StringComparer.OrdinalIgnoreCase);
        if (names(options[0]).FirstOrDefault(earlier.Contains) is { } twice)
        {
            throw new ArgumentException($"{kind} '{twice}' twice: an earlier call of AddVmem has the name, in this spelling or another.", nameof(options));
        }
    }

    /// <summary>The name of a pool's heap, as it is spelled where the heap is.</summary>
    private static string? HeapOf(PoolSettings pool, IReadOnlyList<VmemHostingOptions> all) =>
        all.SelectMany(static one => one.Heaps.Keys).FirstOrDefault(name => name.Equals(pool.Heap, StringComparison.OrdinalIgnoreCase));

    private static Arena<ulong> MakeArena(IServiceProvider provider, string name, ArenaSettings arena)
    {
        ILogger<VmemWatch> logger = provider.GetRequiredService<ILogger<VmemWatch>>();
        return new Arena<ulong>(name, arena.Start, arena.Size, arena.Quantum, new ArenaOptions<ulong>
        {
            Policy = arena.Policy,
            QuantumCacheMax = arena.QuantumCacheMax,
            Audit = arena.Audit,
            TimeProvider = TimeOf(provider),
            Leaked = leak => VmemWatch.LogLeak(logger, leak.ArenaName, leak.Ranges, leak.Size, leak.Report?.ToString() ?? ""),
        });
    }

    private static NativeHeap MakeHeap(IServiceProvider provider, string name, HeapSettings heap)
    {
        NativeHeapOptions options = new() { Name = name, Limit = checked((nuint)heap.Limit), TimeProvider = TimeOf(provider) };
        if (!heap.TrackLeaks)
        {
            return new NativeHeap(options);
        }

        ILogger<VmemWatch> logger = provider.GetRequiredService<ILogger<VmemWatch>>();
        return new NativeHeap(options with
        {
            Debugging = new HeapDebugging
            {
                Owners = true,
                Leaked = leak => VmemWatch.LogHeapLeak(logger, leak.HeapName, leak.Blocks, leak.Size, leak.Report?.ToString() ?? ""),
            },
        });
    }

    private static MemoryPool<byte> MakePool(IServiceProvider provider, string name, PoolSettings pool, string? heap)
    {
        ILogger<VmemWatch> logger = provider.GetRequiredService<ILogger<VmemWatch>>();
        Action<NativeMemoryLeak>? leaked = pool.TrackLeaks
            ? leak => VmemWatch.LogLost(logger, leak.PoolName, leak.Size, leak.Time, leak.Stack)
            : null;
        return heap is null
            ? new PinnedMemoryPool<byte>(new PinnedMemoryPoolOptions
            {
                Name = name,
                Limit = checked((nuint)pool.Limit),
                TrackLeaks = pool.TrackLeaks,
                Leaked = leaked,
                TimeProvider = TimeOf(provider),
            })
            : new NativeMemoryPool<byte>(provider.GetRequiredKeyedService<NativeHeap>(heap), new NativeMemoryPoolOptions
            {
                Name = name,
                TrackLeaks = pool.TrackLeaks,
                Leaked = leaked,
                TimeProvider = TimeOf(provider),
            });
    }
}
