using System.Numerics;

namespace Vmem.Tool.Reports;

/// <summary>
/// An arena as a snapshot describes it, of whatever integer type, or the blocks of a GPU allocator: 128 bits hold them all, so that one
/// picture serves all. Sums are of any size: an arena over all 2^128 values has more than 128 bits can count.
/// </summary>
/// <param name="Type">The name of the integer type.</param>
/// <param name="Title">What is shown.</param>
/// <param name="Note">What there is to know of it besides its figures.</param>
/// <param name="Spans">Its spans.</param>
internal sealed record ArenaPicture(string Type, string Title, string Note, IReadOnlyList<SpanPicture> Spans)
{
    // What no allocator of memory goes below; arbitrary.
    private const uint LeastBlock = 8;

    /// <summary>Whether values are taken for bytes, so that sizes are read in KiB and MiB: a type of 32 or 64 bits in quanta of bytes, as
    /// of memory, buffers and files. IDs and ports have a quantum of 1.</summary>
    public bool IsBytes { get; init; }

    public BigInteger Total => Sum(Spans.Select(span => (BigInteger)span.Size));

    public BigInteger InUse => Sum(Spans.SelectMany(span => span.Allocated).Select(range => (BigInteger)range.Size));

    public BigInteger Free => Total - InUse;

    public UInt128 LargestFree => Spans.SelectMany(span => span.GetFreeSizes()).DefaultIfEmpty().Max();

    /// <summary>The library's definition, 1 - largest free / free; subtracted before anything is rounded, so that one free segment is
    /// exactly 0.</summary>
    public double Fragmentation => Free.IsZero ? 0 : (double)(Free - LargestFree) / (double)Free;

    /// <summary>Whether an arena of this type and quantum is taken for one of bytes.</summary>
    public static bool IsOfBytes(string type, UInt128 quantum) =>
        type is "UInt32" or "UInt64" or "UIntPtr" && quantum >= LeastBlock;

    private static BigInteger Sum(IEnumerable<BigInteger> sizes) => sizes.Aggregate(BigInteger.Zero, BigInteger.Add);
}

/// <summary>A span, what it is called, and its allocated ranges in address order.</summary>
internal sealed record SpanPicture(UInt128 Start, UInt128 Size, string Name, IReadOnlyList<RangePicture> Allocated)
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

/// <summary>An allocated range.</summary>
/// <param name="Start">Where it starts.</param>
/// <param name="Size">How long it is.</param>
/// <param name="Kind">What it is drawn as: its tag, or the kind of a GPU resource; null if nothing is known.</param>
/// <param name="Name">Its name, if it has one.</param>
internal readonly record struct RangePicture(UInt128 Start, UInt128 Size, string? Kind = null, string? Name = null);
