using Xunit;

namespace Vmem.Tests.Readme;

/// <summary>The README's examples.</summary>
public class ArenaExamples
{
    [Fact]
    public void Process_ids()
    {
        #region ids
        using var pids = new Arena<ushort>("pid", start: 1, size: 32_767, quantum: 1, new() { Policy = FitPolicy.NextFit });
        ushort init = pids.Allocate(1);
        ushort shell = pids.Allocate(1);
        pids.Free(init, 1);
        ushort next = pids.Allocate(1);              // 3: a freed ID is handed out again as late as possible
        #endregion

        Assert.Equal((1, 2, 3), (init, shell, next));
    }

    [Fact]
    public void Constraints()
    {
        #region constraints
        using var arena = new Arena<ulong>("heap", start: 0x10000, size: 0x100000, quantum: 16);
        ulong buffer = arena.AllocateConstrained(1_000, new() { Align = 256, NoCross = 4_096, Max = 0x40000 });
        FitReport<ulong> report = arena.Explain(0x200000);
        #endregion

        Assert.Equal(0ul, buffer % 256);
        Assert.False(report.Fits);
    }

    [Fact]
    public async Task Caching_and_waiting()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        #region caching
        using var slots = new Arena<uint>("slot", start: 0, size: 100_000, quantum: 1, new() { QuantumCacheMax = 1 });
        uint slot = await slots.AllocateAsync(1, cancellationToken);   // from this thread's magazine; waits while all are out
        slots.Free(slot, 1);
        #endregion

        Assert.Equal(0u, slots.GetStatistics().InUse);
    }

    [Fact]
    public void Importing()
    {
        #region importing
        using var pages = new Arena<uint>("pages", start: 0, size: 1 << 20, quantum: 4_096);
        using var small = new Arena<uint>("small", quantum: 8, new() { Source = pages });
        uint item = small.Allocate(24);              // imports a page
        small.Free(item, 24);
        uint returned = small.Reap();                // and gives it back
        #endregion

        Assert.Equal(4_096u, returned);
        Assert.Equal(0u, pages.GetStatistics().InUse);
    }
}
