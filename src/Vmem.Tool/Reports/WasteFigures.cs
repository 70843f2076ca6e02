namespace Vmem.Tool.Reports;

/// <summary>
/// What rounding costs by size, as text: the terminal's and the page's are the same. This is what can be tuned: a size that lies badly in
/// an allocator's classes, or a quantum that is too large for it.
/// </summary>
/// <param name="Summary">Where most is lost, in a sentence.</param>
/// <param name="Heads">Of the cells.</param>
/// <param name="Rows">From the sizes of which most is lost.</param>
internal sealed record WasteFigures(string Summary, IReadOnlyList<string> Heads, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Null where nothing is lost.</summary>
    public static WasteFigures? Of(TraceReport trace)
    {
        List<PolicyReport> columns = [.. Columns(trace)];
        List<SizeRow> rows =
        [
            .. columns.SelectMany(policy => policy.Waste, (policy, waste) => (policy, waste))
                .GroupBy(entry => entry.waste.LeastBytes)
                .Select(group => new SizeRow(group.First().waste, columns, [.. group]))
                .Where(row => row.Most > 0)
                .OrderByDescending(row => row.Most)
                .ThenBy(row => row.Class.LeastBytes),
        ];
        if (rows.Count == 0)
        {
            return null;
        }

        bool isBytes = trace.CountsBytes;
        return new WasteFigures(
            Summarise(rows[0], columns, isBytes),
            [isBytes ? "sizes" : "lengths", isBytes ? "blocks" : "ranges", "asked for", .. columns.Select(Name)],
            [.. rows.Select(row => row.Cells(isBytes))]);
    }

    /// <summary>"4 KiB – 5 KiB".</summary>
    public static string Sizes(ulong least, ulong most, bool isBytes) =>
        least == most ? Units.Size(most, isBytes) : $"{Units.Size(least, isBytes)} – {Units.Size(most, isBytes)}";

    // Arenas round alike, whatever their policy.
    private static IEnumerable<PolicyReport> Columns(TraceReport trace)
    {
        PolicyReport? arena = trace.BestFirst().FirstOrDefault(policy => policy.IsArena);
        return trace.BestFirst().Where(policy => !policy.IsArena || policy == arena);
    }

    private static string Name(PolicyReport policy) => policy.IsArena ? policy.Allocator : policy.Policy;

    private static string Summarise(SizeRow row, IReadOnlyList<PolicyReport> columns, bool isBytes)
    {
        PolicyReport policy = columns.MaxBy(row.WasteOf)!;
        string whose = policy.IsArena ? "An arena" : char.ToUpperInvariant(policy.Title[0]) + policy.Title[1..];
        ulong all = Math.Max(1, policy.Waste.Aggregate(0UL, (sum, waste) => sum + waste.WasteBytes));
        return $"{whose} loses most: {Units.Amount(row.WasteOf(policy), isBytes)} with {Sizes(row.Class.LeastBytes, row.Class.MostBytes, isBytes)}, "
            + $"{Units.Percent((double)row.WasteOf(policy) / all)} of all that it loses to rounding.";
    }

    /// <summary>A class of sizes in all columns.</summary>
    private sealed class SizeRow(
        SizeWasteReport @class, IReadOnlyList<PolicyReport> columns, (PolicyReport Policy, SizeWasteReport Waste)[] entries)
    {
        public SizeWasteReport Class => @class;

        public ulong Most => entries.Max(entry => entry.Waste.WasteBytes);

        public ulong WasteOf(PolicyReport policy) => entries.FirstOrDefault(entry => entry.Policy == policy).Waste?.WasteBytes ?? 0;

        public IReadOnlyList<string> Cells(bool isBytes) =>
        [
            Sizes(@class.LeastBytes, @class.MostBytes, isBytes),
            Units.Count(@class.Blocks),
            Units.Amount(@class.RequestedBytes, isBytes),
            .. columns.Select(policy => Units.Amount(WasteOf(policy), isBytes)),
        ];
    }
}
