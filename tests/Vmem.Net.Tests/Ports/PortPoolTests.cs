using System.Net;
using System.Net.Sockets;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

public class PortPoolTests
{
    private readonly HashSet<int> _used = [];
    private readonly ManualTime _time = new();

    private PortPoolOptions Options => new() { IsInUse = _used.Contains, TimeProvider = _time, RecheckAfter = TimeSpan.FromSeconds(30) };

    [Fact]
    public void Ports_in_use_are_passed_over_and_tried_again_later()
    {
        using var pool = new PortPool("ports", 5000, 4, Options);
        _used.UnionWith([5000, 5002]);
        Assert.Equal([5001, 5003], [pool.Allocate(), pool.Allocate()]);
        PortsUnavailableException refusal = Assert.Throws<PortsUnavailableException>(() => pool.Allocate());
        Assert.Contains("5000 to 5003", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("just freed: 2.", refusal.Message, StringComparison.Ordinal);
        _used.Clear();
        Assert.False(pool.TryAllocate(out _));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(5000, pool.Allocate());
        pool.Arena.Validate();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(-1)]
    public void A_check_that_there_is_none_of_is_refused(int checks)
    {
        PortPoolOptions options = Options with { Checks = (PortChecks)checks };
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => new PortPool("ports", 5000, 4, options));
        Assert.Equal(("options", (object)(PortChecks)checks), (refused.ParamName, refused.ActualValue));
        Assert.Contains($"There is no check 0x{(int)((uint)checks & ~3u):x}", refused.Message, StringComparison.Ordinal);
        options = Options with { Policy = (FitPolicy)99 };
        Assert.Equal("options", Assert.Throws<ArgumentOutOfRangeException>(() => new PortPool("ports", 5000, 4, options)).ParamName);
    }

    [Fact]
    public void A_run_has_no_port_in_use_and_what_it_gave_up_is_free()
    {
        using var pool = new PortPool("ports", 5000, 16, Options with { ReuseDelay = TimeSpan.FromHours(1) });
        _used.Add(5002);
        Assert.Equal(5003, pool.AllocateRun(4));
        Assert.Equal(5008, pool.AllocateRun(4, align: 4));
        Assert.Equal([5000, 5001, 5007, 5012], [pool.Allocate(), pool.Allocate(), pool.Allocate(), pool.Allocate()]);
        Assert.Contains("No 4 ports side by side", Assert.Throws<PortsUnavailableException>(() => pool.AllocateRun(4)).Message, StringComparison.Ordinal);
        pool.Arena.Validate();
    }

    [Fact]
    public void A_key_gets_its_port_again_and_the_next_one_if_that_is_taken()
    {
        using var pool = new PortPool("ports", 5000, 1000, Options);
        int web = pool.Allocate("web");
        Assert.Equal(pool.PreferredPort("web"), web);
        Assert.Equal(5000 + 225, web);
        int other = pool.Allocate("web");
        Assert.Equal(web + 1, other);
        pool.Free(web);
        _used.Add(web);
        Assert.Equal(web + 2, pool.Allocate("web"));
        _used.Clear();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(web, pool.Allocate("web"));
    }

    [Fact]
    public void A_key_goes_round()
    {
        using var pool = new PortPool("ports", 65533, 3, Options);
        HashSet<int> given = [pool.Allocate("a"), pool.Allocate("a"), pool.Allocate("a")];
        Assert.Equal([65533, 65534, 65535], given.Order());
        Assert.False(pool.TryAllocate("a", out _));
        Assert.Throws<PortsUnavailableException>(() => pool.Allocate("a"));
    }

    [Fact]
    public void A_check_that_throws_loses_no_port()
    {
        PortPoolOptions failing = Options with { IsInUse = _ => throw new TimeoutException(), ReuseDelay = TimeSpan.FromHours(1) };
        using var pool = new PortPool("ports", 1, 65535, failing);
        Assert.Throws<TimeoutException>(() => pool.AllocateRun(10));
        Assert.Equal(65535, pool.Arena.GetStatistics().Free);
        Assert.True(pool.TryClaim(65535));                     // claims are not checked
        Assert.False(pool.TryClaim(65535));
        Assert.False(pool.TryClaim(65535, 2));
    }

