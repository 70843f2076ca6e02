using System.Numerics;

namespace Vmem;

/// <summary>A place for a wanted range.</summary>
/// <param name="First">Its first value.</param>
/// <param name="Last">Its last value.</param>
/// <param name="FirstOfPages">The first value of the pages that it lies in, as far as they belong to its span; where there is no rule for
/// kinds, <paramref name="First"/>.</param>
/// <param name="LastOfPages">The last value of them.</param>
/// <param name="Kind">The kind that is wanted there; 0: any.</param>
internal readonly record struct Window<T>(T First, T Last, T FirstOfPages, T LastOfPages, int Kind)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether a range must go: it lies in the window, or is of another kind and lies in its pages.</summary>
    public bool IsInTheWay(Segment<T> segment)
    {
        bool isOther = IsOtherKind(segment, Kind);
        T last = segment.Start + (segment.Size - T.One);
        return ArenaPicture<T>.IsTaken(segment) && segment.Start <= (isOther ? LastOfPages : Last)
            && last >= (isOther ? FirstOfPages : First);
    }

    /// <summary>Whether a range does not share a page with a kind.</summary>
    public static bool IsOtherKind(Segment<T> segment, int kind) => kind != 0 && segment.RangeKind != 0 && segment.RangeKind != kind;
}
