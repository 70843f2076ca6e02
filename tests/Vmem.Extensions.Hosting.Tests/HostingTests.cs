using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Memory;
using Vmem.Testing.Time;

namespace Vmem.Extensions.Hosting.Tests;

/// <summary>Arenas, heaps and pools in a real host. It looks at all of the process.</summary>
[Collection(nameof(HostingTests))]
public sealed class HostingTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly Lines _lines = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _lines.Dispose();

    [Fact]
    public async Task What_the_configuration_names_is_there_by_name_and_goes_with_the_host()
    {
        IHost host = Build(new()
        {
            ["Vmem:Arenas:ids:Start"] = "100",
            ["Vmem:Arenas:ids:Size"] = "50",
            ["Vmem:Arenas:ids:Policy"] = "nextfit",
            ["Vmem:Heaps:frames:Limit"] = "16777216",
            ["Vmem:Pools:buffers:Limit"] = "4194304",
            ["Vmem:Pools:blocks:Heap"] = "frames",
        });
        await host.StartAsync(Token);
        Arena<ulong> ids = host.Services.GetRequiredKeyedService<Arena<ulong>>("ids");
        Assert.Equal((100ul, FitPolicy.NextFit, "ids"), (ids.Allocate(1), ids.Policy, ids.Name));
        ids.Free(100, 1);
        MemoryPool<byte> buffers = host.Services.GetRequiredKeyedService<MemoryPool<byte>>("buffers");
        Assert.Equal(4 << 20, Assert.IsType<PinnedMemoryPool<byte>>(buffers).MaxBufferSize);
        NativeHeap frames = host.Services.GetRequiredKeyedService<NativeHeap>("frames");
        using (host.Services.GetRequiredKeyedService<MemoryPool<byte>>("blocks").Rent(1_000))
        {
            Assert.Equal(1, frames.GetStatistics().LiveBlocks);
        }

        await host.StopAsync(Token);
        host.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffers.Rent());
        Assert.Throws<ObjectDisposedException>(() => ids.Allocate(1));
        Assert.Empty(_lines.All);
    }

    [Theory]
    [InlineData("Vmem:Arenas:ids:Size", "many", "Vmem:Arenas:ids:Size = 'many'")]
    [InlineData("Vmem:Arenas:ids:Siz", "1", "Vmem:Arenas:ids:Siz, which nobody knows")]
    [InlineData("Vmem:Arenas:ids:Policy", "9", "InstantFit")]
    [InlineData("Vmem:Arenas:ids:Start", "5", "size and quantum must not be 0")]
    [InlineData("Vmem:Arena:ids:Size", "5", "Vmem:Arena, which nobody knows")]
    [InlineData("Vmem:Pools:blocks:Heap", "none", "there is none of that name")]
    [InlineData("Vmem:SlowWait", "soon", "a time")]
    public void A_wrong_configuration_is_refused_and_says_where(string key, string value, string expected)
    {
        Exception fault = Assert.ThrowsAny<Exception>(() => Build(new() { [key] = value }));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_arena_itself_refuses_is_said_by_its_name()
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => Build(new()
        {
            ["Vmem:Arenas:ids:Size"] = "10",
            ["Vmem:Arenas:ids:Policy"] = "NextFit",
            ["Vmem:Arenas:ids:QuantumCacheMax"] = "4",
        }));
        Assert.StartsWith("Arena 'ids': Next fit", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaks_failures_and_slow_waits_are_logged()
    {
        IHost host = Build(new() { ["Vmem:Arenas:logged:Size"] = "10", ["Vmem:Arenas:logged:Audit"] = "true" });
        await host.StartAsync(Token);
        Arena<ulong> arena = host.Services.GetRequiredKeyedService<Arena<ulong>>("logged");
        ulong start = arena.Allocate(8);
        Assert.False(arena.TryAllocate(5, out _));
        ValueTask<ulong> wait = arena.AllocateAsync(6, Token);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains(_lines.All, static line => line.Contains("Arena logged refused 1 requests", StringComparison.Ordinal));
        Assert.DoesNotContain(_lines.All, static line => line.Contains("logged a request for 6", StringComparison.Ordinal));
        _time.Advance(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_lines.All, static line => line.Contains("logged a request for 6 has waited", StringComparison.Ordinal));
        arena.Free(start, 8);
        Assert.Equal(start, await wait);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_lines.All, static line => line.Contains("In arena logged nobody waits", StringComparison.Ordinal));
        await host.StopAsync(Token);
        host.Dispose();
        string leak = Assert.Single(_lines.All, static line => line.Contains("Arena logged was disposed of while 1 ranges of 6", StringComparison.Ordinal));
        Assert.Contains(nameof(Leaks_failures_and_slow_waits_are_logged), leak, StringComparison.Ordinal);
    }

    /// <summary>It begins after one look and ends before the next.</summary>
    [Fact]
    public async Task A_slow_wait_between_two_looks_is_logged_too()
    {
        using IHost host = Build(new() { ["Vmem:Arenas:between:Size"] = "10", ["Vmem:SlowWait"] = "00:00:04" });
        await host.StartAsync(Token);
        Arena<ulong> arena = host.Services.GetRequiredKeyedService<Arena<ulong>>("between");
        ulong start = arena.Allocate(10);
        ValueTask<ulong> quick = arena.AllocateAsync(10, Token);
        _time.Advance(TimeSpan.FromSeconds(4));
        arena.Free(start, 10);
        start = await quick;
        ValueTask<ulong> slow = arena.AllocateAsync(10, Token);
        _time.Advance(TimeSpan.FromSeconds(5));
        arena.Free(start, 10);
        arena.Free(await slow, 10);
        Assert.Single(_lines.All, static line => line.Contains("In arena between a request waited for 00:00:05", StringComparison.Ordinal));
        await host.StopAsync(Token);
        Assert.Single(_lines.All);
    }

    [Fact]
    public async Task Requests_that_a_heap_refuses_are_logged()
    {
        using IHost host = Build(new() { ["Vmem:Heaps:refusing:Limit"] = "1048576" });
        await host.StartAsync(Token);
        NativeHeap heap = host.Services.GetRequiredKeyedService<NativeHeap>("refusing");
        Assert.False(TryAllocate(heap, 1 << 30) || TryAllocate(heap, 1 << 29));
        _time.Advance(TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_lines.All, static line => line.Contains("Heap refusing refused 2 requests", StringComparison.Ordinal));
        await host.StopAsync(Token);
    }

    [Fact]
    public async Task What_is_left_in_a_heap_that_tracks_leaks_is_logged_with_the_stack()
    {
        IHost host = Build(new() { ["Vmem:Heaps:leaking:TrackLeaks"] = "true", ["Vmem:Heaps:silent:Limit"] = "1048576" });
        await host.StartAsync(Token);
        Assert.True(TryAllocate(host.Services.GetRequiredKeyedService<NativeHeap>("leaking"), 1_000));
        Assert.True(TryAllocate(host.Services.GetRequiredKeyedService<NativeHeap>("silent"), 1_000));
        await host.StopAsync(Token);
        host.Dispose();
        string leak = Assert.Single(_lines.All);
        Assert.Contains("Heap leaking was disposed of while 1 blocks of 1000 bytes", leak, StringComparison.Ordinal);
        Assert.Contains(nameof(What_is_left_in_a_heap_that_tracks_leaks_is_logged_with_the_stack), leak, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_calls_make_one_watch_of_both_with_the_smaller_times()
    {
        HostApplicationBuilder builder = Builder([]);
        builder.Services
            .AddVmem(static options =>
            {
                options.Arenas["first"] = new ArenaSettings { Size = 10 };
                options.Heaps["shared"] = new HeapSettings();
                options.SlowWait = TimeSpan.FromSeconds(3);
            })
            .AddVmem(static options =>
            {
                options.Arenas["second"] = new ArenaSettings { Size = 10 };
                options.Pools["of shared"] = new PoolSettings { Heap = "shared" };
                options.WatchInterval = TimeSpan.FromSeconds(4);
            });
        using IHost host = builder.Build();
        Assert.Equal(0, CountArenas("first") + CountArenas("second"));
        await host.StartAsync(Token);
        Assert.Equal((1, 1), (CountArenas("first"), CountArenas("second")));
        using (host.Services.GetRequiredKeyedService<MemoryPool<byte>>("of shared").Rent(1_000))
        {
            Assert.Equal(1, host.Services.GetRequiredKeyedService<NativeHeap>("shared").GetStatistics().LiveBlocks);
        }

        Arena<ulong> second = host.Services.GetRequiredKeyedService<Arena<ulong>>("second");
        ulong start = second.Allocate(10);
        Assert.False(second.TryAllocate(1, out _));
        ValueTask<ulong> wait = second.AllocateAsync(1, Token);
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Single(_lines.All, static line => line.Contains("Arena second refused 1 requests", StringComparison.Ordinal));
        Assert.Single(_lines.All, static line => line.Contains("In arena second a request for 1 has waited", StringComparison.Ordinal));
        Assert.Equal(2, _lines.All.Count);
        second.Free(start, 10);
        second.Free(await wait, 1);
        await host.StopAsync(Token);
    }

    private static int CountArenas(string name) => VmemProcess.Arenas.Count(arena => arena.Name == name);

    [Fact]
    public async Task Failures_from_before_the_host_began_are_not_logged()
    {
        using Arena<uint> arena = new("older", 0, 10, 1);
        using NativeHeap heap = new(new NativeHeapOptions { Name = "older", Limit = 1 << 20 });
        Assert.False(arena.TryAllocate(11, out _) || TryAllocate(heap, 1 << 30));
        using IHost host = Build([]);
        await host.StartAsync(Token);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(_lines.All);
        Assert.False(arena.TryAllocate(11, out _) || TryAllocate(heap, 1 << 30));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_lines.All, static line => line.Contains("Arena older refused 1 requests", StringComparison.Ordinal));
        Assert.Single(_lines.All, static line => line.Contains("Heap older refused 1 requests", StringComparison.Ordinal));
        await host.StopAsync(Token);
    }

    private static unsafe bool TryAllocate(NativeHeap heap, nuint size) => heap.TryAllocate(size, out _);

    [Fact]
    public async Task Health_tells_of_exhaustion_waits_and_fragments()
    {
        string name = nameof(Health_tells_of_exhaustion_waits_and_fragments);
        using Arena<uint> arena = new(name, 0, 100, 1, new ArenaOptions<uint> { TimeProvider = _time });
        using IHost host = Build([], health =>
        {
            health.Arenas.Add(name);
            health.FragmentationAbove = 0.9;
        });
        Assert.Equal(HealthStatus.Healthy, (await HealthAsync(host)).Status);
        for (int i = 0; i < 100; i++)
        {
            _ = arena.Allocate(1);
        }

        HealthReportEntry exhausted = await HealthAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, exhausted.Status);
        Assert.Contains("all of 100 is in use", exhausted.Description, StringComparison.Ordinal);
        for (uint i = 0; i < 100; i += 4)
        {
            arena.Free(i, 1);
        }

        HealthReportEntry fragmented = await HealthAsync(host);
        Assert.Equal(HealthStatus.Degraded, fragmented.Status);
        Assert.Contains("25 is free, and no more than 1", fragmented.Description, StringComparison.Ordinal);
        ValueTask<uint> wait = arena.AllocateAsync(2, Token);
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Contains("1 requests wait", (await HealthAsync(host)).Description, StringComparison.Ordinal);
        arena.Free(1, 1);
        _ = await wait;
    }

    private static async Task<HealthReportEntry> HealthAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token)).Entries[VmemServices.HealthCheckName];

    private IHost Build(Dictionary<string, string?> settings, Action<VmemHealthOptions>? health = null)
    {
        HostApplicationBuilder builder = Builder(settings);
        builder.Services.AddVmem(builder.Configuration.GetSection("Vmem"));
        builder.Services.AddHealthChecks().AddVmem(health);
        return builder.Build();
    }

    private HostApplicationBuilder Builder(Dictionary<string, string?> settings)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.Logging.AddProvider(_lines);
        builder.Logging.AddFilter("Vmem", LogLevel.Information).AddFilter("Microsoft", LogLevel.None);
        return builder;
    }

    /// <summary>What was logged.</summary>
    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            All.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
