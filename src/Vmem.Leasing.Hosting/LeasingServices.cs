using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Vmem.Leasing.Hosting;

/// <summary>Adds leases to a host.</summary>
public static class LeasingServices
{
    /// <summary>The name of the health check, unless another is given.</summary>
    public const string HealthCheckName = "vmem-leases";

    /// <summary>Opens a session before the host's own services start, and gives everything back after they have stopped. Services ask for
    /// <see cref="LeaseSession"/>, hosted services for <see cref="HostedLeases"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="store">Makes the store. The host disposes of it.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>The services.</returns>
    /// <remarks>Nothing is given back that services may still use: if the host's start failed, if it was not stopped or not in time, or if
    /// a <see cref="BackgroundService"/> still runs. Any other service counts as stopped when its <c>StopAsync</c> has ended, even by an
    /// exception: it must use no lease after that.</remarks>
    public static IServiceCollection AddVmemLeasing(this IServiceCollection services, Func<IServiceProvider, LeaseStore> store,
        Action<LeasingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(store);
        LeasingOptions options = new();
        configure?.Invoke(options);
        services.AddSingleton(options);
        services.AddSingleton(store);
        services.AddSingleton(new HostedLeases());
        services.AddSingleton(static provider => provider.GetRequiredService<HostedLeases>().Session);
        services.AddSingleton<UnstoppedHost>();
        services.AddHostedService<LeasingService>();
        return services;
    }

    /// <summary>Adds the health check of the session. Healthy: it is valid, for half of its TTL at least. Degraded: it is suspended or was
    /// not renewed for long, or the store failed over and grants nothing. Unhealthy: it is lost.</summary>
    /// <param name="checks">The host's health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <returns>The health checks.</returns>
    public static IHealthChecksBuilder AddVmemLeasing(this IHealthChecksBuilder checks, string name = HealthCheckName)
    {
        ArgumentNullException.ThrowIfNull(checks);
        return checks.Add(new HealthCheckRegistration(name,
            static provider => new LeaseHealthCheck(provider.GetRequiredService<HostedLeases>()), HealthStatus.Unhealthy, ["vmem"]));
    }
}
