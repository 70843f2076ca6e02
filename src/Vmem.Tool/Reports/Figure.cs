namespace Vmem.Tool.Reports;

/// <summary>One row of the table: the terminal's and the page's are the same.</summary>
/// <param name="Key">The JSON's name for it.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Meaning">One sentence, shown where there is room.</param>
/// <param name="Show">The figure as text.</param>
/// <param name="Rank">What the least of is best; null where more or less is neither.</param>
internal sealed record Figure(string Key, string Label, string Meaning, Func<PolicyReport, string> Show, Func<PolicyReport, double>? Rank)
{
    public static IReadOnlyList<Figure> All { get; } =
    [
        new("events", "events", "Allocations and frees replayed.", policy => Units.Count(policy.Events), null),
        new("peakLiveBytes", "peak live", "The most bytes in use at once, each request rounded up as the allocator does: by an arena to the quantum.",
            policy => Units.Bytes(policy.PeakLiveBytes), null),
        new("rangeBytes", "address range", "From the first to the highest address ever used: the span that the arena needs. For a client: the most that it ever held.",
            policy => Units.Bytes(policy.RangeBytes), policy => policy.RangeBytes),
        new("rangeOverhead", "range over peak", "How much larger the address range is than the peak of live bytes.",
            policy => Units.Percent(policy.RangeOverhead), policy => policy.RangeOverhead),
        new("peakInternalWasteBytes", "internal waste peak", "Bytes inside what was in use that nobody had asked for, lost to rounding, where the most was in use.",
            policy => Units.Bytes(policy.PeakInternalWasteBytes), policy => policy.PeakInternalWasteBytes),
        new("finalInternalWasteBytes", "internal waste end", "The same after the last event.",
            policy => Units.Bytes(policy.FinalInternalWasteBytes), policy => policy.FinalInternalWasteBytes),
        new("worstFragmentation", "fragmentation worst", "Holes ÷ (holes + live bytes), the worst of all samples; holes are free bytes outside the largest free segment; for the buddy allocator, below the highest live block; for a client, what it holds and does not use.",
            policy => Units.Percent(policy.WorstFragmentation), policy => policy.WorstFragmentation),
        new("peakFragmentation", "fragmentation peak", "The same where the most was in use.",
            policy => Units.Percent(policy.PeakFragmentation), policy => policy.PeakFragmentation),
        new("finalFragmentation", "fragmentation end", "The same after the last event.",
            policy => Units.Percent(policy.FinalFragmentation), policy => policy.FinalFragmentation),
        new("failures", "failures", "Allocations for which there was no room.", policy => Units.Count(policy.Failures), policy => policy.Failures),
        new("medianNanoseconds", "time median", "Of one allocation or free, sampled, the clock's own cost taken off.",
            policy => Units.Nanoseconds(policy.MedianNanoseconds), policy => policy.MedianNanoseconds),
        new("percentile999Nanoseconds", "time 99.9 %", "All but one operation in a thousand take no longer.",
            policy => Units.Nanoseconds(policy.Percentile999Nanoseconds), policy => policy.Percentile999Nanoseconds),
        new("eventsPerSecond", "events per second", "Reading the recording included, as if this were the only one.",
            policy => Units.PerSecond(policy.EventsPerSecond), policy => -policy.EventsPerSecond),
        new("bookkeepingBytes", "bookkeeping", "Bytes of the allocator's own tables; for a client, those of the whole context.",
            policy => Units.Bytes(policy.BookkeepingBytes), policy => policy.BookkeepingBytes),
    ];

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
