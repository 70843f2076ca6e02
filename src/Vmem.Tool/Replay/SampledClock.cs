using System.Diagnostics;

namespace Vmem.Tool.Replay;

/// <summary>
/// Times about one operation in 16, each alone, less what reading the clock costs by itself. Timing every operation would cost more than
/// the operations; timing batches has no 99.9th percentile. The gap between samples is drawn from 9…24: a fixed one would fall in step
/// with a program that allocates and frees in turn, and see only half of what it does.
/// </summary>
internal sealed class SampledClock
{
    // Arbitrary, enough for a steady median.
    private const int CalibrationRounds = 1001;

    private static readonly long s_ownNanoseconds = MeasureOwnCost();

    // Any odd seed would do; a fixed one makes two runs sample the same operations.
    private uint _random = 0x2545F491;
    private int _untilNext = 1;

    public LatencyHistogram Latency { get; } = new();

    /// <summary>Whether the coming operation is to be timed.</summary>
    public bool IsDue()
    {
        if (--_untilNext > 0)
        {
            return false;
        }

        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _untilNext = 9 + (int)(_random & 15);
        return true;
    }

    public void Add(long startTimestamp, long endTimestamp) =>
        Latency.Add(ToNanoseconds(endTimestamp - startTimestamp) - s_ownNanoseconds);

    private static long ToNanoseconds(long ticks) => (long)(ticks * (1_000_000_000.0 / Stopwatch.Frequency));

    private static long MeasureOwnCost()
    {
        var empty = new LatencyHistogram();
        for (int round = 0; round < CalibrationRounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            empty.Add(ToNanoseconds(Stopwatch.GetTimestamp() - start));
        }

        return empty.Percentile(0.5);
    }
}
