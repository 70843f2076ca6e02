using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Ranges;

/// <summary>A constrained request in the form the search needs, and the rule that tells where in a free segment it fits.</summary>
/// <remarks>
/// All comparisons are on inclusive ends and on distances, so that nothing wraps at the top of the type. The preconditions (see
/// <see cref="RangeConstraints{T}"/>) are checked before. With a power of two for an alignment they imply that a place which was moved past
/// a boundary does not reach the next one; for others see <see cref="Strides{T}"/>.
/// </remarks>
internal readonly struct Placement<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly T _sizeLess1;

    /// <param name="size">The length, rounded to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="quantum">The arena's.</param>
    /// <param name="kind">The kind to search for; 0: it does not matter beside what the range lies.</param>
    public Placement(T size, in RangeConstraints<T> constraints, T quantum, int kind = 0)
    {
        Kind = kind;
        Size = size;
        _sizeLess1 = size - T.One;
        Align = T.IsZero(constraints.Align) ? quantum : constraints.Align;
        Phase = constraints.Phase;
        NoCross = constraints.NoCross;
        Min = constraints.Min;
        Last = constraints.Max - T.One;                          // 0, no bound, wraps to the top of the type
        IsUnconstrained = Align == quantum && T.IsZero(NoCross) && T.IsZero(Min) && Last == T.MaxValue && kind == 0;
        Sure = SureLength(quantum);
    }

    private Placement(in Placement<T> other, T min)
    {
        this = other;
        Min = min;
        IsUnconstrained = false;
    }

    private Placement(in Placement<T> other, int kind)
    {
        this = other;
        Kind = kind;
    }

    /// <summary>The length, rounded to the quantum.</summary>
    public T Size { get; }

    /// <summary>The alignment: any number of quanta.</summary>
    public T Align { get; }

    /// <summary>Where the first range may begin: each other one is a multiple of the alignment apart.</summary>
    public T Phase { get; }

    /// <summary>A power of two of which the range straddles no multiple; 0: any.</summary>
    public T NoCross { get; }

    /// <summary>The kind of its neighbours; 0: any.</summary>
    public int Kind { get; }

    /// <summary>Whether every place will do.</summary>
    public bool IsUnconstrained { get; }

    /// <summary>The lowest address the range may have.</summary>
    public T Min { get; }

    /// <summary>The highest address the range may have (inclusive).</summary>
    public T Last { get; }

    /// <summary>The highest address at which the range may begin. There is one only if <see cref="Last"/> lies so far above 0.</summary>
    public T HighestStart => Last - _sizeLess1;

    /// <summary>Whether the window is just as long as the range: there is one place, or none.</summary>
    public bool IsOnePlace => HighestStart == Min;

    /// <summary>A segment this long that lies in [<see cref="Min"/>, <see cref="Last"/>] holds a place for sure; 0 if there is no such
    /// length.</summary>
    public T Sure { get; }

    /// <summary>What it was made of, with the alignment spelled out.</summary>
    public RangeConstraints<T> Constraints =>
        new() { Align = Align, Phase = Phase, NoCross = NoCross, Min = Min, Max = Last + T.One };

    /// <summary>Whether it has no place where the other, under the same constraints, has none.</summary>
    public bool IsAsHardAs(in Placement<T> other) =>
        Size >= other.Size && Align == other.Align && Phase == other.Phase && NoCross == other.NoCross && Kind == other.Kind
            && Min == other.Min &&
        Last == other.Last;

    /// <summary>The same request where it does not matter beside what the range lies.</summary>
    public Placement<T> OfAnyKind => new(this, kind: 0);

    public Placement<T> NotBelow(T min) => new(this, min > Min ? min : Min);

    /// <summary>The lowest place in the free segment [first, last].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLowest(T first, T last, out T start)
    {
        start = first > Min ? first : Min;
        T end = last < Last ? last : Last;
        if (start > end)
        {
            return false;
        }

        T delta = SkippedFrom(start, Align, Phase);
        T room = end - start;
        if (delta > room || room - delta < _sizeLess1)
        {
            return false;
        }

        start += delta;
        if (T.IsZero(NoCross) || !Crosses(start))
        {
            return true;
        }

        T toBoundary = NoCross - (start & (NoCross - T.One));
        room = end - start;
        T advance = T.IsPow2(Align) ? (toBoundary + (Align - T.One)) & ~(Align - T.One) : PastBoundary(toBoundary, room);
        if (advance > room || room - advance < _sizeLess1)
        {
            return false;
        }

        start += advance;
        return true;
    }

    /// <summary>The highest place in the free segment [first, last].</summary>
    public bool TryHighest(T first, T last, out T start)
    {
        T low = first > Min ? first : Min;
        T end = last < Last ? last : Last;
        start = T.Zero;
        if (low > end || end - low < _sizeLess1 || !TryAlignDown(low, end - _sizeLess1, out start))
        {
            return false;
        }

        if (T.IsZero(NoCross) || !Crosses(start))
        {
            return true;
        }

        T boundary = (start + _sizeLess1) & ~(NoCross - T.One);
        return boundary > low && boundary - low > _sizeLess1 && (T.IsPow2(Align)
            ? TryAlignDown(low, boundary - Size, out start)
            : TryBeforeBoundary(low, boundary - Size, out start));
    }

    /// <summary>How far it is from a value to the next that has the phase, which may lie past the top of the type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SkippedFrom(T start, T align, T phase)
    {
        T mask = align - T.One;
        return T.IsZero(align & mask) ? (phase - start) & mask : SkippedByStride(start, align, phase);
    }

    private bool TryAlignDown(T low, T top, out T start)
    {
        T delta = BeyondPhase(top);
        start = top - delta;
        return delta <= top - low;
    }

    /// <summary>How far a value lies beyond the last that has the phase.</summary>
    public T BeyondPhase(T value)
    {
        T mask = Align - T.One;
        if (T.IsZero(Align & mask))
        {
            return (value - Phase) & mask;
        }

        T beyond = value % Align;
        return beyond >= Phase ? beyond - Phase : Align - (Phase - beyond);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T SkippedByStride(T start, T stride, T phase)
    {
        T beyond = start % stride;
        return phase >= beyond ? phase - beyond : stride - (beyond - phase);
    }

    /// <summary>How far it is to the first aligned value behind a boundary that does not reach the next one, where the alignment is no
    /// power of two; the top of the type if that is farther than <paramref name="room"/>.</summary>
    private T PastBoundary(T toBoundary, T room)
    {
        T distance = Multiples<T>.Below(toBoundary, Align);
        if (toBoundary > room || !Strides<T>.TryBoundary(distance, NoCross, Align, NoCross - Size, out T boundaries) ||
            boundaries > (room - toBoundary) / NoCross)
        {
            return T.MaxValue;
        }

        return Multiples<T>.TryUp(toBoundary + (boundaries * NoCross), Align, out T advance) ? advance : T.MaxValue;
    }

    /// <summary>The highest place that ends at <paramref name="top"/> + size, which is a boundary, or before one below.</summary>
    private bool TryBeforeBoundary(T low, T top, out T start)
    {
        start = top;
        return Strides<T>.TryBoundary(BeyondPhase(top), NoCross, Align, NoCross - Size, out T boundaries) &&
            boundaries <= (top - low) / NoCross && TryAlignDown(low, top - (boundaries * NoCross), out start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Crosses(T start) => !T.IsZero((start ^ (start + _sizeLess1)) & ~(NoCross - T.One));

    /// <summary>
    /// Segments start at multiples of the quantum, so alignment skips at most align − quantum. A place found there that crosses a boundary
    /// moves to phase past it, by at most size − quantum + phase. Where the alignment is no power of two, the aligned values behind the
    /// boundaries repeat after align / grain boundaries: see <see cref="Strides{T}.Grain"/>.
    /// </summary>
    private T SureLength(T quantum)
    {
        T length = Size;
        bool fits = TryAdd(ref length, Align - quantum);
        if (!T.IsZero(NoCross))
        {
            T laps = T.IsPow2(Align) ? T.Zero : Align / Strides<T>.Grain(Align, NoCross);
            fits &= T.IsZero(laps) ? TryAdd(ref length, Size - quantum) && TryAdd(ref length, Phase)
                : laps <= T.MaxValue / NoCross && TryAdd(ref length, laps * NoCross);
        }

        return fits ? length : T.Zero;
    }

    private static bool TryAdd(ref T sum, T addend)
    {
        sum += addend;
        return sum >= addend;
    }
}
