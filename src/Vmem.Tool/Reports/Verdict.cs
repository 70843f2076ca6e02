namespace Vmem.Tool.Reports;

/// <summary>The answer to "which allocator suits this program?" in plain words.</summary>
internal static class Verdict
{
    public static string Write(PolicyReport best, IReadOnlyList<PolicyReport> rivals, IReadOnlyList<PolicyReport> all)
    {
        string needs =
            $"{Units.Bytes(best.RangeBytes)} of {What([best])} for {Units.Bytes(best.PeakLiveBytes)} of live data at the peak ({Units.Percent(Math.Abs(best.RangeOverhead))} {(best.RangeOverhead < 0 ? "less" : "more")})";
        string time = $"{best.MedianNanoseconds} ns for a median operation";
        if (all.Count == 1)
        {
            return $"{Name(best)} needs {needs}, {time}{Failures(best)}.";
        }

        return $"{Name(best)} suits this program best: {needs}, {time}{Failures(best)}.{Why(best, rivals, all)}";
    }

    private static string Why(PolicyReport best, IReadOnlyList<PolicyReport> rivals, IReadOnlyList<PolicyReport> all)
    {
        List<PolicyReport> more = [.. all.Where(policy => policy.Failures > best.Failures)];
        List<PolicyReport> others = [.. all.Where(policy => policy.Failures == best.Failures && !rivals.Contains(policy))];
        string why = string.Empty;
        List<PolicyReport> alike = [.. rivals.Where(policy => policy != best)];
        if (alike.Count > 0)
        {
            why += alike.Count == 1
                ? $" {Capital(Join(alike))} needs the same {(all.Any(policy => policy.IsMemory) ? "memory" : "range")} within 1 %, and is not faster."
                : $" {Capital(Join(alike))} need the same {(all.Any(policy => policy.IsMemory) ? "memory" : "range")} within 1 %, and are not faster.";
        }

        if (others.Count > 0)
        {
            PolicyReport next = others.MinBy(policy => policy.RangeBytes)!;
            string much = Units.Percent(((double)next.RangeBytes / best.RangeBytes) - 1);
            string rest = all.All(policy => policy.IsArena) ? "The other policies" : "The others";
            why += others.Count == 1
                ? $" {Name(next)} needs {much} more {What(all)}."
                : $" {rest} need at least {much} more {What(all)} ({next.Title} is the closest).";
        }

        return more.Count == 0 ? why : $"{why} {Capital(Join(more))} {(more.Count == 1 ? "fails" : "fail")} more often.";
    }

    private static string What(IEnumerable<PolicyReport> policies) => policies.Any(policy => policy.IsMemory) ? "memory" : "addresses";

    private static string Failures(PolicyReport policy) => policy.Failures switch
    {
        0 => string.Empty,
        1 => ", but one allocation fails",
        _ => $", but {Units.Count(policy.Failures)} allocations fail",
    };

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
