using Vmem.Memory;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Reports;

/// <summary>Takes the figures out of a finished replay.</summary>
internal static class ReportBuilder
{
    // More sites than anyone reads; arbitrary.
    private const int MostSites = 10;

    public static TraceReport Build(TraceReplay replay)
    {
        EventSource source = replay.Source;
        List<PolicyReport> policies = [.. replay.Lanes.Select(lane => Build(lane, replay))];
        return new TraceReport
        {
            Name = replay.Name,
            Format = FormatName(replay.Format),
            Events = source.Allocations + source.Frees,
            Allocations = source.Allocations,
            Frees = source.Frees,
            UnknownFrees = source.UnknownFrees,
            ImpliedFrees = source.ImpliedFrees,
            MissingEvents = source.Missing,
            RecordedQuantum = replay.RecordedQuantum,
            CountsBytes = replay.CountsBytes,
            GuessedFrees = source.GuessedFrees,
            LiveAtEnd = source.LiveObjects,
            PeakLiveObjects = source.SlotCount,
            ReadSeconds = replay.ReadTime.TotalSeconds,
            DurationSeconds = source.Elapsed?.TotalSeconds,
            PeakRequestedBytes = replay.Sites.PeakBytes,
            PeakEvents = replay.Sites.PeakEvents,
            Holders = BuildHolders(replay),
            Times = source.Times,
            Answers = [.. Recommendation.Split(replay.Lanes).Select(lanes => Answer(lanes, policies))],
            Policies = policies,
            Sizes = [.. source.Sizes.GetBins().Select(bin => new SizeBinReport(bin.Least, bin.Most, bin.Count, bin.Bytes))],
            CutOffAfterLine = source.CutOffAfter,
            LeftOut = replay.LeftOut,
        };
    }

    /// <summary>Deletes the context's clients, and tells what became of it.</summary>
    public static ContextReport Build(ClientContext context)
    {
        MemoryContextStatistics before = context.Statistics;
        return new ContextReport
        {
            SizeBytes = before.TotalSize,
            BlockSizeBytes = context.BlockSize,
            PeakHeldBytes = before.PeakInUse,
            BookkeepingBytes = context.GetBookkeepingBytes(),
            Failures = context.Failures,
            Clients = [.. context.DeleteClients().Select(Build)],
        };
    }

    private static AnswerReport Answer(IReadOnlyList<ReplayLane> lanes, IReadOnlyList<PolicyReport> policies)
    {
        (ReplayLane best, IReadOnlyList<ReplayLane> rivals) = Recommendation.Choose(lanes);
        PolicyReport chosen = ReportOf(best);
        List<PolicyReport> alike = [.. rivals.Select(ReportOf)];
        List<PolicyReport> all = [.. lanes.Select(ReportOf)];
        return new AnswerReport
        {
            Kind = chosen.IsMemory ? AnswerReport.Memory : AnswerReport.Addresses,
            Best = chosen.Policy,
            Verdict = Verdict.Write(chosen, alike, all),
            Consequence = Consequence.Write(chosen, alike, all),
        };

        PolicyReport ReportOf(ReplayLane lane) => policies.Single(policy => policy.Policy == lane.Target.Name);
    }

    private static ClientReport Build(ClientEnd end) => new()
    {
        Name = end.Last.Name,
        HeldBytes = end.Last.TotalSize,
        InUseBytes = end.Last.InUse,
        LiveBlocks = end.Last.LiveBlocks,
        Regions = end.Last.Regions,
        DeletionMicroseconds = end.Duration.TotalMicroseconds,
        HeldByOthersBytes = end.ContextThen.InUse,
        LargestFreeBytes = end.ContextThen.LargestFree,
    };

    private static PolicyReport Build(ReplayLane lane, TraceReplay replay) => new()
    {
        Policy = lane.Target.Name,
        Allocator = AllocatorNames.NameOf(lane.Target.Allocator),
        Events = lane.Events,
        CountsBytes = replay.CountsBytes || AllocatorNames.IsMemory(lane.Target.Allocator),
        PeakRequestedBytes = lane.PeakRequested,
        PeakLiveBytes = lane.PeakLive,
        RangeBytes = lane.Range,
        RangeOverhead = lane.PeakLive == 0 ? 0 : ((double)lane.Range / lane.PeakLive) - 1,
        CostBytes = lane.Cost,
        Overhead = lane.PeakRequested == 0 ? null : ((double)lane.Cost / lane.PeakRequested) - 1,
        PeakInternalWasteBytes = lane.PeakInternalWaste,
        FinalInternalWasteBytes = lane.FinalInternalWaste,
        WorstFragmentation = lane.WorstFragmentation,
        PeakFragmentation = lane.PeakFragmentation,
        FinalFragmentation = lane.FinalFragmentation,
        Failures = lane.Failures,
        MedianNanoseconds = lane.Latency.Percentile(0.5),
        Percentile999Nanoseconds = lane.Latency.Percentile(0.999),
        EventsPerSecond = lane.Events / (lane.Elapsed + replay.ReadTime).TotalSeconds,
        BookkeepingBytes = lane.BookkeepingBytes,
        Curve = CurveBuilder.Build(lane, replay.Source.Times),
        Waste = [
            .. lane.Sizes.AtPeak().Select(entry => new SizeWasteReport(
                SizeClasses.Least(entry.Class),
                SizeClasses.Most(entry.Class),
                entry.Share.Blocks,
                entry.Share.Requested,
                entry.Share.Waste)),
        ],
        Holes = BuildHoles(lane, replay),
        PeakResidentBytes = (lane.Target as BlockTarget)?.Resident?.PeakBytes,
        MeanNanoseconds = (lane.Target as BlockTarget)?.Resident?.MeanNanoseconds,
        Map = lane.Target.HasMap ? lane.Map : null,
        MapTop = lane.HighestEnd,
    };

    private static IReadOnlyList<SiteGroup>? BuildHolders(TraceReplay replay)
    {
        if (!replay.KnowsSites)
        {
            return null;
        }

        var groups = new SiteGroups(replay.Source.Stacks);
        foreach (SiteShare share in replay.Sites.AtPeak())
        {
            groups.Add(share);
        }

        return groups.Top(MostSites);
    }

    private static HolesReport? BuildHoles(ReplayLane lane, TraceReplay replay)
    {
        if (replay.CensusOf(lane) is not HoleCensus census)
        {
            return null;
        }

        var groups = new SiteGroups(replay.Source.Stacks);
        foreach (SiteShare share in census.Pins)
        {
            groups.Add(share);
        }

        return new HolesReport
        {
            Bytes = census.Bytes,
            Count = census.Holes,
            Events = census.Events,
            Seconds = replay.Source.Times.At(census.Events)?.TotalSeconds,
            Pins = groups.Top(MostSites),
        };
    }

    private static string FormatName(TraceFormat format) => format switch
    {
        TraceFormat.Heaptrack => "heaptrack",
        TraceFormat.Mtrace => "mtrace",
        TraceFormat.Valgrind => "valgrind",
        TraceFormat.Ltrace => "ltrace",
        TraceFormat.Vmem => "vmem",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
    };
}
