using System.Text;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>How far a replay goes.</summary>
public class TraceReplayTests
{
    private const int Events = 100_000;

    [Fact]
    public void It_stops_soon_after_it_is_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var text = new Cancelling(Encoding.ASCII.GetBytes(Samples.Generate(Events, 100, seed: 1)), cancellation);
        using var replay = new TraceReplay(
            TraceInput.Open(TraceInput.StandardInput, () => text), [new ArenaTarget(FitPolicy.FirstFit, 16, null, 0)]);
        Assert.Throws<OperationCanceledException>(() => replay.Advance(Events, cancellation.Token));
        Assert.InRange(replay.Sites.PeakEvents, 1, Events * 3 / 4);
        Assert.InRange(text.Position, text.Length / 2, text.Length * 3 / 4);
    }

    /// <summary>Cancels when half of it was read, and gives little at a time.</summary>
    private sealed class Cancelling(byte[] contents, CancellationTokenSource cancellation) : MemoryStream(contents)
    {
        public override int Read(Span<byte> buffer)
        {
            if (Position >= Length / 2)
            {
                cancellation.Cancel();
            }

            return base.Read(buffer[..Math.Min(buffer.Length, 4096)]);
        }
    }
}
