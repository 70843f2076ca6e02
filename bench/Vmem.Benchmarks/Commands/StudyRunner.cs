using System.Diagnostics;
using Spectre.Console;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Studies;

namespace Vmem.Benchmarks.Commands;

/// <summary>Runs studies one after the other: look at the machine, measure, show, save. Tables go to standard output, progress to standard
/// error.</summary>
internal static class StudyRunner
{
    private const int ConsoleWidth = 160;
    private const int Failed = 1;

    public static int Run(IReadOnlyList<IStudy> studies, StudySettings settings, string? path, string? page = null)
    {
        IAnsiConsole console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = ConsoleWidth;
        }
        WarnOfDebugBuild(console);
        var reports = new List<StudyReport>();
        int code = 0;
        foreach (IStudy study in studies)
        {
            Machine before = Machine.Observe();
            long begin = Stopwatch.GetTimestamp();
            StudyReport report;
            try
            {
                report = study.Run(new StudyContext(settings, line => Console.Error.WriteLine($"  {line}")));
            }
            catch (Exception broken) when (broken is not OutOfMemoryException)
            {
                // An allocator that breaks under one study has not broken the others: say so, go on, and fail at the end.
                Console.Error.WriteLine($"{study.Name} failed: {broken}");
                code = Failed;
                continue;
            }
            report.Machine = Machine.Describe(before, Machine.Observe());
            reports.Add(report);
            ConsoleReport.Write(console, report);
            console.MarkupLineInterpolated($"[grey]{study.Name} took {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s.[/]");
            if (path is not null)
            {
                ReportFiles.Write(path, reports);
            }
            if (page is not null)
            {
                PageSection.Replace(page, report);
            }
        }
        return code;
    }

    [Conditional("DEBUG")]
    private static void WarnOfDebugBuild(IAnsiConsole console) => console.MarkupLine("[red]This is a Debug build: its times mean nothing.[/]");
}
