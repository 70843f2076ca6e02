using System.Globalization;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B6: what does the allocator itself need per live segment? Asked twice: of the allocator (its tables, in whole blocks), and of the
/// operating system (the growth of the resident set, which no table can hide from). Each subject is measured in a process of its own,
/// because a process's memory remembers who was there before.
/// </summary>
internal sealed class BookkeepingStudy : IStudy
{
    private const int Segments = 1_000_000;
    private const double BarBytes = 40;

    public string Name => "bookkeeping";

    public string Description => "B6: bytes of tables per live segment, after filling and after churn.";

    public StudyReport Run(StudyContext context)
    {
        int segments = Math.Min(Segments, context.Settings.MaxSegments);
        var report = new StudyReport(
            Name,
            "Bookkeeping (B6)",
            "Bytes per live segment, sizes U64, capacity 65·N, after filling and after N replacements: the allocator's own figure, and the growth of the process's resident set with the ticket array touched beforehand. One process a line.");
        var rows = new List<IReadOnlyList<string>>();
        IEnumerable<Subject> arenas = context.Settings.Policies
            .SelectMany(policy => context.Settings.By.Select(by => new Subject(policy, by)));
        foreach (Subject subject in arenas.Concat(context.Settings.Baseline(segments)))
        {
            BookkeepingBytes bytes = Probe(subject.Key, segments);
            rows.Add([
                subject.Key, Cells.Fixed(bytes.TablesFilled, 1), Cells.Fixed(bytes.TablesChurned, 1),
                Cells.Fixed(bytes.ResidentFilled, 1), Cells.Fixed(bytes.ResidentChurned, 1)]);
            context.Progress($"{subject.Key}: tables {Cells.Fixed(bytes.TablesChurned, 1)}, resident {Cells.Fixed(bytes.ResidentChurned, 1)} bytes");
            report.Record(subject.Key, segments, "tables, filled", bytes.TablesFilled, "bytes");
            report.Record(subject.Key, segments, "tables, churned", bytes.TablesChurned, "bytes");
            report.Record(subject.Key, segments, "resident, filled", bytes.ResidentFilled, "bytes");
            report.Record(subject.Key, segments, "resident, churned", bytes.ResidentChurned, "bytes");
            if (segments == Segments && !subject.IsBaseline)
            {
                report.Add(new Bar($"{subject.Key} after churn", "40 bytes", BarBytes, bytes.TablesChurned, "bytes"));
            }
        }
        report.Add(new ReportTable(
            $"N = {Cells.Power(segments)}, bytes per live segment", ["allocator", "tables, filled", "tables, churned", "resident, filled", "resident, churned"], rows));
        return report;
    }

    /// <summary>One measurement, in a process of its own.</summary>
    internal static BookkeepingBytes Probe(string subject, int segments)
        => BookkeepingBytes.Parse(ChildProcess.Run("probe", subject, segments.ToString(CultureInfo.InvariantCulture)));
}
