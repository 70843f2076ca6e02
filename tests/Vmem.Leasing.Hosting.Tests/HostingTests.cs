using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Hosting.Tests;

/// <summary>Leases in a real host, on a store in memory.</summary>
public sealed class HostingTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly InMemoryLeaseStore _store;
    private readonly Lines _lines = new();

    public HostingTests() => _store = new InMemoryLeaseStore(_time);

    public async ValueTask DisposeAsync()
    {
        _lines.Dispose();
        await _store.DisposeAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Services_lease_while_the_host_runs_and_everything_goes_back_after_they_have_stopped()
    {
        using IHost host = Build(services => services.AddHostedService<Worker>());
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        Assert.True(session.IsValid);
        Assert.Equal(0, Worker.Leased!.Value);
        await host.StopAsync(Token);
        Assert.True(Worker.WasValidAtItsEnd);
        Assert.Empty(await _store.ListSessionsAsync(Token));
        Assert.Equal(LeaseExtentState.Free, Assert.Single(await _store.ListAsync(1, Token)).State);
        Assert.Contains(_lines.All, line => line.Contains("is open", StringComparison.Ordinal));
        Assert.Contains(_lines.All, line => line.Contains("gave everything back", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Before_the_start_there_is_no_session_and_the_error_says_so()
    {
        using IHost host = Build();
        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<LeaseSession>());
        Assert.Contains("when the host starts", fault.Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Health_follows_the_session()
    {
        using IHost host = Build(stops: false);
        await host.StartAsync(Token);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        LeaseStoreImage image = _store.TakeImage();
        _store.FailOver(image);
        await _store.EnsureArenaAsync("ids", new() { Start = 0, Size = 8, Type = "UInt32", Quarantine = TimeSpan.FromMinutes(1) }, Token);
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));                // a hold
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        await _store.CloseSessionAsync(session.Instance, clean: true, Token);
        _time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => session.State == LeaseState.Lost);

        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(host));
        await host.StopAsync(Token);
    }

    [Fact]
    public async Task A_lost_session_stops_the_host_and_is_logged()
    {
        using IHost host = Build();
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        await _store.CloseSessionAsync(session.Instance, clean: true, Token);
        _time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => lifetime.ApplicationStopping.IsCancellationRequested);

        await host.StopAsync(Token);
        Assert.Contains(_lines.All, line => line.Contains("is lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Health_is_degraded_while_the_store_is_not_heard()
    {
        using IHost host = Build(stops: false);
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        await _store.DisposeAsync();                           // every call fails from now on
        Assert.Contains("does not answer", await ReasonAsync(host), StringComparison.Ordinal);
        _time.Advance(session.Options.Ttl * 0.5);
        Assert.Contains("not renewed for long", await ReasonAsync(host), StringComparison.Ordinal);
        _time.Advance(session.Options.Ttl * 0.45);
        Assert.Contains("is suspended", await ReasonAsync(host), StringComparison.Ordinal);
    }

    /// <summary>A host whose start fails stops none of the services that had started: they may still use their leases.</summary>
    /// <param name="asks">Whether a service asked the container for the session, which then disposes of it.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_start_that_fails_leaves_the_leases_to_the_time(bool asks)
    {
        Probe probe;
        using (IHost host = Build(services => services.AddHostedService<Asking>().AddHostedService<Failing>()
            .AddSingleton(new Asks(asks)).AddSingleton<Probe>()))
        {
            probe = host.Services.GetRequiredService<Probe>();
            await Assert.ThrowsAsync<NotSupportedException>(() => host.StartAsync(Token));
        }

        Assert.Equal((LeaseSessionStage.Live, 1L), probe.Sessions!.Select(session => (session.Stage, session.Held)).Single());
        Assert.Contains(_lines.All, line => line.Contains("gave nothing back", StringComparison.Ordinal));
    }

    /// <summary>A service that did not stop in time may still use its lease: others get it only when the session has died.</summary>
    [Fact]
    public async Task A_stop_that_takes_too_long_leaves_the_leases_to_the_time()
    {
        using IHost host = Build(services => services.AddHostedService<Hanging>());
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        using var over = new CancellationTokenSource();
        Task stopping = host.StopAsync(over.Token);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => stopping);
        Assert.False(session.IsValid);                         // who looks, stops
        LeaseSessionInfo left = Assert.Single(await _store.ListSessionsAsync(Token));
        Assert.Equal((session.Instance, LeaseSessionStage.Live, 1L), (left.Session, left.Stage, left.Held));
        Assert.Contains(_lines.All, line => line.Contains("gave nothing back", StringComparison.Ordinal));

        // A TTL until it lapses, and a quarantine until it is dead.
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(UInt128.Zero, await _store.SweepAsync(1, Token));
            _time.Advance(session.Options.Ttl + TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(UInt128.One, await _store.SweepAsync(1, Token));
    }

    private static async Task<string> ReasonAsync(IHost host)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal(HealthStatus.Degraded, report.Status);
        return Assert.Single(report.Entries).Value.Description!;
    }

    private static async Task<HealthStatus> HealthAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token)).Status;

    private IHost Build(Action<IServiceCollection>? more = null, bool stops = true)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(_lines);
        builder.Services.AddVmemLeasing(_ => _store, options =>
        {
            options.Session = new() { Owner = "tests", TimeProvider = _time };
            options.StopsWhenLost = stops;
        });
        builder.Services.AddHealthChecks().AddVmemLeasing();
        more?.Invoke(builder.Services);
        return builder.Build();
    }

    private sealed class Worker(HostedLeases leases) : IHostedService
    {
        public static WorkerId? Leased { get; private set; }

        public static bool WasValidAtItsEnd { get; private set; }

        public async Task StartAsync(CancellationToken cancellationToken) =>
            Leased = await WorkerId.LeaseAsync(leases.Session, "workers", 4, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken)
        {
            WasValidAtItsEnd = Leased!.IsValid;
            return Task.CompletedTask;
        }
    }

    private sealed class Failing(HostedLeases leases) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await WorkerId.LeaseAsync(leases.Session, "workers", 4, cancellationToken);
            throw new NotSupportedException();
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed record Asks(bool Container);

    private sealed class Asking(Asks asks, IServiceProvider provider) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            Assert.True(!asks.Container || provider.GetRequiredService<LeaseSession>().IsValid);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Hanging(HostedLeases leases) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken) =>
            await WorkerId.LeaseAsync(leases.Session, "workers", 4, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);
    }

    /// <summary>Made before the session is opened, so it goes after it, and before the store.</summary>
    private sealed class Probe(LeaseStore store) : IAsyncDisposable
    {
        public IReadOnlyList<LeaseSessionInfo>? Sessions { get; private set; }

        public async ValueTask DisposeAsync() => Sessions = await store.ListSessionsAsync(CancellationToken.None);
    }
}
