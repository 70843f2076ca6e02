namespace Vmem.Tool.Reports;

/// <summary>One row of the table: the terminal's and the page's are the same.</summary>
/// <param name="Key">The JSON's name for it.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Meaning">One sentence, shown where there is room.</param>
/// <param name="Show">The figure as text.</param>
/// <param name="Rank">What the least of is best; null where more or less is neither.</param>
internal sealed record Figure(string Key, string Label, string Meaning, Func<PolicyReport, string> Show, Func<PolicyReport, double>? Rank)
{
    private const string Unknown = "–";

    public static IReadOnlyList<Figure> All { get; } =
    [
        new("events", "events", "Allocations and frees replayed.", policy => Units.Count(policy.Events), null),
        new("peakLiveBytes", "peak live", "The most bytes in use at once, each request rounded up as the allocator does: by an arena to the quantum.",
            policy => Units.Bytes(policy.PeakLiveBytes), null),
        new("rangeBytes", "address range", "From the first to the highest address ever used: the span that the arena needs. For a client: the most that it ever held. For a heap or a malloc: the most that was resident.",
            policy => Units.Bytes(policy.RangeBytes), policy => policy.RangeBytes),
        new("rangeOverhead", "range over peak", "How much larger the address range is than the peak of live bytes.",
            policy => Units.Percent(policy.RangeOverhead), policy => policy.RangeOverhead),
        new("peakInternalWasteBytes", "internal waste peak", "Bytes inside what was in use that nobody had asked for, lost to rounding, where the most was in use.",
            policy => Units.Bytes(policy.PeakInternalWasteBytes), policy => policy.PeakInternalWasteBytes),
        new("finalInternalWasteBytes", "internal waste end", "The same after the last event.",
            policy => Units.Bytes(policy.FinalInternalWasteBytes), policy => policy.FinalInternalWasteBytes),
        new("worstFragmentation", "fragmentation worst", "Holes ÷ (holes + live bytes), the worst of all samples; holes are free bytes outside the largest free segment; for the buddy allocator, below the highest live block; for a client or a heap, what it holds and does not use.",
            policy => policy.KnowsHoles ? Units.Percent(policy.WorstFragmentation) : Unknown, policy => policy.KnowsHoles ? policy.WorstFragmentation : double.PositiveInfinity),
        new("peakFragmentation", "fragmentation peak", "The same where the most was in use.",
            policy => policy.KnowsHoles ? Units.Percent(policy.PeakFragmentation) : Unknown, policy => policy.KnowsHoles ? policy.PeakFragmentation : double.PositiveInfinity),
        new("finalFragmentation", "fragmentation end", "The same after the last event.",
            policy => policy.KnowsHoles ? Units.Percent(policy.FinalFragmentation) : Unknown, policy => policy.KnowsHoles ? policy.FinalFragmentation : double.PositiveInfinity),
        new("failures", "failures", "Allocations for which there was no room.", policy => Units.Count(policy.Failures), policy => policy.Failures),
        new("medianNanoseconds", "time median", "Of one allocation or free, sampled, the clock's own cost taken off.",
            policy => Units.Nanoseconds(policy.MedianNanoseconds), policy => policy.MedianNanoseconds),
        new("percentile999Nanoseconds", "time 99.9 %", "All but one operation in a thousand take no longer.",
            policy => Units.Nanoseconds(policy.Percentile999Nanoseconds), policy => policy.Percentile999Nanoseconds),
        new("eventsPerSecond", "events per second", "Reading the recording included, as if this were the only one.",
            policy => Units.PerSecond(policy.EventsPerSecond), policy => -policy.EventsPerSecond),
        new("bookkeepingBytes", "bookkeeping", "Bytes of the allocator's own tables; for a client, those of the whole context.",
            policy => policy.IsMemory ? Unknown : Units.Bytes(policy.BookkeepingBytes), policy => policy.IsMemory ? double.PositiveInfinity : policy.BookkeepingBytes),
    ];

    /// <summary>Those of memory that is written to.</summary>
    public static IReadOnlyList<Figure> OfMemory { get; } =
    [
        new("peakResidentBytes", "peak resident", "The most by which a process of its own grew that did nothing but replay the recording, the allocator's tables and all that it kept included.",
            policy => policy.PeakResidentBytes is ulong bytes ? Units.Bytes(bytes) : Unknown, policy => policy.PeakResidentBytes ?? double.PositiveInfinity),
        new("meanNanoseconds", "time mean", "Processor time of all operations in that process, each block's first touch included.",
            policy => policy.MeanNanoseconds is double mean ? Units.Nanoseconds((long)Math.Round(mean)) : Unknown, policy => policy.MeanNanoseconds ?? double.PositiveInfinity),
    ];

    /// <summary>What there is to say of these.</summary>
    public static IEnumerable<Figure> Of(IEnumerable<PolicyReport> policies) => policies.Any(policy => policy.IsMemory) ? [.. All, .. OfMemory] : All;

    /// <summary>Whether a policy is the best of several, as far as the figures shown can tell.</summary>
    public bool IsBest(PolicyReport policy, IReadOnlyList<PolicyReport> all)
    {
        if (Rank is null)
        {
            return false;
        }

        string best = Show(all.MinBy(Rank)!);
        return Show(policy) == best && all.Any(other => Show(other) != best);
    }
}
