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
    public void A_range_that_no_call_of_its_owner_took_is_a_grant_which_either_call_frees()
    {
        Audit<uint> audit = new(new SetClock());
        audit.Reserve(8);
        audit.NoteAllocated(1, 0, 10);
        using (audit.Sign(AuditCall.Free))
        {
            audit.NoteAllocated(2, 10, 10);
        }

        AuditSite waiter = audit.Capture(AuditCall.AllocateConstrained);
        using (audit.Sign(AuditCall.Free))
        {
            using AuditSignature signature = new(audit, waiter);
            audit.NoteAllocated(3, 20, 10);
        }

        Assert.Equal((AuditCall.Grant, AuditCall.Grant), (audit[1].Owner!.Call, audit[2].Owner!.Call));
        Assert.Same(waiter, audit[3].Owner);
        Assert.True(audit[2].Owner!.GoesWith(AuditCall.Free) && audit[2].Owner!.GoesWith(AuditCall.FreeConstrained));
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
