namespace Vmem.Tool.Reports;

/// <summary>
/// Several recordings in one table: the terminal's and the page's are the same. What is told of each column is the overhead, the one
/// figure that can be compared across recordings and columns.
/// </summary>
internal sealed class Summary
{
    private const string Missing = "–";

    private readonly IReadOnlyList<TraceReport> _traces;
    private readonly List<string> _columns;

    public Summary(ReplayReport report)
    {
        _traces = report.Traces;
        _columns =
        [
            .. _traces.SelectMany(trace => trace.Policies)
                .OrderBy(policy => policy.IsMemory ? 0 : 1)
                .Select(policy => policy.Policy)
                .Distinct(),
        ];
    }

    public const string Title = "All recordings: how much more each takes at the peak than was asked for";

    public IReadOnlyList<string> Heads => ["recording", "asked for", .. _columns];

    /// <summary>A row for each recording, and the last for all that are of bytes together.</summary>
    public IEnumerable<IReadOnlyList<SummaryCell>> Rows()
    {
        foreach (TraceReport trace in _traces)
        {
            yield return
            [
                new(TraceNotes.ShortName(trace), false),
                new(Units.Amount(trace.PeakRequestedBytes, trace.CountsBytes), false),
                .. _columns.Select(column => CellOf(trace, trace.Policies.FirstOrDefault(policy => policy.Policy == column))),
            ];
        }

        List<TraceReport> all = [.. _traces.Where(trace => trace.CountsBytes)];
        if (all.Count > 1)
        {
            double requested = all.Sum(trace => (double)trace.PeakRequestedBytes);
            yield return
            [
                new("together", false),
                new(Units.Bytes(requested), false),
                .. _columns.Select(column => new SummaryCell(Together(all, column), false)),
            ];
        }
    }

    private static SummaryCell CellOf(TraceReport trace, PolicyReport? policy) =>
        new(policy?.Overhead is double overhead ? Units.Percent(overhead) : Missing, policy is not null && trace.IsBest(policy));

    // Of columns that all recordings have: sums of different recordings cannot be compared.
    private static string Together(List<TraceReport> traces, string column)
    {
        List<PolicyReport> policies = [.. traces.SelectMany(trace => trace.Policies.Where(policy => policy.Policy == column))];
        double requested = policies.Sum(policy => (double)policy.PeakRequestedBytes);
        double cost = policies.Sum(policy => (double)policy.CostBytes);
        return policies.Count < traces.Count || requested == 0 ? Missing : Units.Percent((cost / requested) - 1);
    }
}

/// <summary>A cell of the summary, and whether its column suits its recording best.</summary>
internal readonly record struct SummaryCell(string Text, bool IsBest);
