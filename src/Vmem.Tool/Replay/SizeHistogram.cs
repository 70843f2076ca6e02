using System.Numerics;

namespace Vmem.Tool.Replay;

/// <summary>How often which size is asked for, in bins by powers of two: bin 0 holds 0 bytes, bin k holds 2^(k-1) … 2^k - 1.</summary>
internal sealed class SizeHistogram
{
    private readonly long[] _counts = new long[65];
    private readonly UInt128[] _bytes = new UInt128[65];

    public void Add(ulong size)
    {
        int bin = 64 - BitOperations.LeadingZeroCount(size);
        _counts[bin]++;
        _bytes[bin] += size;
    }

    /// <summary>The bins that hold anything, from the smallest sizes.</summary>
    public IEnumerable<SizeBin> GetBins()
    {
        for (int bin = 0; bin < _counts.Length; bin++)
        {
            if (_counts[bin] > 0)
            {
                ulong least = bin == 0 ? 0 : 1UL << (bin - 1);
                ulong most = bin == 0 ? 0 : least + (least - 1);
                yield return new SizeBin(least, most, _counts[bin], _bytes[bin]);
            }
        }
    }
}

/// <summary>Requests for <paramref name="Least"/> to <paramref name="Most"/> bytes: how many, and how many bytes in all.</summary>
internal sealed record SizeBin(ulong Least, ulong Most, long Count, UInt128 Bytes);
