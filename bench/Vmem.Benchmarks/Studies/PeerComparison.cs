using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Studies;

/// <summary>What one of our subjects promises against a peer in the same run.</summary>
/// <param name="Ours">The subject.</param>
/// <param name="Limit">The ratio.</param>
/// <param name="Against">The peer's name; the best of all where it is null, or not there.</param>
internal sealed record PeerBar(Subject Ours, double Limit, string? Against = null);

/// <summary>A figure of one subject in one turn, and how many requests found no room meanwhile.</summary>
internal readonly record struct PeerFigure(double Value, double Failures = 0);

/// <summary>Ours and peers on one workload in alternation; a table, and the bars as ratios of medians of the same turns.</summary>
internal sealed class PeerComparison(StudyContext context, StudyReport report)
{
    private const int DefaultRuns = 3;

    private readonly int _runs = context.Settings.Runs ?? DefaultRuns;

    /// <summary>Returns the median of each subject.</summary>
    /// <param name="what">The row of the bars.</param>
    /// <param name="unit">Of the figures.</param>
    /// <param name="subjects">Ours before peers.</param>
    /// <param name="turn">One turn, that warms up by itself.</param>
    /// <param name="more">Whether more is better.</param>
    /// <param name="bars">What is promised.</param>
    public double[] Measure(
        string what, string unit, IReadOnlyList<ISubject> subjects, Func<ISubject, PeerFigure> turn, bool more, params PeerBar[] bars)
    {
        PeerFigure[][] turns = Rounds.InTurns(subjects, _runs, turn, _ => { });
        double[] medians = Rounds.Medians(turns, figure => figure.Value);
        double best = Best(subjects, medians, more, null);
        var rows = new List<IReadOnlyList<string>>();
        for (int i = 0; i < subjects.Count; i++)
        {
            double failures = Rounds.Median(turns[i], figure => figure.Failures);
            rows.Add([
                subjects[i].Key, Cells.Fixed(medians[i], 2), Cells.Fixed(turns[i].Min(one => one.Value), 2),
                Cells.Fixed(turns[i].Max(one => one.Value), 2), Cells.Fixed(medians[i] / best, 2), Cells.Count((long)failures)]);
            report.Record(subjects[i].Key, 0, what, medians[i], unit);
            report.Record(subjects[i].Key, 0, what + ", failures", failures, "requests");
            context.Progress($"{what}, {subjects[i].Key}: {Cells.Fixed(medians[i], 2)} {unit}");
        }

        report.Add(new ReportTable(
            $"{what}, {unit}, {_runs} turns", ["allocator", "median", "least", "most", "× best peer", "failures"], rows));
        foreach (PeerBar bar in bars)
        {
            int ours = subjects.ToList().IndexOf(bar.Ours);
            double rival = Best(subjects, medians, more, bar.Against);
            string against = double.IsNaN(rival) ? "no peer" : subjects[Array.LastIndexOf(medians, rival)].Key;
            report.Add(new Bar(
                $"{what}: {bar.Ours.Key} against {against}", FormattableString.Invariant($"{bar.Limit}×"), bar.Limit, medians[ours] / rival, "×", more));
        }

        return medians;
    }

    /// <summary>A bar that compares with no peer.</summary>
    public void Promise(string what, string derivation, double limit, double measured, string unit, bool atLeast = false)
        => report.Add(new Bar(what, derivation, limit, measured, unit, atLeast));

    // The best peer of that name, or of all.
    private static double Best(IReadOnlyList<ISubject> subjects, double[] medians, bool more, string? name)
    {
        (ISubject Subject, double Median)[] peers = [.. subjects.Zip(medians).Where(pair => pair.First is PeerSubject)];
        double[] rivals = [.. peers
            .Where(pair => name is null || pair.Subject.Key.StartsWith(name, StringComparison.Ordinal))
            .Select(pair => pair.Median)];
        rivals = rivals.Length > 0 ? rivals : [.. peers.Select(pair => pair.Median)];
        return rivals.Length == 0 ? double.NaN : more ? rivals.Max() : rivals.Min();
    }
}
