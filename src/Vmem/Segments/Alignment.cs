using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>Where ranges may lie: they begin at the phase, or a multiple of a power of two from there, and straddle no multiple of another.
/// The default value: anywhere.</summary>
/// <param name="Mask">The power of two, less 1.</param>
/// <param name="Phase">The phase.</param>
/// <param name="NoCross">The other, not less than the first; 0: none.</param>
internal readonly record struct Alignment<T>(T Mask, T Phase, T NoCross)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
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

        T behind = T.Min(room - before, NoCross);
        return T.Max(before, Behind(start + before, behind));
    }

    /// <summary>What remains behind the first aligned value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Behind(T start, T size)
    {
        T skipped = (Phase - start) & Mask;
        return skipped < size ? size - skipped : T.Zero;
    }
}
