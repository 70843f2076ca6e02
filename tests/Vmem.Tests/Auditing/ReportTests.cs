using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Tests.Diagnostics;
using Xunit;

namespace Vmem.Tests.Auditing;

public class ReportTests
{
    [Fact]
    public void Live_ranges_are_grouped_by_stack_the_largest_first()
    {
        SetClock clock = new();
        using Arena<uint> arena =
            new("leaky", 0, 10_000, 1, new ArenaOptions<uint> { Audit = true, Policy = FitPolicy.FirstFit, TimeProvider = clock });
        for (int i = 0; i < 100; i++)
        {
            FromOnePlace(arena, 2);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        FromAnotherPlace(arena, 1_000);
        clock.Advance(TimeSpan.FromSeconds(20));
        AuditReport<uint> report = arena.GetAuditReport();
        Assert.Equal(("leaky", 101L, 1_200u), (report.ArenaName, report.Ranges, report.Size));
        Assert.Equal(2, report.Groups.Count);
        (AuditGroup<uint> large, AuditGroup<uint> small) = (report.Groups[0], report.Groups[1]);
        Assert.Contains(nameof(FromAnotherPlace), large.Stack.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal((1L, 1_000u, TimeSpan.FromSeconds(20)), (large.Ranges, large.Size, large.OldestAge));
        Assert.Contains(nameof(FromOnePlace), small.Stack.Split('\n')[0], StringComparison.Ordinal);
        Assert.Equal((100L, 200u, TimeSpan.FromSeconds(120)), (small.Ranges, small.Size, small.OldestAge));
        Assert.Equal([0u, 2, 4, 6, 8, 10, 12, 14], small.First.Select(range => range.Start));
        Assert.Equal(AuditCall.Allocate, small.First[0].Call);
        string text = report.ToString();
        Assert.Contains("101 live of 1200 in all, from 2 places", text, StringComparison.Ordinal);
        Assert.Contains("and 92 more", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_leak_is_reported_by_stack_at_Dispose()
    {
        ArenaLeak<ushort>? leak = null;
        Arena<ushort> arena = new("leaky", 0, 1_000, 1, new ArenaOptions<ushort> { Audit = true, Leaked = found => leak = found });
        arena.TryAllocateHandle(7, out _);
        arena.Free(arena.Allocate(5), 5);
        arena.Dispose();
        Assert.NotNull(leak?.Report);
        Assert.Equal((1L, (ushort)7), (leak.Report.Ranges, leak.Report.Size));
        Assert.Contains(nameof(A_leak_is_reported_by_stack_at_Dispose), Assert.Single(leak.Report.Groups).Stack, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_audit_there_is_no_report_and_a_leak_has_none()
    {
        ArenaLeak<uint>? leak = null;
        Arena<uint> arena = new("plain", 0, 10, 1, new ArenaOptions<uint> { Leaked = found => leak = found });
        arena.Allocate(1);
        Assert.False(arena.IsAudited);
        Assert.Contains("Audit", Assert.Throws<InvalidOperationException>(() => arena.GetAuditReport()).Message, StringComparison.Ordinal);
        arena.Dispose();
        Assert.NotNull(leak);
        Assert.Null(leak.Report);
    }

    [Fact]
    public void A_disposed_arena_gives_no_report()
    {
        Arena<uint> arena = MistakeTests.Make();
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.GetAuditReport());
        Assert.Throws<ObjectDisposedException>(() => arena.Free(16, 1));
        Assert.Throws<ObjectDisposedException>(() => arena.FreeConstrained(16, 1));
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocate(1, out _));
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocateHandle(1, out _));
    }

    [Fact]
    public void A_sum_that_the_type_cannot_hold_reads_as_its_top()
    {
        using Arena<byte> arena = new("all", 1, new ArenaOptions<byte> { Audit = true });
        arena.AddSpan(0, 128);
        arena.AddSpan(128, 128);
        arena.Allocate(128);
        arena.Allocate(128);
        Assert.Equal(byte.MaxValue, arena.GetAuditReport().Size);
        arena.Validate();
    }

    /// <summary>Stacks are kept once each, however many ranges there are.</summary>
    [Fact]
    public void Many_ranges_from_ten_places_cost_ten_stacks()
    {
        using Arena<uint> arena = new("many", 0, 1 << 20, 1, new ArenaOptions<uint> { Audit = true, SingleThreaded = true });
        Action[] places =
        [
            () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1),
            () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1), () => arena.Allocate(1),
        ];
        Repeat(places, 20_000);
        AuditReport<uint> report = arena.GetAuditReport();
        Assert.Equal(20_000, report.Ranges);
        Assert.Equal(10, report.Groups.Count);
        Assert.All(report.Groups, group => Assert.Equal(2_000, group.Ranges));
        arena.Validate();
    }

    /// <summary>Not optimised, as the JIT would then report the neighbouring line from some moment on.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void Repeat(Action[] places, int times)
    {
        for (int i = 0; i < times; i++)
        {
            places[i % places.Length]();
        }
    }

    /// <summary>Not optimised: once it is, its call may become a jump, and then it is in no stack any more.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static uint FromOnePlace(Arena<uint> arena, uint size) => arena.Allocate(size);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint FromAnotherPlace(Arena<uint> arena, uint size) => arena.Allocate(size);
}
