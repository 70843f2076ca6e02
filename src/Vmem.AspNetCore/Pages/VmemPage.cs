using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Vmem.AspNetCore.Pages;

namespace Vmem.AspNetCore;

/// <summary>Maps the live page.</summary>
public static class VmemPage
{
    private static readonly TimeSpan s_mostInterval = TimeSpan.FromDays(49);      // a timer takes 2^32 - 2 ms: hours more

    /// <summary>Maps a page that shows the arenas, heaps, contexts and pools of this process as they are; below it <c>json</c>, the same
    /// for programs, <c>events</c>, the same as server-sent events, and <c>history</c>, the maps of the last minutes.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path.</param>
    /// <param name="configure">Sets the options; null for the defaults.</param>
    /// <returns>All of it, for conventions: <c>RequireAuthorization("operators")</c>, for one.</returns>
    /// <remarks>Outside of the environment Development nothing is found there unless <see cref="VmemPageOptions.Enabled"/> is set. While
    /// nobody looks, the maps of the arenas are drawn once each <see cref="VmemPageOptions.HistoryStep"/>, and nothing else is
    /// measured.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense.</exception>
    public static IEndpointConventionBuilder MapVmem(this IEndpointRouteBuilder endpoints, string pattern = "/vmem",
        Action<VmemPageOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        VmemPageOptions options = new();
        configure?.Invoke(options);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Interval, TimeSpan.Zero, nameof(options.Interval));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Interval, s_mostInterval, nameof(options.Interval));
        if (options.HistoryStep != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.HistoryStep, TimeSpan.Zero, nameof(options.HistoryStep));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(options.HistoryStep, TimeSpan.FromDays(1), nameof(options.HistoryStep));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(options.SegmentsEachTime, 1, nameof(options.SegmentsEachTime));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Columns, 1, nameof(options.Columns));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Columns, ArenaMap.MostColumns, nameof(options.Columns));
        RouteGroupBuilder group = endpoints.MapGroup(pattern);
        if (options.Enabled ?? endpoints.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
        {
            CancellationToken stopping = endpoints.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            PageEndpoints page = new(options, stopping);
            _ = group.MapGet("", PageEndpoints.SendPageAsync);
            _ = group.MapGet("/json", page.SendJsonAsync);
            _ = group.MapGet("/events", page.SendEventsAsync);
            _ = group.MapGet("/history", page.SendHistoryAsync);
            _ = group.MapGet("/audit", PageEndpoints.SendAuditAsync);
        }

        return group;
    }
}
