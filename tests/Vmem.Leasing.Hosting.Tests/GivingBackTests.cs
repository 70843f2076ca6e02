using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Hosting.Tests;

/// <summary>What a host gives back, and what it says of it. Nothing goes back that a service may still use.</summary>
public sealed class GivingBackTests : IAsyncDisposable
{
    private readonly ManualTime _time = new();
    private readonly InMemoryLeaseStore _store;
    private readonly Lines _lines = new();

    public GivingBackTests() => _store = new InMemoryLeaseStore(_time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _lines.Dispose();
        await _store.DisposeAsync();
    }

    /// <summary>The container disposes of them before the session: they were made after it.</summary>
    /// <param name="fails">Whether the start fails; else the host is not stopped.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_the_container_disposes_of_keeps_its_leases_if_the_host_was_not_stopped(bool fails)
    {
        using var store = new Kept(_store);
        IHost host = Build(store, services => services
            .AddSingleton(Open).AddSingleton(Lease).AddSingleton(new Fails(fails)).AddHostedService<Using>());
        Exception? fault = await Record.ExceptionAsync(() => host.StartAsync(Token));
        Assert.Equal(fails, fault is NotSupportedException);
        LeasedArena<uint> arena = host.Services.GetRequiredService<LeasedArena<uint>>();
        long held = (await _store.ListSessionsAsync(Token)).Single().Held;
        Assert.InRange(held, 2, long.MaxValue);                // a span, and the number
        host.Dispose();

        LeaseSessionInfo left = Assert.Single(await _store.ListSessionsAsync(Token));
        Assert.Equal((LeaseSessionStage.Live, held), (left.Stage, left.Held));
        Assert.False(arena.Session.IsValid);
        Assert.Contains(_lines.All, line => line.Contains("gave nothing back", StringComparison.Ordinal));
        Assert.DoesNotContain(_lines.All, line => line.Contains("gave everything back", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_program_disposes_of_while_the_host_runs_goes_back_at_once()
    {
        using IHost host = Build(_store, services => services.AddSingleton(Open).AddSingleton(Lease));
        await host.StartAsync(Token);
        await host.Services.GetRequiredService<WorkerId>().DisposeAsync();
        await host.Services.GetRequiredService<LeasedArena<uint>>().DisposeAsync();
        Assert.Equal(0, (await _store.ListSessionsAsync(Token)).Single().Held);
        await host.StopAsync(Token);
    }

    /// <summary>The host goes on after a StopAsync that throws, as if all had stopped.</summary>
    [Fact]
    public async Task A_background_service_that_still_runs_keeps_its_leases()
    {
        using IHost host = Build(_store, static services => services.AddHostedService<Running>());
        await host.StartAsync(Token);
        Running running = host.Services.GetServices<IHostedService>().OfType<Running>().Single();
        await Assert.ThrowsAsync<NotSupportedException>(() => host.StopAsync(Token));
        Assert.False(running.ExecuteTask!.IsCompleted);
        Assert.Equal(1, Assert.Single(await _store.ListSessionsAsync(Token)).Held);
        Assert.Contains(_lines.All, line => line.Contains("gave nothing back", StringComparison.Ordinal));
        running.End.SetResult();
    }

    [Fact]
    public async Task A_lost_session_is_not_said_to_have_given_anything_back()
    {
        using IHost host = Build(_store, static _ => { });
        await host.StartAsync(Token);
        LeaseSession session = host.Services.GetRequiredService<LeaseSession>();
        await _store.CloseSessionAsync(session.Instance, clean: true, Token);
        _time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => session.State == LeaseState.Lost);
        await host.StopAsync(Token);
        Assert.DoesNotContain(_lines.All, line => line.Contains("gave everything back", StringComparison.Ordinal));
        Assert.Contains(_lines.All, line => line.Contains("was over before the host", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_session_whose_end_the_store_did_not_hear_of_is_not_said_to_have_given_everything_back()
    {
        using IHost host = Build(_store, static _ => { });
        await host.StartAsync(Token);
        await _store.DisposeAsync();                           // every call fails from now on
        await host.StopAsync(Token);
        Assert.DoesNotContain(_lines.All, line => line.Contains("gave everything back", StringComparison.Ordinal));
        Assert.Contains(_lines.All, line => line.Contains("may not have heard", StringComparison.Ordinal));
    }

    /// <summary>It is lost while the container asks for it, and the host has not begun to listen.</summary>
    [Fact]
    public async Task A_session_that_is_lost_before_anybody_listens_stops_the_host_too()
    {
        using IHost host = Build(_store, services => services.AddSingleton(provider =>
        {
            LeaseSession session = provider.GetRequiredService<HostedLeases>().Session;
            _store.CloseSessionAsync(session.Instance, clean: true, Token).AsTask().GetAwaiter().GetResult();
            _time.Advance(session.Options.RenewEvery);
            Eventually.HoldsAsync(() => session.State == LeaseState.Lost).GetAwaiter().GetResult();
            return session;
        }));
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        _ = await Record.ExceptionAsync(() => host.StartAsync(Token));
        Assert.True(lifetime.ApplicationStopping.IsCancellationRequested);
        Assert.Contains(_lines.All, line => line.Contains("is lost", StringComparison.Ordinal));
    }

    private static LeasedArena<uint> Open(IServiceProvider provider) => LeasedArena<uint>.OpenAsync(
        provider.GetRequiredService<LeaseSession>(), "ids",
        new() { SpanSize = 16, Definition = new LeasedArenaDefinition<uint> { Size = 64 } }, Token).GetAwaiter().GetResult();

    private static WorkerId Lease(IServiceProvider provider) =>
        WorkerId.LeaseAsync(provider.GetRequiredService<LeaseSession>(), "workers", 4, Token).GetAwaiter().GetResult();

    private IHost Build(LeaseStore store, Action<IServiceCollection> more)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(_lines);
        builder.Services.AddVmemLeasing(_ => store, options => options.Session = new() { Owner = "tests", TimeProvider = _time });
        more(builder.Services);
        return builder.Build();
    }

    private sealed record Fails(bool Start);

    private sealed class Using(Fails fails, IServiceProvider provider) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            _ = provider.GetRequiredService<LeasedArena<uint>>().Arena;
            _ = provider.GetRequiredService<WorkerId>().Value;
            return fails.Start ? throw new NotSupportedException() : Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Running(HostedLeases leases) : BackgroundService
    {
        public TaskCompletionSource End { get; } = new();

        public override async Task StartAsync(CancellationToken cancellationToken)
        {
            _ = await WorkerId.LeaseAsync(leases.Session, "workers", 4, cancellationToken);
            await base.StartAsync(cancellationToken);
        }

        public override Task StopAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => End.Task;
    }

    /// <summary>The container's disposal does not end it.</summary>
    private sealed class Kept(LeaseStore store) : ForwardingStore(store), IDisposable
    {
#pragma warning disable CA2215       // the base class would end the store
        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
#pragma warning restore CA2215

        public void Dispose()
        {
        }
    }
}
