using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Vmem.Leasing.Hosting;

/// <summary>What the session is worth, as a health.</summary>
internal sealed class LeaseHealthCheck(HostedLeases leases) : IHealthCheck
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        LeaseSession session = leases.Session;
        TimeSpan remaining = session.Remaining;
        Dictionary<string, object> data = new()
        {
            ["state"] = session.State.ToString(),
            ["remaining"] = remaining,
            ["incarnation"] = session.Incarnation,
        };
        switch (session.State)
        {
            case LeaseState.Lost:
                return HealthCheckResult.Unhealthy("The lease session is lost: what it leased may be somebody else's.", null, data);
            case LeaseState.Suspended:
                return HealthCheckResult.Degraded("The lease session is suspended: the store has not answered in time.", null, data);
        }

        if (remaining <= session.Options.Ttl / 2)
        {
            return HealthCheckResult.Degraded($"The lease session was not renewed for long: {remaining} remain.", null, data);
        }

        LeaseStoreInfo info;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            // A store may not look at the token.
            info = await session.Store.GetInfoAsync(limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            // What is leased may be used all the same: a process must not be ended for it.
            return HealthCheckResult.Degraded($"The lease store does not answer. The session is valid for {remaining}.", fault, data);
        }

        return info.HoldUntil is { } hold
            ? HealthCheckResult.Degraded($"The lease store failed over and grants nothing before {hold.UtcDateTime:HH:mm:ss}.", null, data)
            : HealthCheckResult.Healthy($"The lease session is valid for {remaining}.", data);
    }
}
