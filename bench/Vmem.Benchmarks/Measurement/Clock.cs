using System.Diagnostics;

namespace Vmem.Benchmarks.Measurement;

/// <summary>Stopwatch ticks as nanoseconds.</summary>
internal static class Clock
{
    private static readonly double s_nanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    public static double Nanoseconds(long ticks) => ticks * s_nanosecondsPerTick;

    public static double NanosecondsSince(long timestamp) => Nanoseconds(Stopwatch.GetTimestamp() - timestamp);
}
