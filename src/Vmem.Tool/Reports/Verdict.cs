namespace Vmem.Tool.Reports;

/// <summary>The answer to "which allocator suits this program?" in plain words.</summary>
internal static class Verdict
{
    public static string Write(PolicyReport best, IReadOnlyList<PolicyReport> rivals, IReadOnlyList<PolicyReport> all)
    {
        string facts = $"{Need(best)} A median operation takes {Units.Nanoseconds(best.MedianNanoseconds)}.{Failures(best)}";
        return all.Count == 1
            ? $"{Name(best)} needs {facts}"
            : $"{Name(best)} suits this program best. It needs {facts}{Why(best, rivals, all)}";
    }

    private static string Need(PolicyReport policy)
    {
        string tables = policy.CostBytes > policy.RangeBytes ? $" and {Units.Bytes(policy.BookkeepingBytes)} of bookkeeping" : string.Empty;
        string more = policy.Overhead is double overhead
            ? $": {Units.Percent(Math.Abs(overhead))} {(overhead < 0 ? "less" : "more")} than the {Units.Amount(policy.PeakRequestedBytes, policy.CountsBytes)} that the program asked for at its peak"
            : string.Empty;
        return $"{Units.Amount(policy.RangeBytes, policy.CountsBytes)}{(policy.IsMemory ? " of memory" : policy.CountsBytes ? " of addresses" : " addresses")}{tables}{more}.";
    }

    private static string Failures(PolicyReport policy) => policy.Failures switch
    {
        0 => string.Empty,
        1 => " But one allocation fails.",
        _ => $" But {Units.Count(policy.Failures)} allocations fail.",
    };

    private static string Why(PolicyReport best, IReadOnlyList<PolicyReport> rivals, IReadOnlyList<PolicyReport> all)
    {
        List<PolicyReport> more = [.. all.Where(policy => policy.Failures > best.Failures)];
        List<PolicyReport> others = [.. all.Where(policy => policy.Failures == best.Failures && !rivals.Contains(policy))];
        List<PolicyReport> alike = [.. rivals.Where(policy => policy != best)];
        string why = string.Empty;
        if (alike.Count > 0)
        {
            string same = best.IsMemory ? "the same as far as can be measured" : "the same within 1 %";
            why += $" {Capital(Join(alike))} {(alike.Count == 1 ? $"needs {same}, and is" : $"need {same}, and are")} not faster.";
        }

        if (others.Count > 0)
        {
            PolicyReport next = others.MinBy(policy => policy.CostBytes)!;
            string much = Units.Percent(((double)next.CostBytes / Math.Max(1, best.CostBytes)) - 1);
            string rest = all.All(policy => policy.IsArena) ? "The other policies" : "The others";
            why += others.Count == 1
                ? $" {Name(next)} needs {much} more."
                : $" {rest} need at least {much} more ({next.Title} is the closest).";
        }

        return more.Count == 0 ? why : $"{why} {Capital(Join(more))} {(more.Count == 1 ? "fails" : "fail")} more often.";
    }

    private static string Name(PolicyReport policy) => Capital(policy.Title);

    // "best, first and last fit": what they share is said once.
    private static string Join(IReadOnlyList<PolicyReport> policies)
    {
        List<string> names = [.. policies.Where(policy => policy.IsArena).Select(policy => policy.Policy)];
        if (names.Count > 0)
        {
            names[^1] += " fit";
        }

        names.AddRange(policies.Where(policy => !policy.IsArena).Select(policy => policy.Title));
        return names.Count == 1 ? names[0] : $"{string.Join(", ", names[..^1])} and {names[^1]}";
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
