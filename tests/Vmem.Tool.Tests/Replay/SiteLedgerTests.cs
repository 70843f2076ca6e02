using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Who held what at the peak, against a copy of everything at each peak.</summary>
public sealed class SiteLedgerTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 5)]
    [InlineData(3, 300)]
    public void What_sites_held_at_the_peak_is_what_a_copy_made_then_says(int seed, int sites)
    {
        var random = new Random(seed);
        var live = new List<(int Slot, ulong Size, int Site)>();
        var ledger = new SiteLedger();
        Dictionary<int, (ulong Bytes, long Blocks)> copy = [];
        ulong peak = 0;
        long peakEvents = 0;
        for (int number = 1; number <= 5_000; number++)
        {
            if (live.Count > 0 && random.Next(100) < live.Count)
            {
                int victim = random.Next(live.Count);
                (int slot, ulong size, int site) = live[victim];
                live.RemoveAt(victim);
                ledger.Add([ReplayEvent.Free(slot, size, site)]);
                continue;
            }

            (int Slot, ulong Size, int Site) born = (number, (ulong)random.Next(1_000), random.Next(sites));
            live.Add(born);
            ledger.Add([ReplayEvent.Allocation(born.Slot, born.Size, born.Site)]);
            ulong bytes = live.Aggregate(0UL, (sum, item) => sum + item.Size);
            if (bytes > peak)
            {
                (peak, peakEvents) = (bytes, number);
                copy = live.GroupBy(item => item.Site)
                    .ToDictionary(group => group.Key, group => (group.Aggregate(0UL, (sum, item) => sum + item.Size), (long)group.Count()));
            }
        }

        Assert.Equal((peak, peakEvents), (ledger.PeakBytes, ledger.PeakEvents));
        Assert.Equal(copy, ledger.AtPeak().ToDictionary(entry => entry.Site, entry => (entry.Bytes, entry.Count)));
    }

    [Fact]
    public void Before_the_first_event_nobody_holds_anything() => Assert.Empty(new SiteLedger().AtPeak());
}
