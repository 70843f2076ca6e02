using Vmem.Leasing;
using Vmem.Leasing.Sqlite.Tests.Processes;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

/// <summary>A pool above an arena that processes share.</summary>
public sealed class LeasedPortTests : IDisposable
{
    private static readonly LeaseSessionOptions s_named = new() { Owner = "tests", Name = "web", Ttl = TimeSpan.FromMinutes(5) };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmem-net-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Two_sessions_share_a_range()
    {
        await using var store = new InMemoryLeaseStore(new ManualTime());
        await using LeaseSession one = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeaseSession two = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        LeasedArenaOptions<ushort> options = new() { SpanSize = 8, Stock = 1, Definition = new() { Start = 5000, Size = 16 } };
        await using LeasedArena<ushort> first = await LeasedArena<ushort>.OpenAsync(one, "ports", options, Token);
        await using LeasedArena<ushort> second = await LeasedArena<ushort>.OpenAsync(two, "ports", options, Token);
        PortPoolOptions ports = new() { IsInUse = _ => false };
        using var mine = new PortPool("mine", 5000, 16, ports with { Source = first.Arena });
        using var theirs = new PortPool("theirs", 5000, 16, ports with { Source = second.Arena });
        HashSet<int> given = [];
        for (int i = 0; i < 2; i++)
        {
            Assert.True(given.Add(mine.AllocateRun(4)));
            Assert.True(given.Add(theirs.AllocateRun(4)));
        }

        Assert.Equal([5000, 5004, 5008, 5012], given.Order());
        Assert.False(mine.TryAllocate(out _));
        foreach (int port in given.Where(port => !theirs.Arena.Contains((ushort)port)))
        {
            mine.Free(port, 4);
        }

        Assert.Equal(0, mine.Arena.GetStatistics().TotalSize);
        Assert.Equal(0, first.Arena.GetStatistics().InUse);
    }

    /// <summary>What a pool above a lease has is its own over restarts: nobody else gets it meanwhile, and a key finds its port again,
    /// though the first request came before the stock.</summary>
    [Theory]
    [InlineData(64, 2)]
    [InlineData(64, 0)]
    [InlineData(1, 0)]
    public async Task A_key_has_its_port_after_a_restart_and_others_do_not(ushort spanSize, int stock)
    {
        string file = Path.Combine(_folder.FullName, "leases.db");
        LeasedArenaOptions<ushort> options = Options(spanSize, stock);
        (int, int) before;
        await using (var store = new SqliteLeaseStore(file))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", options, Token);
            PortPool pool = Pool(leased);
            before = (await PortAsync(pool, "web"), await PortAsync(pool, "api"));
            Assert.Equal((pool.PreferredPort("web"), pool.PreferredPort("api")), before);
        }

        await using var again = new SqliteLeaseStore(file);
        await using LeaseSession other = await LeaseSession.OpenAsync(again, s_named with { Name = "other" }, Token);
        await using LeasedArena<ushort> othersArena =
            await LeasedArena<ushort>.OpenAsync(other, "ports", options with { Stock = 0 }, Token);
        using PortPool others = Pool(othersArena);
        int theirs = await PortAsync(others, "web");
        List<int> given = [theirs];
        while (given.Count < 64)
        {
            given.Add(await others.AllocateRunAsync(1, cancellationToken: Token));
        }

