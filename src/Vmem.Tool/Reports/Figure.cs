namespace Vmem.Tool.Reports;

/// <summary>One row of the tables: the terminal's and the page's are the same.</summary>
/// <param name="Key">The JSON's name for it.</param>
/// <param name="Label">What people call it.</param>
/// <param name="Meaning">One sentence, shown where there is room.</param>
/// <param name="Show">The figure as text.</param>
/// <param name="Rank">What the least of is best; null where more or less is neither.</param>
/// <remarks>
/// There are two tables for each question. <see cref="Answer"/> answers it: what does the program need, and at what price? The overhead
/// is the row that can be compared across the questions. <see cref="Details"/> has the rest. Fragmentation is there, with a sentence: a
/// high figure at the end of a recording says nothing about the price, and beside the price it frightens.
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

    private static readonly Figure s_requested = new(
        "peakRequestedBytes", "asked for at the peak", "The most bytes that the program had asked for and not yet freed, before any rounding.",
        policy => Units.Amount(policy.PeakRequestedBytes, policy.CountsBytes), null);

    private static readonly Figure s_rounded = new(
        "peakLiveBytes", "rounded up", "The most bytes in use, each request rounded up as the allocator does it: by an arena to the quantum.",
        policy => Units.Amount(policy.PeakLiveBytes, policy.CountsBytes), policy => policy.PeakLiveBytes);

    private static readonly Figure s_overhead = new(
        "overhead", "overhead at the peak", "How much more it takes than what the program asked for at its peak: memory, or range and bookkeeping. Of a recorded arena the range alone: its values need not be bytes.",
        policy => policy.Overhead is double overhead ? Units.Percent(overhead) : Unknown,
        policy => policy.Overhead ?? double.PositiveInfinity);

    private static readonly Figure s_median = new(
        "medianNanoseconds", "time median", "Of one allocation or free, sampled, the clock's own cost taken off.",
        policy => Units.Nanoseconds(policy.MedianNanoseconds), policy => policy.MedianNanoseconds);

    private static readonly Figure[] s_memoryAnswer =
    [
        s_requested,
        s_rounded,
        new("rangeBytes", "memory taken", "The most by which a process of its own grew that did nothing but replay the recording. The allocator's tables and all that it kept are in it. Where that was not measured: the most that was in use, or held.",
            policy => Units.Bytes(policy.RangeBytes), policy => policy.RangeBytes),
        s_overhead,
        s_median,
    ];

    private static readonly Figure[] s_addressAnswer =
    [
        s_requested,
        new("rangeBytes", "range needed", "From the first to the highest address ever used: the span that the arena needs. For a client, the most that it ever held.",
            policy => Units.Amount(policy.RangeBytes, policy.CountsBytes), policy => policy.RangeBytes),
        new("bookkeepingBytes", "bookkeeping", "Bytes of the allocator's own tables. For a client, those of the whole context.",
            policy => Units.Bytes(policy.BookkeepingBytes), policy => policy.BookkeepingBytes),
        s_overhead,
        s_median,
    ];

    private static readonly Figure s_slowest = new(
        "percentile999Nanoseconds", "time 99.9 %", "All but one operation in a thousand take no longer.",
        policy => Units.Nanoseconds(policy.Percentile999Nanoseconds), policy => policy.Percentile999Nanoseconds);

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
            policy => policy.PeakFragmentation) with
        {
            Rank = policy => policy.KnowsHoles ? policy.PeakFragmentation : double.PositiveInfinity,
        },
        Fragmentation("finalFragmentation", "fragmentation at the end", "The same after the last event.", policy => policy.FinalFragmentation),
        Fragmentation("worstFragmentation", "fragmentation at worst", "The same, the worst of all samples; often where little was in use.", policy => policy.WorstFragmentation),
    ];

    private static readonly Figure s_mean = new(
        "meanNanoseconds", "time mean", "Processor time of an operation in the process that was measured, each block's first touch included.",
        policy => policy.MeanNanoseconds is double mean ? Units.Nanoseconds((long)Math.Round(mean)) : Unknown,
        policy => policy.MeanNanoseconds ?? double.PositiveInfinity);

    /// <summary>The answer, in five rows. Failures are one more if there are any, or could be.</summary>
    /// <param name="policies">The columns: all of real memory, or all of addresses.</param>
    /// <param name="isLimited">Whether the user set a limit.</param>
    public static IReadOnlyList<Figure> Answer(IReadOnlyList<PolicyReport> policies, bool isLimited)
    {
        Figure[] answer = IsMemory(policies) ? s_memoryAnswer : s_addressAnswer;
        return isLimited || policies.Any(policy => policy.Failures > 0) ? [.. answer, s_failures] : answer;
    }

    /// <summary>All else that there is to say of these.</summary>
    public static IReadOnlyList<Figure> Details(IReadOnlyList<PolicyReport> policies) =>
        IsMemory(policies) ? [s_slowest, s_mean, .. s_details] : [s_rounded, s_slowest, .. s_details];

    private static bool IsMemory(IReadOnlyList<PolicyReport> policies) => policies.Count > 0 && policies[0].IsMemory;

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

    // No rank: the least of what says nothing is not the best.
    private static Figure Fragmentation(string key, string label, string meaning, Func<PolicyReport, double> part) =>
        new(key, label, meaning, policy => policy.KnowsHoles ? Units.Percent(part(policy)) : Unknown, null);
}
