using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>How the studies of a steady state write it down.</summary>
internal static class SteadyStateRows
{
    public static IReadOnlyList<string> Columns { get; } = ["allocator", "allocate", "free", "pair", "mix", "failures"];

    public static IReadOnlyList<string> Row(string subject, SteadyStateTimes times) =>
    [
        subject,
        Cells.Nanoseconds(times.Allocate),
        Cells.Nanoseconds(times.Free),
        Cells.Nanoseconds(times.Pair),
        Cells.Nanoseconds(times.Mix),
        Cells.Count(times.Failures),
    ];

    public static void Record(StudyReport report, string subject, long segments, SteadyStateTimes times, string prefix = "")
    {
        report.Record(subject, segments, prefix + "allocate", times.Allocate, "ns");
        report.Record(subject, segments, prefix + "free", times.Free, "ns");
        report.Record(subject, segments, prefix + "mix", times.Mix, "ns");
        report.Record(subject, segments, prefix + "failures", times.Failures, "allocations");
    }

    public static string Describe(string subject, long segments, SteadyStateTimes times)
        => $"{subject} N={Cells.Power(segments)}: {Cells.Nanoseconds(times.Allocate)} + {Cells.Nanoseconds(times.Free)} ns, mix {Cells.Nanoseconds(times.Mix)} ns, {Cells.Count(times.Failures)} failures";
}
