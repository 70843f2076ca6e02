using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Tests.Reports;

namespace Vmem.Tool.Tests.Replay;

/// <summary>What rounding costs by size, against a copy of everything at each peak.</summary>
public sealed class SizeLedgerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_last_peak_is_what_a_copy_at_that_moment_says(int seed)
    {
        var random = new Random(seed);
        var ledger = new SizeLedger();
        var live = new List<(ulong Requested, ulong Size)>();
        (int, SizeShare)[] expected = [];
        ulong most = 0;
        for (int step = 0; step < 3_000; step++)
        {
            if (live.Count > 0 && random.Next(100) < (step < 2_000 ? 45 : 55))
            {
                (ulong requested, ulong size) = live[random.Next(live.Count)];
                Assert.True(live.Remove((requested, size)));
                ledger.Remove(requested, size);
            }
            else
            {
                ulong requested = (ulong)random.Next(1 << random.Next(1, 20));
                live.Add((requested, requested + (ulong)random.Next(100)));
                ledger.Add(live[^1].Requested, live[^1].Size);
                ulong sum = live.Aggregate(0UL, (sum, block) => sum + block.Requested);
                if (sum > most)
                {
                    most = sum;
                    ledger.MarkPeak();
                    expected =
                    [
                        .. live.GroupBy(block => SizeClasses.IndexOf(block.Requested)).OrderBy(group => group.Key)
                            .Select(group => (group.Key, new SizeShare(
                                group.Count(),
                                group.Aggregate(0UL, (sum, block) => sum + block.Requested),
                                group.Aggregate(0UL, (sum, block) => sum + block.Size - block.Requested)))),
                    ];
                }
            }
        }

        Assert.Equal(expected, ledger.AtPeak());
    }

    [Fact]
    public void A_replay_tells_where_powers_of_two_hurt()
    {
        // Ten blocks of 4,368 in 8,192 each, and one of 100 in 128; at the end the small one alone.
        IEnumerable<int> ids = Enumerable.Range(1, 10);
        string[] lines = [.. ids.Select(id => $"a {id} 4368\n"), "a 11 100\n", .. ids.Select(id => $"f {id}\n")];
        TraceReport trace = ReplayText.Report(string.Concat(lines), new BuddyTarget(16, 1 << 20));
        Assert.Equal(
            [new SizeWasteReport(97, 112, 1, 100, 28), new SizeWasteReport(4_097, 5_120, 10, 43_680, 38_240)],
            trace.Policies[0].Waste);
        WasteFigures figures = WasteFigures.Of(trace)!;
        Assert.Equal("The buddy allocator loses most: 37.3 KiB with 4 KiB – 5 KiB, 99.9 % of all that it loses to rounding.", figures.Summary);
        Assert.Equal([["4 KiB – 5 KiB", "10", "42.7 KiB", "37.3 KiB"], ["97 B – 112 B", "1", "100 B", "28 B"]], figures.Rows);
    }
}
