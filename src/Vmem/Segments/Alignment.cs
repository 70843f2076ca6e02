using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Where ranges may lie: they begin at the phase, or a multiple of the alignment from there, and straddle no multiple of a power
/// of two. The default value: anywhere.</summary>
/// <param name="Mask">The alignment, less 1.</param>
/// <param name="Phase">The phase.</param>
/// <param name="NoCross">The power of two, not less than the alignment; 0: none.</param>
internal readonly record struct Alignment<T>(T Mask, T Phase, T NoCross)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly bool _isStride = !T.IsZero(Mask & (Mask + T.One));       // the alignment is no power of two

    /// <summary>The largest request that a segment has a place for. Where a request has a place, so has each smaller one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T RoomIn(T start, T size)
    {
        T room = Behind(start, size);
        return T.IsZero(NoCross) || T.IsZero(room) ? room : RoomBetween(start + (size - room), room);
    }

    /// <summary>The same from an aligned value on: what lies before the next boundary, or behind it up to the one after that. Between later
    /// ones there is no more.</summary>
    private T RoomBetween(T start, T room)
    {
        T before = NoCross - (start & (NoCross - T.One));
        if (room <= before)
        {
            return room;
        }

        if (_isStride)
        {
            return LargestPlace(start, room, before);
        }

        T behind = T.Min(room - before, NoCross);
        return T.Max(before, Behind(start + before, behind));
    }

    /// <summary>The largest request, where each boundary may lie elsewhere between two aligned values. It is between what fits before the
    /// first boundary and all of what lies between two, and is found by halving: a test for each bit.</summary>
    private T LargestPlace(T start, T room, T before)
    {
        (T fits, T most) = (before, T.Min(room, NoCross));
        while (fits < most)
        {
            T size = most - ((most - fits) >> 1);
            var constraints = new RangeConstraints<T> { Align = Mask + T.One, Phase = Phase, NoCross = NoCross };
            var placement = new Placement<T>(size, constraints, T.One);
            (fits, most) = placement.TryLowest(start, start + (room - T.One), out _) ? (size, most) : (fits, size - T.One);
        }

        return fits;
    }

    /// <summary>What remains behind the first aligned value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Behind(T start, T size)
    {
        T skipped = _isStride ? Placement<T>.SkippedFrom(start, Mask + T.One, Phase) : (Phase - start) & Mask;
        return skipped < size ? size - skipped : T.Zero;
    }
}
