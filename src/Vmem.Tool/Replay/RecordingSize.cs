using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>How large a recording is, found out by reading it.</summary>
/// <param name="Events">Allocations and frees.</param>
/// <param name="PeakBytes">The most that its program had asked for at once.</param>
internal readonly record struct RecordingSize(long Events, ulong PeakBytes)
{
    /// <summary>Reads a recording to its end, and disposes of the input.</summary>
    /// <exception cref="MalformedTraceException">It is not well formed.</exception>
    public static RecordingSize Of(TraceInput input, CancellationToken cancellationToken)
    {
        using var replay = new TraceReplay(input, []);
        replay.Run(cancellationToken);
        return new RecordingSize(replay.Source.Allocations + replay.Source.Frees, replay.Sites.PeakBytes);
    }
}
