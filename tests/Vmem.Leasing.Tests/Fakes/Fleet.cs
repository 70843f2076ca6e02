using System.Collections.Concurrent;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Fakes;

/// <summary>A store in memory, its network, and processes that lease from it, all on one clock that stands still until it is
/// moved.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    private readonly List<LeaseSession> _sessions = [];

    public Fleet()
    {
        Memory = new InMemoryLeaseStore(Time);
        Network = new UnreliableStore(Memory);
    }

    public ManualTime Time { get; } = new();

    public InMemoryLeaseStore Memory { get; }

    /// <summary>The way of the first process to the store.</summary>
    public UnreliableStore Network { get; }

    /// <summary>What was reported: by the thread that moves the clock, and by the pool.</summary>
    public ConcurrentQueue<Exception> Faults { get; } = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public LeaseSessionOptions Options => new() { Owner = "one", Ttl = Ttl, TimeProvider = Time, Faulted = Faults.Enqueue };

    /// <summary>A process on the unreliable way.</summary>
    public async Task<LeaseSession> OpenAsync() => Keep(await LeaseSession.OpenAsync(Network, Options, Token));

    /// <summary>Another process, whose network is fine.</summary>
    public async Task<LeaseSession> OpenOtherAsync() => Keep(await LeaseSession.OpenAsync(Memory, Options with { Owner = "other" }, Token));

    public static LeasedArenaOptions<ulong> Ids(ulong size = 64, ulong span = 8, int stock = 0) => new()
    {
        SpanSize = span,
        Stock = stock,
        Definition = new() { Start = 1000, Size = size },
    };

    /// <summary>Moves the clock by parts of the TTL, in small steps, so that timers are late by little.</summary>
    public void Pass(double ttls)
    {
        const int Steps = 20;
        for (int i = 0; i < Steps; i++)
        {
            Time.Advance(Ttl * ttls / Steps);
        }

        Time.Advance(TimeSpan.FromMilliseconds(1));
    }

    /// <summary>Nothing of the first process reaches the store, nor comes back.</summary>
    public void Cut() => Network.Fate = static _ => CallFate.RequestLost;

    public void Mend() => Network.Fate = null;

    public async ValueTask DisposeAsync()
    {
        Mend();
        foreach (LeaseSession session in _sessions)
        {
            await session.DisposeAsync();
        }

        for (int arena = 1; ; arena++)
        {
            try
            {
                Assert.Empty(await Memory.ValidateAsync(arena, Token));
            }
            catch (LeaseDefinitionException)
            {
                break;
            }
        }
    }

    private LeaseSession Keep(LeaseSession session)
    {
        _sessions.Add(session);
        return session;
    }
}
