using Vmem.Tool.Traces;

namespace Vmem.Tool.Reports;

/// <summary>A table of sites as text: the terminal's and the page's are the same.</summary>
/// <param name="Title">What it tells.</param>
/// <param name="Heads">Of the cells, and of the stack.</param>
/// <param name="Rows">From the most bytes down.</param>
internal sealed record SiteFigures(string Title, IReadOnlyList<string> Heads, IReadOnlyList<SiteRow> Rows)
{
    public const string UnknownStack = "(unknown)";

    /// <summary>What a pin is.</summary>
    public const string AboutPins =
        "A gap between two objects stays a hole because of the object above it: without that object the gap and what lies beyond it would be one. "
        + "So each hole is charged to the place that allocated the object above it.";

    /// <summary>Null where the recording does not say.</summary>
    public static SiteFigures? Holders(TraceReport trace) => trace.Holders is { Count: > 0 } holders
        ? new SiteFigures(
            $"Who holds the most at the peak{At(trace.Times.At(trace.PeakEvents)?.TotalSeconds, trace.PeakEvents)}",
            [trace.CountsBytes ? "bytes" : "values", "of all", trace.CountsBytes ? "blocks" : "ranges", "allocated by"],
            Of(holders, trace.PeakRequestedBytes, trace.CountsBytes))
        : null;

    /// <summary>Null where the recording does not say, or there are no holes.</summary>
    public static SiteFigures? Pins(TraceReport trace)
    {
        PolicyReport? policy = trace.BestFirst().FirstOrDefault(policy => policy.Holes is { Count: > 0 });
        return policy?.Holes is HolesReport holes
            ? new SiteFigures(
                $"Who causes the holes with {policy.Title}{At(holes.Seconds, holes.Events)}: {Units.Amount(holes.Bytes, trace.CountsBytes)} in {Units.Count(holes.Count)} hole{(holes.Count == 1 ? "" : "s")}",
                [trace.CountsBytes ? "bytes" : "values", "of all", "holes", "below what was allocated by"],
                Of(holes.Pins, holes.Bytes, trace.CountsBytes))
            : null;
    }

    private static string At(double? seconds, long events) =>
        seconds is double time ? $", after {Units.Seconds(time)}" : $", after {Units.Count(events)} events";

    private static List<SiteRow> Of(IReadOnlyList<SiteGroup> groups, ulong all, bool isBytes) =>
        [.. groups.Select(group => new SiteRow(
            [Units.Amount(group.Bytes, isBytes), Units.Percent((double)group.Bytes / Math.Max(1, all)), Units.Count(group.Count)],
            group.Stack))];
}

internal sealed record SiteRow(IReadOnlyList<string> Cells, IReadOnlyList<string> Stack);
