using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Recordings of different lengths get on in proportion, and end together.</summary>
public sealed class InterleavingTests
{
    [Theory]
    [InlineData(10_000, 2_500, 40)]
    [InlineData(3, 70_000, 511)]
    [InlineData(1, 1, 1)]
    public void At_each_moment_each_is_as_far_as_the_others(params int[] lengths)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        var log = new List<int>();
        string[] texts = [.. lengths.Select(length => string.Concat(Enumerable.Range(0, length).Select(id => $"a {id} 1\n")))];
        List<TraceReplay> replays = [.. texts.Select((text, index) => ReplayText.Open(text, new LoggingTarget(log, index)))];
        List<long> events = [.. texts.Select(text => RecordingSize.Of(
            TraceInput.Open("-", () => new MemoryStream(System.Text.Encoding.ASCII.GetBytes(text))),
            cancellationToken).Events)];
        Assert.Equal(lengths.Select(length => (long)length), events);
        Interleaving.Run(replays, events, cancellationToken);

        // A turn is 256 events of the longest, up to 511 where its length is no multiple.
        double turn = Math.Min(1, 512.0 / lengths.Max());
        var done = new double[lengths.Length];
        foreach (int index in log)
        {
            done[index]++;
            double[] shares = [.. done.Select((count, other) => count / lengths[other])];
            Assert.InRange(
                shares.Max() - shares.Where((_, other) => lengths[other] > 1_000).DefaultIfEmpty(shares.Max()).Min(),
                0,
                turn + (1.0 / lengths.Min()));
        }

        Assert.Equal(lengths.Select(length => (double)length), done);
        replays.ForEach(replay => replay.Dispose());
    }

    [Fact]
    public void A_recording_that_grew_since_it_was_counted_is_replayed_to_its_end()
    {
        var log = new List<int>();
        using TraceReplay replay = ReplayText.Open("a 1 1\na 2 1\na 3 1\n", new LoggingTarget(log, 0));
        Interleaving.Run([replay], [2], TestContext.Current.CancellationToken);
        Assert.Equal(3, log.Count);
    }

    /// <summary>Notes whose turn it is.</summary>
    private sealed class LoggingTarget(List<int> log, int index) : IReplayTarget
    {
        private ulong _next;

        public string Name => "log";

        public AllocatorKind Allocator => AllocatorKind.Arena;

        public ulong RoundUp(ulong requested) => 16;

        public bool TryAllocate(ulong size, out ulong offset)
        {
            log.Add(index);
            offset = 16 * _next++;
            return true;
        }

        public void Free(ulong offset, ulong size) => log.Add(index);

        public TargetFigures GetFigures() => default;

        public void Dispose()
        {
        }
    }
}