    [Fact]
    public async Task Who_waits_gets_what_is_freed_and_who_gives_up_holds_nothing()
    {
        using var pool = new PortPool("ports", 5000, 4, Options);
        int run = await pool.AllocateRunAsync(4, cancellationToken: TestContext.Current.CancellationToken);
        using var end = new CancellationTokenSource();
        Task<int> givesUp = pool.AllocateRunAsync(2, cancellationToken: end.Token).AsTask();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givesUp);
        Task<int> waits = pool.AllocateAsync("web", cancellationToken: TestContext.Current.CancellationToken).AsTask();
        Assert.False(waits.IsCompleted);
        pool.Free(run, 4);
        Assert.Equal(pool.PreferredPort("web"), await waits);
        Assert.Equal(1, pool.Arena.GetStatistics().InUse);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => pool.AllocateRunAsync(5, cancellationToken: TestContext.Current.CancellationToken).AsTask());
    }

    /// <summary>Each that gets the port keeps it until it is done: the port does not go round among those who wait.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_who_wait_for_one_port_get_it_in_turn(bool byKey)
    {
        const int Waiters = 16;
        CancellationToken token = TestContext.Current.CancellationToken;
        using var pool = new PortPool("ports", 5000, 1, Options);
        int port = pool.Allocate();
        Task<int>[] waits =
        [
            .. Enumerable.Range(0, Waiters).Select(index =>
                byKey
                    ? pool.AllocateAsync($"service {index}", cancellationToken: token).AsTask()
                    : pool.AllocateRunAsync(1, cancellationToken: token).AsTask()),
        ];
        for (int index = 0; index < Waiters; index++)
        {
            Assert.DoesNotContain(waits.Skip(index), static wait => wait.IsCompleted);
            pool.Free(port);
            port = await waits[index];
            Assert.Equal(5000, port);
        }

        pool.Free(port);
        ArenaStatistics<ushort> figures = pool.Arena.GetStatistics();
        Assert.InRange(figures.Allocations, Waiters + 1, 3 * Waiters);
        Assert.Equal(0, figures.InUse);
    }

    [Fact]
    public async Task Who_waited_and_finds_the_port_in_use_waits_on()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        using var pool = new PortPool("ports", 5000, 2, Options);
        int run = pool.AllocateRun(2);
        Task<int> waits = pool.AllocateAsync("web", cancellationToken: token).AsTask();
        _used.UnionWith([5000, 5001]);
        pool.Free(run, 2);
        await ComeToRestAsync(pool, 2);
        Assert.False(waits.IsCompleted);
        _used.Remove(5000);
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(5000, await waits);
        Assert.Equal(1, pool.Arena.GetStatistics().InUse);
    }

    /// <summary>The check of the preferred port throws while what came is held, and the check of what came itself.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_check_that_throws_after_a_wait_leaves_nothing_held(bool isPreferred)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        int? failing = null;
        PortPoolOptions options = Options with
        {
            IsInUse = port => failing is null || port != failing ? false : throw new TimeoutException(),
            ReuseDelay = TimeSpan.FromHours(1),
        };
        using var pool = new PortPool("ports", 5000, 1000, options);
        int run = pool.AllocateRun(1000);
        Task<int> waits = pool.AllocateAsync("web", cancellationToken: token).AsTask();
        failing = isPreferred ? pool.PreferredPort("web") : 5000;
        if (isPreferred)
        {
            pool.Arena.FreeAfter((ushort)run, 1000, TimeSpan.Zero);
        }
        else
        {
            pool.Arena.Split(5000, 1000, 5001);
            pool.Arena.FreeAfter(5000, 1, TimeSpan.Zero);
        }

        await Assert.ThrowsAsync<TimeoutException>(() => waits);
        Assert.Equal(isPreferred ? 1000 : 1, pool.Arena.GetStatistics().Free);
        pool.Arena.Validate();
    }

    [Fact]
    public void A_refusal_tells_of_rests_only_if_there_are_any()
    {
        using var pool = new PortPool("p", 5000, 1, Options);
        int port = pool.Allocate();
        Assert.Equal("No port is free in pool 'p' (5000 to 5000): 1 was asked for and nothing is free.", Refusal());
        pool.SetAside(port);
        Assert.EndsWith("nothing is free. At rest, as in use on this machine or just freed: 1.", Refusal(), StringComparison.Ordinal);

        string Refusal() => Assert.Throws<PortsUnavailableException>(() => pool.Allocate()).Message;
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PortPool("p", 0, 10));
        Assert.Equal("first", Assert.Throws<ArgumentOutOfRangeException>(() => new PortPool("p", 65536, 1)).ParamName);
        Assert.Equal("count", Assert.Throws<ArgumentOutOfRangeException>(() => new PortPool("p", 65535, 2)).ParamName);
        Assert.Throws<ArgumentException>(() => new PortPool("p", 1, 2, new() { RecheckAfter = TimeSpan.Zero }));
        using var pool = new PortPool("p", 5000, 10, Options);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.AllocateRun(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.AllocateRun(1, align: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Free(4999));
        Assert.Throws<InvalidFreeException>(() => pool.Free(5000));
    }

    [Theory]
    [InlineData(PortChecks.Bind)]
    [InlineData(PortChecks.Listeners)]
    [InlineData(PortChecks.Bind | PortChecks.Listeners)]
    public void A_listener_of_this_machine_keeps_its_port(PortChecks checks)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var pool = new PortPool("ports", port, 1, new() { Checks = checks });
        Assert.False(pool.TryAllocate(out _));
        Assert.Equal(1, pool.Arena.GetStatistics().Resting);
    }

    [Fact]
    public void A_datagram_socket_keeps_its_port_too()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
        using var pool = new PortPool("ports", port, 1);
        Assert.False(pool.TryAllocate(out _));
        using var blind = new PortPool("blind", port, 1, new() { Checks = PortChecks.None });
        Assert.Equal(port, blind.Allocate());
    }

    // What comes after a wait is tried on another thread.
    private static async Task ComeToRestAsync(PortPool pool, int count)
    {
        while (pool.Arena.GetStatistics().Resting < count)
        {
            await Task.Yield();
        }
    }
}
