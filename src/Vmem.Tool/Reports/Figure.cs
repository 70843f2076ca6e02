namespace Vmem.Tool.Reports;

/// <summary>One row of the tables: the terminal's and the page's are the same.</summary>
/// <param name="Key">The JSON's name for it.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Meaning">One sentence, shown where there is room.</param>
/// <param name="Show">The figure as text.</param>
/// <param name="Rank">What the least of is best; null where more or less is neither.</param>
/// <remarks>
/// There are two tables. <see cref="Answer"/> answers the question that the tool was asked: what does the program need, and at what price?
/// <see cref="Details"/> has the rest. Fragmentation is there, with a sentence: a high figure at the end of a recording says nothing about
/// the price, and beside the price it frightens.
/// </remarks>
internal sealed record Figure(string Key, string Label, string Meaning, Func<PolicyReport, string> Show, Func<PolicyReport, double>? Rank)
{
    /// <summary>What fragmentation means, and when it matters.</summary>
    public const string AboutFragmentation =
        "Fragmentation is the part of the range in use that lies in holes. It costs addresses only at the peak. "
        + "When most memory was freed, a high value only says that the free space is in several pieces.";

    private const string Unknown = "–";

    private static readonly Figure s_failures = new(
        "failures", "failures", "Allocations for which there was no room.", policy => Units.Count(policy.Failures), policy => policy.Failures);

    private static readonly Figure[] s_answer =
    [
        new("peakRequestedBytes", "asked for at the peak", "The most bytes that the program had asked for and not yet freed.",
            policy => Units.Amount(policy.PeakRequestedBytes, policy.CountsBytes), null),
        new("peakLiveBytes", "rounded up", "The most bytes in use, each request rounded up as the allocator does it: by an arena to the quantum.",
            policy => Units.Amount(policy.PeakLiveBytes, policy.CountsBytes), policy => policy.PeakLiveBytes),
        new("rangeBytes", "range needed", "From the first to the highest address ever used: the span that the arena needs. For a client, the most that it ever held. For a heap or a malloc, the most that was resident.",
            policy => Units.Amount(policy.RangeBytes, policy.CountsBytes), policy => policy.RangeBytes),
        new("bookkeepingBytes", "bookkeeping", "Bytes of the allocator's own tables. For a client, those of the whole context. For a heap or a malloc, they are in what was resident.",
            policy => policy.IsMemory
                ? Unknown
                : Units.Bytes(policy.BookkeepingBytes), policy => policy.IsMemory ? double.PositiveInfinity : policy.BookkeepingBytes),
        new("overhead", "overhead", "How much more the range and the bookkeeping are than what the program asked for. Of a recorded arena the range alone: its values need not be bytes.",
            policy => policy.Overhead is double overhead ? Units.Percent(overhead) : Unknown, policy => policy.Overhead
                ?? double.PositiveInfinity),
        new("medianNanoseconds", "time median", "Of one allocation or free, sampled, the clock's own cost taken off.",
            policy => Units.Nanoseconds(policy.MedianNanoseconds), policy => policy.MedianNanoseconds),
        new("percentile999Nanoseconds", "time 99.9 %", "All but one operation in a thousand take no longer.",
            policy => Units.Nanoseconds(policy.Percentile999Nanoseconds), policy => policy.Percentile999Nanoseconds),
    ];

    private static readonly Figure[] s_details =
    [
        new("events", "events", "Allocations and frees replayed.", policy => Units.Count(policy.Events), null),
        new("eventsPerSecond", "events per second", "Reading the recording included, as if this were the only one.",
            policy => Units.PerSecond(policy.EventsPerSecond), policy => -policy.EventsPerSecond),
        new("rangeOverhead", "range over rounded up", "How much larger the range is than the peak of the rounded bytes: what holes cost.",
            policy => Units.Percent(policy.RangeOverhead), policy => policy.RangeOverhead),
        new("peakInternalWasteBytes", "rounding at the peak", "Bytes lost to rounding inside what was in use, where the most was in use.",
            policy => Units.Amount(policy.PeakInternalWasteBytes, policy.CountsBytes), policy => policy.PeakInternalWasteBytes),
        new("finalInternalWasteBytes", "rounding at the end", "The same after the last event.",
            policy => Units.Amount(policy.FinalInternalWasteBytes, policy.CountsBytes), policy => policy.FinalInternalWasteBytes),
        Fragmentation("peakFragmentation", "fragmentation at the peak", "Holes ÷ (holes + bytes in use), where the most was in use. Holes are free bytes outside the largest free segment. For the buddy allocator they are those below the highest block in use. For a client or a heap they are what it holds and does not use.",
            policy => policy.PeakFragmentation),
        Fragmentation("finalFragmentation", "fragmentation at the end", "The same after the last event.", policy => policy.FinalFragmentation),
        Fragmentation("worstFragmentation", "fragmentation at worst", "The same, the worst of all samples; often where little was in use.", policy => policy.WorstFragmentation),
    ];

    private static readonly Figure[] s_memory =
    [
        new("peakResidentBytes", "peak resident", "The most by which a process of its own grew that did nothing but replay the recording. The allocator's tables and all that it kept are in it.",
            policy => policy.PeakResidentBytes is ulong bytes ? Units.Bytes(bytes) : Unknown, policy => policy.PeakResidentBytes
                ?? double.PositiveInfinity),
        new("meanNanoseconds", "time mean", "Processor time of an operation in that process, each block's first touch included.",
            policy => policy.MeanNanoseconds is double mean
                ? Units.Nanoseconds((long)Math.Round(mean))
                : Unknown, policy => policy.MeanNanoseconds ?? double.PositiveInfinity),
    ];

    /// <summary>The answer. Failures are in it if there are any, or could be.</summary>
    /// <param name="policies">The columns.</param>
    /// <param name="isLimited">Whether the user set a limit.</param>
    public static IReadOnlyList<Figure> Answer(IReadOnlyList<PolicyReport> policies, bool isLimited) =>
        isLimited || policies.Any(policy => policy.Failures > 0) ? [.. s_answer, s_failures] : s_answer;

    /// <summary>All else that there is to say of these.</summary>
    public static IReadOnlyList<Figure> Details(IReadOnlyList<PolicyReport> policies) =>
        policies.Any(policy => policy.IsMemory) ? [.. s_details, .. s_memory] : s_details;

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

    private static Figure Fragmentation(string key, string label, string meaning, Func<PolicyReport, double> part) => new(
        key, label, meaning, policy => policy.KnowsHoles
            ? Units.Percent(part(policy))
            : Unknown, policy => policy.KnowsHoles ? part(policy) : double.PositiveInfinity);
}
