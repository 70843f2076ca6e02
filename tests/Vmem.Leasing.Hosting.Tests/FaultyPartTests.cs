using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Hosting.Tests;

/// <summary>A log that throws, and a store that says nothing.</summary>
public sealed class FaultyPartTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly InMemoryLeaseStore _memory;
    private readonly Silent _store;

    public FaultyPartTests()
    {
        _memory = new InMemoryLeaseStore(_time);
        _store = new Silent(_memory);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _memory.DisposeAsync();

    [Fact]
    public async Task A_lost_session_stops_the_host_though_the_log_throws()
    {
        using IHost host = Build(logs: false);
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        await _memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => lifetime.ApplicationStopping.IsCancellationRequested);
        await host.StopAsync(Token);
    }

    /// <summary>It looks at no token.</summary>
    [Fact]
    public async Task A_health_check_of_a_silent_store_ends_when_its_caller_wants()
    {
        using IHost host = Build(logs: true);
        await host.StartAsync(Token);
        using CancellationTokenSource patience = new();
        _store.IsSilent = true;
        Task<HealthReport> checking = host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(patience.Token);
        await patience.CancelAsync();
        await Eventually.HoldsAsync(() => checking.IsCompleted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checking);
        await host.StopAsync(Token);
    }

    private IHost Build(bool logs)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        if (!logs)
        {
            builder.Logging.AddProvider(new Broken());
        }

        builder.Services.AddVmemLeasing(_ => _store,
            options => options.Session = new() { Owner = "tests", TimeProvider = _time });
        builder.Services.AddHealthChecks().AddVmemLeasing();
        return builder.Build();
    }

    private sealed class Silent(LeaseStore store) : ForwardingStore(store)
    {
        public bool IsSilent { get; set; }

        public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
            IsSilent ? new(new TaskCompletionSource<LeaseStoreInfo>().Task) : base.GetInfoAsync(cancellationToken);
    }

    /// <summary>Of warnings and worse.</summary>
    private sealed class Broken : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => throw new NotSupportedException("The log fails.");

        public void Dispose()
        {
        }
    }
}
