using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Vmem.Testing.Time;

namespace Vmem.Extensions.Hosting.Tests;

/// <summary>What the health check says of arenas that are full. Not beside those who see what any arena of the process refuses.</summary>
[Collection(nameof(HostingTests))]
public class HealthTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_child_whose_source_has_nothing_left_is_exhausted()
    {
        using Arena<uint> parent = new("health-parent", 0, 10, 1);
        using Arena<uint> child = new("health-child", 1, new ArenaOptions<uint> { Source = parent });
        _ = child.Allocate(8);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync("health-child")).Status);
        while (child.TryAllocate(1, out _))
        {
        }

        HealthReportEntry full = await CheckAsync("health-child");
        Assert.Equal(HealthStatus.Unhealthy, full.Status);
        Assert.Contains("'health-child' is exhausted", full.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_named_arena_that_is_not_there_is_not_well()
    {
        HealthReportEntry missing = await CheckAsync("health-no-such");
        Assert.Equal(HealthStatus.Degraded, missing.Status);
        Assert.Contains("no arena 'health-no-such'", missing.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_rests_is_said_to_rest()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("health-resting", 0, 10, 1,
            new ArenaOptions<uint> { TimeProvider = time, ReuseDelay = TimeSpan.FromSeconds(10) });
        arena.Free(arena.Allocate(10), 10);
        HealthReportEntry resting = await CheckAsync("health-resting");
        Assert.Equal(HealthStatus.Degraded, resting.Status);
        Assert.Contains("0 of 10 is in use, and 10 rests", resting.Description, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync("health-resting")).Status);
    }

    /// <summary>It may be full by design, as a pool of one port is.</summary>
    [Fact]
    public async Task An_arena_that_nobody_named_does_not_make_the_process_unhealthy()
    {
        using Arena<uint> arena = new("health-unnamed", 0, 1, 1);
        _ = arena.Allocate(1);
        HealthReportEntry health = await CheckAsync(null);
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("'health-unnamed' is exhausted", health.Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync("health-unnamed")).Status);
    }

    private static async Task<HealthReportEntry> CheckAsync(string? arena)
    {
        ServiceCollection services = [];
        services.AddLogging().AddHealthChecks().AddVmem(health =>
        {
            if (arena is not null)
            {
                health.Arenas.Add(arena);
            }
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        return (await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token)).Entries[VmemServices.HealthCheckName];
    }
}
