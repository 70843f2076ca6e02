using Vmem.Diagnostics;
using Vmem.Tests.Diagnostics;
using Xunit;

namespace Vmem.Tests.Auditing;

/// <summary>An audit under several threads, and what it notes when the call under way is not the owner's.</summary>
public class SharedAuditTests
{
    [Fact]
    public async Task Threads_allocate_and_free_while_others_ask_for_reports()
    {
        using Arena<uint> arena = new("shared audit", 0, 1 << 16, 1, new ArenaOptions<uint> { Audit = true });
        Task[] workers = [
            .. Enumerable.Range(1, 4).Select(worker => Task.Run(() => Work(arena, (uint)worker), TestContext.Current.CancellationToken))
        ];
        Task all = Task.WhenAll(workers);
        do
        {
            Assert.InRange(arena.GetAuditReport().Ranges, 0, 4 * 16);
            arena.Validate();
        }
        while (!all.IsCompleted);
        await all;
        Assert.Equal(0, arena.GetAuditReport().Ranges);
        Assert.Equal((8_000, 8_000), (arena.GetStatistics().Allocations, arena.GetStatistics().Frees));
        arena.Validate();
    }

    [Fact]
    public async Task What_is_live_all_the_while_is_reported_once()
    {
        const int steady = 1_000;                 // some batches of them
        using Arena<uint> arena = new("steady audit", 0, 1 << 16, 1, new ArenaOptions<uint> { Audit = true });
        List<uint> others = [];
        for (int i = 0; i < steady; i++)
        {
            _ = arena.Allocate(7);
            others.Add(arena.Allocate(1));
        }

        Task churn = Task.Run(() =>
        {
            for (int i = 0; i < 2_000; i++)
            {
                int which = (i * 7_919) % others.Count;
                arena.Free(others[which], 1);
                others[which] = arena.Allocate(1);
            }
        }, TestContext.Current.CancellationToken);
        do
        {
            Assert.Equal(1, arena.GetAuditReport().Groups.Count(static group => group is { Ranges: steady, Size: 7 * steady }));
        }
        while (!churn.IsCompleted);
        await churn;
    }

    /// <summary>Whoever makes the room, on whichever thread: the record names the one who waited, and his call.</summary>
    [Fact]
    public async Task A_range_that_is_granted_during_anothers_free_is_recorded_as_the_call_that_waited()
    {
        using Arena<uint> arena = new("granting", 0, 10, 1, new ArenaOptions<uint> { Audit = true });
        uint all = arena.Allocate(10);
        Task<uint> waiting = arena.AllocateAsync(10, new RangeConstraints<uint> { Align = 2 }, TestContext.Current.CancellationToken)
            .AsTask();
        int me = Environment.CurrentManagedThreadId;
        Thread other = new(() => arena.Free(all, 10));
        other.Start();
        other.Join();
        Assert.Equal(0u, await waiting);
        AuditedRange<uint> granted = Assert.Single(Assert.Single(arena.GetAuditReport().Groups).First);
        Assert.Equal((AuditCall.AllocateConstrained, me), (granted.Call, granted.ThreadId));
        arena.FreeConstrained(0, 10);
        arena.Validate();
    }

    private static void Work(Arena<uint> arena, uint size)
    {
        Queue<uint> mine = [];
        for (int i = 0; i < 2_000; i++)
        {
            mine.Enqueue(arena.Allocate(size));
            if (mine.Count == 16)
            {
                arena.Free(mine.Dequeue(), size);
            }
        }

        while (mine.TryDequeue(out uint start))
        {
            arena.Free(start, size);
        }
    }
}
