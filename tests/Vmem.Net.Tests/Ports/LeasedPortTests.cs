using Vmem.Leasing;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

/// <summary>A pool above an arena that processes share.</summary>
public sealed class LeasedPortTests : IDisposable
{
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

    /// <summary>Its ports wait for the next session of the name.</summary>
    [Fact]
    public async Task What_a_pool_above_a_lease_had_is_given_to_nobody_else_after_a_restart()
    {
        string file = Path.Combine(_folder.FullName, "leases.db");
        LeasedArenaOptions<ushort> options = new() { SpanSize = 64, Stock = 1, Definition = new() { Start = 5000, Size = 1024 } };
        LeaseSessionOptions named = new() { Owner = "tests", Name = "web", Ttl = TimeSpan.FromMinutes(5) };
        PortPoolOptions ports = new() { IsInUse = _ => false };
        (int, int) before;
        await using (var store = new SqliteLeaseStore(file))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, named, Token))
        {
            LeasedArena<ushort> leased = await LeasedArena<ushort>.OpenAsync(session, "ports", options, Token);
            var pool = new PortPool("mine", 5000, 1024, ports with { Source = leased.Arena });
            before = (await pool.AllocateAsync("web", cancellationToken: Token), await pool.AllocateAsync("api", cancellationToken: Token));
        }

        await using var again = new SqliteLeaseStore(file);
        await using LeaseSession other = await LeaseSession.OpenAsync(again, named with { Name = "other" }, Token);
        await using LeasedArena<ushort> othersArena = await LeasedArena<ushort>.OpenAsync(other, "ports", options, Token);
        using var others = new PortPool("others", 5000, 1024, ports with { Source = othersArena.Arena });
        List<int> given = [];
        while (given.Count < 64)
        {
            given.Add(await others.AllocateRunAsync(1, cancellationToken: Token));
        }

        Assert.DoesNotContain(before.Item1, given);
        Assert.DoesNotContain(before.Item2, given);
    }
}
