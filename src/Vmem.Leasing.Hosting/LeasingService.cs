using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Vmem.Leasing.Hosting;

/// <summary>Holds the host's session: opened first, released last.</summary>
internal sealed partial class LeasingService(LeaseStore store, LeasingOptions options, HostedLeases leases,
    IHostApplicationLifetime lifetime, IServiceProvider provider, ILogger<LeasingService> logger)
    : IHostedLifecycleService, IAsyncDisposable
{
    private readonly HostedStore _store = new(store, provider);
    private LeaseSession? _session;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        Action<Exception>? faulted = options.Session.Faulted;
        LeaseSessionOptions session = options.Session with
        {
            Faulted = fault =>
            {
                LogFault(fault);
                faulted?.Invoke(fault);
            },
        };
        _session = await LeaseSession.OpenAsync(_store, session, cancellationToken).ConfigureAwait(false);
        leases.Session = _session;
        _ = provider.GetRequiredService<LeaseSession>();   // in this order: UnstoppedHost says why
        provider.GetRequiredService<UnstoppedHost>().Leasing = this;
        _session.StateChanged += OnStateChanged;
        LogOpened(session.Owner, _session.Instance, session.Ttl);
        if (_session.State is not LeaseState.Live and var state)
        {
            // Nobody may have been told of it. If the handler was, too, it says so twice.
            OnStateChanged(new LeaseStateChange(LeaseState.Live, state, "It was so when the host began to listen."));
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After all services have stopped: nobody uses anything any more. If the time for it was over before, or a background service
    /// still runs, some of them may: then nothing is given back, and the time decides, as after a death. A host comes here even if a
    /// <c>StopAsync</c> threw, and does not say so: such a service counts as stopped, unless it is a background service.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => _session is null
        ? Task.CompletedTask                      // the container may have gone, too
        : EndAsync(haveAllStopped: !cancellationToken.IsCancellationRequested && !MayAnyRun());

    /// <summary>For a host that was never stopped, as its start failed. Then nobody has stopped the services that had started by
    /// then.</summary>
    public async ValueTask DisposeAsync() => await EndAsync(haveAllStopped: false).ConfigureAwait(false);

    private async Task EndAsync(bool haveAllStopped)
    {
        if (Interlocked.Exchange(ref _session, null) is not { } session)
        {
            return;
        }

        session.StateChanged -= OnStateChanged;
        if (haveAllStopped)
        {
            await session.DisposeAsync().ConfigureAwait(false);
            LogEnd(session);
        }
        else
        {
            await session.LapseAsync().ConfigureAwait(false);
            LogLeft(session.Instance, session.Options.Ttl);
        }
    }

    // Hosted services are singletons, as AddHostedService makes them: these are those that ran.
    private bool MayAnyRun()
    {
        try
        {
            return provider.GetServices<IHostedService>().OfType<BackgroundService>()
                .Any(static service => service.ExecuteTask is { IsCompleted: false });
        }
#pragma warning disable CA1031 // of a service's constructor: nobody knows then, and the time decides
        catch (Exception fault)
#pragma warning restore CA1031
        {
            LogUnseen(fault);
            return true;
        }
    }

    private void LogEnd(LeaseSession session)
    {
        switch (_store.HasClosed)
        {
            case true:
                LogReleased(session.Instance);
                break;
            case false:
                LogUnheard(session.Instance, session.Options.Ttl);
                break;
            default:
                LogHadBeenLost(session.Instance);
                break;
        }
    }

    private void OnStateChanged(LeaseStateChange change)
    {
        switch (change.To)
        {
            case LeaseState.Live:
                LogResumed(change.Reason);
                break;
            case LeaseState.Suspended:
                LogSuspended(change.Reason);
                break;
            default:
                try
                {
                    LogLost(change.Reason);
                }
                finally
                {
                    if (options.StopsWhenLost)
                    {
                        lifetime.StopApplication();        // also if a log throws
                    }
                }

                break;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "The lease session of {Owner} is open: {Session}, TTL {Ttl}.")]
    private partial void LogOpened(string owner, Guid session, TimeSpan ttl);

    [LoggerMessage(2, LogLevel.Information, "The lease session {Session} gave everything back.")]
    private partial void LogReleased(Guid session);

    [LoggerMessage(3, LogLevel.Warning, "The lease session is suspended: nothing that it leased may be used. {Reason}")]
    private partial void LogSuspended(string reason);

    [LoggerMessage(4, LogLevel.Information, "The lease session is valid again. {Reason}")]
    private partial void LogResumed(string reason);

    [LoggerMessage(5, LogLevel.Critical, "The lease session is lost: what it leased may be somebody else's. {Reason}")]
    private partial void LogLost(string reason);

    [LoggerMessage(7, LogLevel.Warning, "Services of the host may still run, so the lease session {Session} gave nothing back: what it leased comes back after {Ttl} and the quarantine, or when the store sees that the process is dead.")]
    private partial void LogLeft(Guid session, TimeSpan ttl);

    [LoggerMessage(8, LogLevel.Warning, "The store may not have heard that the lease session {Session} has ended: what it still holds then comes back after {Ttl} and the quarantine.")]
    private partial void LogUnheard(Guid session, TimeSpan ttl);

    [LoggerMessage(9, LogLevel.Information, "The lease session {Session} was over before the host had stopped, so the store was not told of its end.")]
    private partial void LogHadBeenLost(Guid session);

    [LoggerMessage(10, LogLevel.Warning, "Whether background services still run could not be seen: the leases are left to lapse.")]
    private partial void LogUnseen(Exception fault);

    [LoggerMessage(6, LogLevel.Warning, "The lease store failed, or a handler of the session did.")]
    private partial void LogFault(Exception fault);
}
