using Vmem.Leasing;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

/// <summary>A pool above an arena that processes share.</summary>
public class LeasedPortTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

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
}
