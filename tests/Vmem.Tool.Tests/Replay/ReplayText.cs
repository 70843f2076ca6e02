using System.Text;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Replays a recording given as text.</summary>
internal static class ReplayText
{
    public static TraceReport Report(string text, params IReplayTarget[] targets)
    {
        using TraceReplay replay = Open(text, targets);
        replay.Run(TestContext.Current.CancellationToken);
        return ReportBuilder.Build(replay);
    }

    public static TraceReplay Open(string text, params IReplayTarget[] targets) =>
        new(TraceInput.Open(TraceInput.StandardInput, () => new MemoryStream(Encoding.ASCII.GetBytes(text))), targets);
}
