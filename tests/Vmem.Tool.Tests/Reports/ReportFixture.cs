using System.Text;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Tests.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Reports;

/// <summary>Reports made from the naive allocator: what the reports show does not depend on the arena.</summary>
internal static class ReportFixture
{
    public static ReplayReport Create(params string[] traces) => Create(ArenaTarget.UnlimitedSpan, traces);

    public static ReplayReport Create(ulong span, params string[] traces) => new()
    {
        Quantum = 16,
        Limit = span == ArenaTarget.UnlimitedSpan ? null : span,
        Traces = [.. traces.Select(trace => Replay(trace, span))],
    };

    public static string Page(ReplayReport report)
    {
        using var page = new MemoryStream();
        HtmlReport.Write(report, page);
        return Encoding.UTF8.GetString(page.ToArray());
    }

    private static TraceReport Replay(string trace, ulong span)
    {
        IReplayTarget[] targets =
        [
            new ModelTarget(FitPolicy.BestFit, 16, span),
            new ModelTarget(FitPolicy.FirstFit, 16, span),
            new ModelTarget(FitPolicy.LastFit, 16, span),
        ];
        using var replay = new TraceReplay(TraceInput.Open(trace, Console.OpenStandardInput), targets);
        replay.Run(TestContext.Current.CancellationToken);
        return ReportBuilder.Build(replay);
    }
}
