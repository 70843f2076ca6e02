using System.Text;
using Vmem.Tool.Commands;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Fuzz.Targets;

/// <summary>What a recording that was read must do in a replay: run, add up, and leave an arena that can be drawn and restored.</summary>
internal static class ReplayOracle
{
    private const ulong UsualQuantum = 16;

    // Small, so that the first requests fail already; arbitrary.
    private const ulong SmallLimit = 1 << 16;

    /// <param name="input">A recording that reads without a fault.</param>
    /// <param name="choice">Chooses the allocators; any number.</param>
    /// <returns>False where the recording is refused for what its events say.</returns>
    public static bool Check(byte[] input, ulong choice)
    {
        FitPolicy policy = PolicyNames.All[(int)(choice % (ulong)PolicyNames.All.Count)];
        TraceInput trace = TraceInput.Open(TraceInput.StandardInput, () => new MemoryStream(input));
        var reader = new TraceReader(trace);
        ulong quantum = reader.ReadQuantum() ?? UsualQuantum;
        ulong small = Math.Max(quantum, SmallLimit);
        ulong? limit = (choice & 64) == 0 ? null : small;
        ulong cacheMax = (choice & 128) == 0 ? 0 : 4 * quantum;
        IReplayTarget[] targets = [new ArenaTarget(policy, quantum, limit, cacheMax), new BuddyTarget(quantum, small)];
        using var replay = new TraceReplay(trace, reader, targets);
        try
        {
            replay.Run(CancellationToken.None);
        }
        catch (MalformedTraceException fault)
        {
            TraceReading.CheckMessage(fault.Message);
            return false;
        }

        CheckCounts(replay);
        CheckReport(ReportBuilder.Build(replay), withPage: (choice & 0x700) == 0);
        CheckArena(replay.Lanes[0]);
        return true;
    }

    private static void CheckCounts(TraceReplay replay)
    {
        EventSource source = replay.Source;
        long live = source.Allocations - source.Frees;
        FindingException.Unless(live == source.LiveObjects, "Allocations less frees are not the live objects.");
        FindingException.Unless(source.LiveObjects <= source.SlotCount, "More live objects than slots.");
        CheckSites(replay);
        foreach (ReplayLane lane in replay.Lanes)
        {
            FindingException.Unless(lane.Events == source.Allocations + source.Frees, "A lane missed events.");
            FindingException.Unless(lane.Failures <= source.Allocations, "More failures than allocations.");
            FindingException.Unless(lane.PeakLive <= lane.HighestEnd, "More in use than lies below the highest end.");
        }
    }

    // Sums wrap together where a recording's sizes do not add up to 64 bits.
    private static void CheckSites(TraceReplay replay)
    {
        ulong sum = 0;
        long blocks = 0;
        foreach (SiteShare share in replay.Sites.AtPeak())
        {
            sum += share.Bytes;
            blocks += share.Count;
        }

        FindingException.Unless(sum == replay.Sites.PeakBytes, "The sites do not hold the peak together.");
        FindingException.Unless(blocks <= replay.Source.SlotCount, "The sites hold more blocks than were ever live.");
    }

    // The serialiser refuses what is no number. The page and the table must take whatever the recording holds; they take long to make.
    private static void CheckReport(TraceReport trace, bool withPage)
    {
        var report = new ReplayReport { Quantum = UsualQuantum, Limit = null, Traces = [trace] };
        ReportJson.Write(report, Stream.Null);
        if (withPage)
        {
            HtmlReport.Write(report, Stream.Null);
            ConsoleTable.Write(Terminals.Create(TextWriter.Null, isTerminal: false), report, trace, details: true);
        }

        foreach (PolicyReport policy in trace.Policies)
        {
            FindingException.Unless(policy.WorstFragmentation is >= 0 and <= 1, $"A fragmentation of {policy.WorstFragmentation}.");
        }
    }

    private static void CheckArena(ReplayLane lane)
    {
        ArenaSnapshot<ulong> snapshot = ((ArenaTarget)lane.Target).Snapshot(lane.Range);
        string json = snapshot.ToJson();
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        SnapshotSvg.Write(PictureReader.Read("snapshot", stream), AddressText.Of("UInt64", AddressNotation.Auto)!.Value, Stream.Null);
        RestoreOracle<ulong>.Check(ArenaSnapshot<ulong>.FromJson(json), useSource: false);
    }
}
