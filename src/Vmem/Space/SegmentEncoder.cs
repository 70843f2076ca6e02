using System.Numerics;
using Vmem.Listing;

namespace Vmem.Space;

/// <summary>The segments of an arena as a rundown writes them: see <see cref="SegmentCode"/>.</summary>
internal static class SegmentEncoder
{
    /// <summary>A batch for each stay under the lock.</summary>
    public static IEnumerable<byte[]> Encode<T>(Space<T> space)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        var walk = new SegmentWalk<T>(space);
        byte[] bytes = new byte[(SegmentWalk<T>.Batch + 1) * SegmentCode.Longest];
        do
        {
            walk.Next();
            if (walk.Segments.Length > 0)
            {
                yield return bytes[..Encode(walk, UInt128.CreateTruncating(space.Quantum), bytes)];
            }
        }
        while (walk.IsUnderWay);
    }

    private static int Encode<T>(SegmentWalk<T> walk, UInt128 quantum, Span<byte> bytes)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        int length = 0;
        for (int i = 0; i < walk.Segments.Length; i++)
        {
            Segment<T> segment = walk.Segments[i];
            var start = UInt128.CreateTruncating(segment.Start);
            var size = UInt128.CreateTruncating(segment.Size);
            if (segment.Kind == SegmentKind.Span)
            {
                length += SegmentCode.WritePlace(bytes[length..], (byte)SegmentKind.Span, start, size);
                continue;
            }

            if (i == 0)
            {
                length += SegmentCode.WritePlace(bytes, SegmentCode.Place, start, 0);
            }

            bool isSlab = !T.IsZero(walk.IdleOf(i));
            bytes[length++] = isSlab ? SegmentCode.Slab : (byte)segment.Kind;
            length += SegmentCode.WriteNumber(bytes[length..], size / quantum);
            length += isSlab ? SegmentCode.WriteNumber(bytes[length..], UInt128.CreateTruncating(walk.IdleOf(i)) / quantum) : 0;
        }

        return length;
    }
}
