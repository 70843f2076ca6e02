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
        while (session.State != LeaseState.Lost)
        {
            await Task.Yield();
        }

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
        while (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await Task.Yield();
        }

        await host.StopAsync(Token);
        Assert.Contains(_lines.All, line => line.Contains("is lost", StringComparison.Ordinal));
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

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly Lock _lock = new();
        private readonly List<string> _lines = [];

        public string[] All
        {
            get
            {
                lock (_lock)
                {
                    return [.. _lines];
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (_lock)
            {
                _lines.Add(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
