using System.Numerics;

namespace Vmem.Tool.Replay;

/// <summary>
/// Durations in nanoseconds, counted in bins whose width grows with the value, as HdrHistogram has them: exact below 64 ns, then 32 bins
/// for each doubling, so that a percentile read from it is off by at most 1/32. Constant memory, one increment a sample; keeping the
/// samples would be neither.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBinBits = 5;
    private const int SubBins = 1 << SubBinBits;

    // 2 × 32 exact ones, and 32 for each of the further doublings up to 2^63.
    private readonly long[] _counts = new long[(64 - SubBinBits) * SubBins];

    public long Count { get; private set; }

    public void Add(long nanoseconds)
    {
        _counts[BinOf((ulong)Math.Max(0, nanoseconds))]++;
        Count++;
    }

    /// <summary>
    /// The least value that at least this part of the samples does not exceed (to the bin's lower edge); 0 without samples.
    /// </summary>
    public long Percentile(double part)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(part * Count));
        long seen = 0;
        for (int bin = 0; bin < _counts.Length; bin++)
        {
            seen += _counts[bin];
            if (seen >= wanted)
            {
                return LowerEdge(bin);
            }
        }

        return 0;
    }

    private static int BinOf(ulong value)
    {
        int doubling = Math.Max(0, BitOperations.Log2(value) - SubBinBits);
        return (doubling << SubBinBits) + (int)(value >> doubling);
    }

    private static long LowerEdge(int bin)
    {
        int doubling = Math.Max(0, (bin >> SubBinBits) - 1);
        return (long)(bin - (doubling << SubBinBits)) << doubling;
    }
}
