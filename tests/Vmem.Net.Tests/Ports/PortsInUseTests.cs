using System.Net;
using System.Net.Sockets;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

/// <summary>Ports that others use, while a call goes past them.</summary>
public sealed class PortsInUseTests
{
    private readonly HashSet<int> _used = [];
    private readonly ManualTime _time = new();
    private int _checks;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Five checks take twice as long as a port in use rests.
    private PortPoolOptions Slow => new()
    {
        RecheckAfter = TimeSpan.FromMilliseconds(50),
        TimeProvider = _time,
        IsInUse = port =>
        {
            Assert.InRange(++_checks, 1, 100);
            _time.Advance(TimeSpan.FromMilliseconds(20));
            return _used.Contains(port);
        },
    };

    /// <summary>The first ones would come again before the search has passed them all.</summary>
    [Theory]
    [InlineData(1, 5005)]
    [InlineData(2, 5006)]
    public void A_slow_check_tries_each_port_once(int align, int expected)
    {
        using var pool = new PortPool("ports", 5000, 10, Slow);
        _used.UnionWith(Enumerable.Range(5000, 5));
        Assert.Equal(expected, pool.AllocateRun(1, align));
        Assert.Equal(align == 1 ? 6 : 4, _checks);
        Assert.Equal(1, pool.Arena.GetStatistics().InUse);
        Assert.True(pool.Arena.TryGetSegment(5000, out Segment<ushort> first));
        Assert.Equal(SegmentKind.Resting, first.Kind);
        _used.Clear();
        _time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.Equal(5000, pool.Allocate());
        pool.Arena.Validate();
    }

