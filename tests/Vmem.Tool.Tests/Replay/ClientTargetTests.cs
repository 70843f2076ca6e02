using System.Globalization;
using Vmem.Memory;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Replays through clients: what the tool says of them is what they say themselves.</summary>
public sealed class ClientTargetTests
{
    private const ulong Size = 16 << 20;

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(2048)]
    public unsafe void A_size_is_rounded_as_the_client_rounds_it(uint quantum)
    {
        using var context = new ClientContext(quantum, Size);
        ClientTarget target = context.CreateTarget("test");
        for (ulong power = 1; power <= 1 << 20; power *= 2)
        {
            foreach (ulong size in new[] { power - 1, power, power + 1, power + (power / 3) })
            {
                void* block = target.Client.Allocate((nuint)size);
                Assert.Equal(target.Client.GetSize(block), target.RoundUp(size));
                target.Client.Free(block);
            }
        }

        Assert.Equal((0UL, ulong.MaxValue), (target.GetFigures().InUse, target.RoundUp(Size + 1)));
    }

    [Fact]
    public void Figures_are_those_of_the_client()
    {
        string text = Samples.Generate(5_000, 200, seed: 1, largest: 3_000);
        using var context = new ClientContext(16, Size);
        ClientTarget target = context.CreateTarget("test");
        PolicyReport report = ReplayText.Report(text, target).Policies[0];
        MemoryClientStatistics client = target.Client.GetStatistics();
        Assert.Equal((0L, (ulong)client.PeakInUse), (report.Failures, report.PeakLiveBytes));
        Assert.Equal(context.Statistics.PeakInUse, report.RangeBytes);
        Assert.Equal((ulong)client.InUse - Requested(text), report.FinalInternalWasteBytes);
        Assert.Equal(1 - ((double)client.InUse / client.TotalSize), report.FinalFragmentation, 9);
        Assert.InRange(report.PeakInternalWasteBytes, 1UL, report.PeakLiveBytes / 2);
    }

    [Fact]
    public void A_limit_is_the_contexts_size_and_what_finds_no_room_is_counted()
    {
        using var context = new ClientContext(16, 100_000);
        PolicyReport report = ReplayText.Report("a 1 60000\na 2 60000\nf 2\nf 1\na 3 90000\na 4 5000000000\n", context.CreateTarget("test")).Policies[0];
        Assert.Equal(2, report.Failures);
        Assert.InRange(context.Statistics.TotalSize, 100_000U - 4096, 100_000U);
        ContextReport end = ReportBuilder.Build(context);
        Assert.Equal((2L, true), (end.Failures, end.IsWhole));
        Assert.Contains("too little", end.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void Clients_are_deleted_one_after_the_other_and_the_context_is_whole_again()
    {
        using var context = new ClientContext(16, Size);
        using TraceReplay first = ReplayText.Open("a 1 100\na 2 100000\nf 1\n", context.CreateTarget("first"));
        using TraceReplay second = ReplayText.Open("a 1 200\na 2 300\n", context.CreateTarget("second"));
        Interleaving.Run([first, second], [3, 2], TestContext.Current.CancellationToken);
        ulong held = context.Statistics.InUse;
        ContextReport report = ReportBuilder.Build(context);
        Assert.Equal(["first", "second"], report.Clients.Select(client => client.Name));
        Assert.Equal([1L, 2L], report.Clients.Select(client => client.LiveBlocks));
        Assert.Equal([131_072UL, 256 + 512], report.Clients.Select(client => client.InUseBytes));
        Assert.Equal([held - report.Clients[0].HeldBytes, 0UL], report.Clients.Select(client => client.HeldByOthersBytes));
        Assert.Equal((true, report.PeakHeldBytes >= held), (report.IsWhole, true));
    }

    [Fact]
    public void Bookkeeping_is_that_of_the_part_that_was_used_where_nobody_asked_for_more()
    {
        using var unlimited = new ClientContext(16, null);
        using var limited = new ClientContext(16, ClientContext.UsualSize);
        PolicyReport part = ReplayText.Report("a 1 1000\n", unlimited.CreateTarget("test")).Policies[0];
        PolicyReport whole = ReplayText.Report("a 1 1000\n", limited.CreateTarget("test")).Policies[0];
        Assert.InRange(part.BookkeepingBytes, 1, 2 << 20);
        Assert.InRange(whole.BookkeepingBytes, 256 << 20, 300 << 20);
    }

    private static ulong Requested(string text)
    {
        var live = new Dictionary<string, ulong>();
        foreach (string[] words in text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')))
        {
            if (words[0] == "a")
            {
                live.Add(words[1], ulong.Parse(words[2], CultureInfo.InvariantCulture));
            }
            else
            {
                _ = live.Remove(words[1]);
            }
        }

        return live.Values.Aggregate(0UL, (sum, size) => sum + size);
    }
}
