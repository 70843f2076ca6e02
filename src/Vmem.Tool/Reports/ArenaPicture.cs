using System.Numerics;

namespace Vmem.Tool.Reports;

/// <summary>
/// An arena as a snapshot describes it, of whatever integer type: 128 bits hold them all, so that one reader and one picture serve every
/// arena. Sums are of any size: an arena over all 2^128 values has more than 128 bits can count.
/// </summary>
internal sealed record ArenaPicture(string Type, string Name, UInt128 Quantum, string Policy, IReadOnlyList<SpanPicture> Spans)
{
    public BigInteger Total => Sum(Spans.Select(span => (BigInteger)span.Size));

    public BigInteger InUse => Sum(Spans.SelectMany(span => span.Allocated).Select(range => (BigInteger)range.Size));

    public BigInteger Free => Total - InUse;

    public UInt128 LargestFree => Spans.SelectMany(span => span.GetFreeSizes()).DefaultIfEmpty().Max();

    /// <summary>The library's definition, 1 - largest free / free; subtracted before anything is rounded, so that one free segment is
    /// exactly 0.</summary>
    public double Fragmentation => Free.IsZero ? 0 : (double)(Free - LargestFree) / (double)Free;

    private static BigInteger Sum(IEnumerable<BigInteger> sizes) => sizes.Aggregate(BigInteger.Zero, BigInteger.Add);
}

/// <summary>A span, and its allocated ranges in address order.</summary>
internal sealed record SpanPicture(UInt128 Start, UInt128 Size, bool Imported, IReadOnlyList<RangePicture> Allocated)
{
    public IEnumerable<UInt128> GetFreeSizes()
    {
        UInt128 offset = 0;
        foreach (RangePicture range in Allocated)
        {
            UInt128 next = range.Start - Start;
            if (next > offset)
            {
                yield return next - offset;
            }

            offset = next + range.Size;
        }

        if (Size > offset)
        {
            yield return Size - offset;
        }
    }
}

internal readonly record struct RangePicture(UInt128 Start, UInt128 Size);