    [Fact]
    public void Where_all_are_in_use_a_slow_check_ends_with_none()
    {
        using var pool = new PortPool("ports", 5000, 10, Slow);
        _used.UnionWith(Enumerable.Range(5000, 10));
        Assert.False(pool.TryAllocate(out _));
        Assert.Equal(10, _checks);
        Assert.False(pool.TryAllocate("web", out _));
        Assert.Equal(10, pool.Arena.GetStatistics().Resting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_passes_each_port_in_use_once(bool waits)
    {
        using var pool = new PortPool("ports", 5000, 10, Slow);
        int preferred = pool.PreferredPort("web");
        int[] round = [.. Enumerable.Range(0, 10).Select(i => 5000 + ((preferred - 5000 + i) % 10))];
        _used.UnionWith(round[..8]);
        Assert.Equal(round[8], waits ? await pool.AllocateAsync("web", cancellationToken: Token) : pool.Allocate("web"));
        Assert.Equal(9, _checks);
        Assert.Equal(1, pool.Arena.GetStatistics().InUse);
    }

    [Fact]
    public async Task Who_would_wait_passes_each_port_in_use_once()
    {
        using var pool = new PortPool("ports", 5000, 10, Slow);
        _used.UnionWith(Enumerable.Range(5000, 9));
        Assert.Equal(5009, await pool.AllocateRunAsync(1, cancellationToken: Token));
        Assert.Equal(10, _checks);
    }

    [Fact]
    public void A_check_that_throws_sets_aside_what_was_in_use()
    {
        _used.UnionWith([5000, 5001]);
        PortPoolOptions options = new()
        {
            TimeProvider = _time,
            IsInUse = port => port == 5002 ? throw new TimeoutException() : _used.Contains(port),
        };
        using var pool = new PortPool("ports", 5000, 10, options);
        Assert.Throws<TimeoutException>(() => pool.Allocate());
        ArenaStatistics<ushort> figures = pool.Arena.GetStatistics();
        Assert.Equal((0, 2, 8), (figures.InUse, figures.Resting, figures.Free));
    }

    [Fact]
    public void A_lost_port_in_use_is_in_nobodys_way()
    {
        using Arena<ushort> below = new("below", 5000, 10, 1);
        PortPool? pool = null;
        PortPoolOptions options = new()
        {
            Source = below,
            TimeProvider = _time,
            IsInUse = port =>
            {
                if (port == 5001)
                {
                    pool!.Arena.Revoke(5000, 1);               // which this call has found in use
                }

                return port < 5002;
            },
        };
        using (pool = new PortPool("ports", 5000, 10, options))
        {
            Assert.Equal(5002, pool.Allocate());
        }
    }

    /// <summary>Requests that are served are no failures, however many places were tried for them.</summary>
    [Fact]
    public async Task What_is_served_is_no_failure()
    {
        using var pool = new PortPool("ports", 5000, 10, new() { IsInUse = _used.Contains, TimeProvider = _time });
        int preferred = pool.PreferredPort("web");
        for (int i = 0; i < 8; i++)                            // goes round
        {
            Assert.Equal(5000 + ((preferred - 5000 + i) % 10), pool.Allocate("web"));
        }

        Assert.InRange(await pool.AllocateAsync("web", cancellationToken: Token), 5000, 5009);
        _used.UnionWith(Enumerable.Range(5000, 10));
        Assert.Equal(0, pool.Arena.GetStatistics().Failures);
        Assert.False(pool.TryAllocate("web", out _));
        Assert.Equal(1, pool.Arena.GetStatistics().Failures);
    }

    [Fact]
    public void Ports_in_use_above_the_preferred_one_are_no_failures()
    {
        using var pool = new PortPool("ports", 5000, 10, new() { IsInUse = _used.Contains, TimeProvider = _time });
        int preferred = pool.PreferredPort("web");
        Assert.True(preferred > 5000);
        _used.UnionWith(Enumerable.Range(preferred, 5010 - preferred));
        Assert.Equal(5000, pool.Allocate("web"));
        Assert.Equal(0, pool.Arena.GetStatistics().Failures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wait_that_ends_well_is_no_failure(bool byKey)
    {
        using var pool = new PortPool("ports", 5000, 4, new() { IsInUse = _used.Contains, TimeProvider = _time });
        int run = pool.AllocateRun(4);
        Task<int> waits = byKey
            ? pool.AllocateAsync("web", 2, Token).AsTask()
            : pool.AllocateRunAsync(2, cancellationToken: Token).AsTask();
        Assert.False(waits.IsCompleted);
        pool.Free(run, 4);
        Assert.InRange(await waits, 5000, 5002);
        Assert.Equal(0, pool.Arena.GetStatistics().Failures);
    }

    /// <summary>Above a source, a place whose span is here and taken is not asked for.</summary>
    [Fact]
    public void A_taken_port_of_a_span_is_not_asked_of_the_source()
    {
        using Arena<ushort> below = new("below", 5000, 1000, 1);
        using var pool = new PortPool("ports", 5000, 1000, new() { Source = below, IsInUse = _used.Contains });
        int web = pool.Allocate("web");
        Assert.Equal([web + 1, web + 2], [pool.Allocate("web"), pool.Allocate("web")]);
        Assert.Equal(0, pool.Arena.GetStatistics().Failures);
        Assert.Equal(0, below.GetStatistics().Failures);
    }

    [Fact]
    public void A_listener_with_a_port_of_the_pool_is_no_failure()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var pool = new PortPool("ports", port, 1, new() { Checks = PortChecks.None });
        Assert.Equal(port, pool.Allocate());
        pool.Refresh();
        Assert.Equal(0, pool.Arena.GetStatistics().Failures);
    }

    [Theory]
    [InlineData(1, 65535)]
    [InlineData(5000, 10)]
    public void A_claim_past_the_top_is_refused(int first, int count)
    {
        using var pool = new PortPool("ports", first, count, new() { Checks = PortChecks.None });
        int last = first + count - 1;
        Assert.False(pool.TryClaim(int.MaxValue));
        Assert.False(pool.TryClaim(int.MaxValue, 2));
        Assert.False(pool.TryClaim(int.MinValue, 2));
        Assert.False(pool.TryClaim(last, 2));
        Assert.False(pool.TryClaim(65536));
        Assert.Equal(0, pool.Arena.GetStatistics().InUse);
        Assert.True(pool.TryClaim(last));
    }
}