        Assert.DoesNotContain(before.Item1, given);
        Assert.DoesNotContain(before.Item2, given);
        await using LeaseSession heir = await LeaseSession.OpenAsync(again, s_named, Token);
        await using LeasedArena<ushort> inherited = await LeasedArena<ushort>.OpenAsync(heir, "ports", options, Token);
        _ = inherited.Restore([]);
        using PortPool mine = Pool(inherited);
        Assert.Equal(before, (await PortAsync(mine, "web"), await PortAsync(mine, "api")));
        Assert.Empty(await again.ValidateAsync(1, Token));
    }

    [Fact]
    public async Task A_key_has_its_port_again_after_its_process_was_killed()
    {
        using Child child = Child.Start(typeof(LeasedPortTests), nameof(Holder), _folder.FullName);
        string said = await child.ReadAsync(Token);
        child.Kill();
        await using var store = new SqliteLeaseStore(Path.Combine(_folder.FullName, "leases.db"));
        await using LeaseSession other = await LeaseSession.OpenAsync(store, s_named with { Name = "other" }, Token);
        await using LeasedArena<ushort> othersArena = await LeasedArena<ushort>.OpenAsync(other, "ports", Options(64, 0), Token);
        using PortPool others = Pool(othersArena);
        string[] theirs = [$"{await PortAsync(others, "web")}", $"{await PortAsync(others, "cache")}"];
        Assert.Empty(said.Split(' ').Intersect(theirs));
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        await using LeasedArena<ushort> inherited = await LeasedArena<ushort>.OpenAsync(heir, "ports", Options(64, 2), Token);
        _ = inherited.Restore([]);
        using PortPool mine = Pool(inherited);
        Assert.Equal(said, $"{await PortAsync(mine, "web")} {await PortAsync(mine, "api")}");
    }

    /// <summary>The process that is killed.</summary>
    [Fact(Explicit = true)]
    public async Task Holder()
    {
        var store = new SqliteLeaseStore(Path.Combine(Child.Folder, "leases.db"));
        LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        PortPool pool = Pool(await LeasedArena<ushort>.OpenAsync(session, "ports", Options(64, 0), Token));
        Console.WriteLine($"{await PortAsync(pool, "web")} {await PortAsync(pool, "api")}");
        await Task.Delay(Timeout.Infinite, Token);
    }

    /// <summary>Whoever comes second gets the next port that can be had, and that again after its own restart.</summary>
    [Fact]
    public async Task Of_two_processes_with_the_same_key_each_keeps_its_port_over_restarts()
    {
        string file = Path.Combine(_folder.FullName, "leases.db");
        await using var store = new SqliteLeaseStore(file);
        await using LeaseSession first = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> firstArena = await LeasedArena<ushort>.OpenAsync(first, "ports", Options(1, 0), Token);
        int preferred = await PortAsync(Pool(firstArena), "web");
        int second = 0;
        for (int life = 0; life < 3; life++)
        {
            await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named with { Name = "second" }, Token);
            LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", Options(1, 0), Token);
            _ = leased.Restore([]);
            PortPool pool = Pool(leased);
            second = await PortAsync(pool, "web");
            Assert.Equal(preferred + 1, second);
            Assert.Equal(pool.PreferredPort("other" + life), await PortAsync(pool, "other" + life));
        }
    }

    /// <summary>A span of others is passed over as a whole, and the rest of a cell of which others have a part is leased.</summary>
    [Fact]
    public async Task A_span_of_others_is_passed_over()
    {
        await using var store = new InMemoryLeaseStore(new ManualTime());
        await using LeaseSession others = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", Options(64, 0), Token);
        using PortPool pool = Pool(leased);
        int preferred = pool.PreferredPort("web");
        int cell = preferred - (preferred - 5000) % 64;
        int taken = cell + 96;                                 // the rest of the cell, and half of the next
        LeaseArena arena = Assert.Single(await store.ListArenasAsync(Token));
        LeaseRequest theirs = new(arena.Id, others.Instance, Guid.NewGuid(), (UInt128)(taken - preferred))
        {
            Min = (UInt128)preferred,
            Max = (UInt128)taken,
        };
        Assert.Equal(LeaseVerdict.Granted, (await store.GrantAsync(theirs, Token)).Verdict);
        Assert.Equal(taken, await PortAsync(pool, "web"));
        LeaseExtent mine = Assert.Single(await store.ListAsync(arena.Id, Token), extent => extent.Session == session.Instance);
        Assert.Equal(((UInt128)taken, (UInt128)32), (mine.Start, mine.Size));
        Assert.Equal(taken + 1, await PortAsync(pool, "web"));
    }

    /// <summary>Above the last port come the first ones.</summary>
    [Fact]
    public async Task The_search_goes_round()
    {
        await using var store = new InMemoryLeaseStore(new ManualTime());
        await using LeaseSession session = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", Options(16, 0, 40), Token);
        using PortPool pool = Pool(leased, 40);
        int preferred = pool.PreferredPort("web") - 5000;
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(5000 + (preferred + i) % 40, await PortAsync(pool, "web"));
        }
    }

    /// <summary>A port that is used on the machine is set aside, and the next is asked for.</summary>
    [Fact]
    public async Task A_leased_port_that_is_in_use_is_passed_over()
    {
        await using var store = new InMemoryLeaseStore(new ManualTime());
        await using LeaseSession session = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", Options(1, 0), Token);
        HashSet<int> used = [];
        using var pool = new PortPool("mine", 5000, 1024, new() { Source = leased.Arena, IsInUse = used.Contains });
        int preferred = pool.PreferredPort("web");
        used.UnionWith([preferred, preferred + 1]);
        Assert.Equal(preferred + 2, await PortAsync(pool, "web"));
    }

    /// <summary>A pool of all ports of an arena has no window, and is given whole spans.</summary>
    [Fact]
    public async Task The_first_request_of_a_pool_leases_a_whole_span()
    {
        await using var store = new InMemoryLeaseStore(new ManualTime());
        await using LeaseSession session = await LeaseSession.OpenAsync(store, cancellationToken: Token);
        await using LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", Options(64, 0), Token);
        using PortPool pool = Pool(leased);
        Assert.Equal(5000, await pool.AllocateRunAsync(1, cancellationToken: Token));
        Assert.Equal((ushort)64, leased.Arena.GetStatistics().TotalSize);
        for (int i = 1; i < 64; i++)
        {
            Assert.Equal(5000 + i, pool.AllocateRun(1));
        }
    }

    private static ValueTask<int> PortAsync(PortPool pool, string key) => pool.AllocateAsync(key, cancellationToken: Token);

    private static LeasedArenaOptions<ushort> Options(ushort spanSize, int stock, ushort size = 1024) =>
        new() { SpanSize = spanSize, Stock = stock, Definition = new() { Start = 5000, Size = size } };

    private static PortPool Pool(LeasedArena<ushort> leased, int count = 1024) =>
        new("ports", 5000, count, new() { IsInUse = _ => false, Source = leased.Arena });
}
