using System.Diagnostics;
using System.Numerics;

namespace Vmem.Benchmarks.Measurement;

/// <summary>How long single operations took: a histogram whose bars are at most a sixteenth wide, and the longest exactly.</summary>
internal sealed class Latencies
{
    private const int BitsInBar = 4;

    private readonly long[] _bars = new long[64 << BitsInBar];
    private long _longest;

    public long Count { get; private set; }

    /// <summary>In nanoseconds.</summary>
    public double Longest => ToNanoseconds(_longest);

    public void Note(long ticks)
    {
        _bars[BarOf(ticks)]++;
        _longest = Math.Max(_longest, ticks);
        Count++;
    }

    public void Add(Latencies other)
    {
        for (int i = 0; i < _bars.Length; i++)
        {
            _bars[i] += other._bars[i];
        }

        _longest = Math.Max(_longest, other._longest);
        Count += other.Count;
    }

    public void Clear()
    {
        Array.Clear(_bars);
        (_longest, Count) = (0, 0);
    }

    /// <summary>The time in nanoseconds that so many of a thousand operations did not exceed, to a sixteenth.</summary>
    public double Permille(double share)
    {
        long wanted = (long)Math.Ceiling(Count * share / 1_000);
        int bar = 0;
        for (long seen = _bars[0]; seen < wanted; seen += _bars[bar])
        {
            bar++;
        }

        return Math.Min(ToNanoseconds(EndOf(bar)), Longest);
    }

    private static int BarOf(long ticks)
    {
        int shift = Math.Max(BitOperations.Log2((ulong)ticks | 1) - BitsInBar, 0);
        return (shift << BitsInBar) + (int)(ticks >> shift);
    }

    // Behind the first bars, of a tick each, a bar's number has the shift, and in the lower bits what is left, whose top bit counts as one
    // shift more.
    private static long EndOf(int bar)
    {
        int shift = Math.Max((bar >> BitsInBar) - 1, 0);
        return (((long)bar - (shift << BitsInBar) + 1) << shift) - 1;
    }

    private static double ToNanoseconds(long ticks) => ticks * 1e9 / Stopwatch.Frequency;
}
