using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Ranges;

/// <summary>A constrained request in the form the search needs, and the rule that tells where in a free segment it fits.</summary>
/// <remarks>
/// All comparisons are on inclusive ends and on distances, so that nothing wraps at the top of the type. The preconditions (see
/// <see cref="RangeConstraints{T}"/>) are checked before; they imply that a place which was moved past a boundary does not reach the next
/// one.
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
        AlignMask = (T.IsZero(constraints.Align) ? quantum : constraints.Align) - T.One;
        Phase = constraints.Phase;
        NoCross = constraints.NoCross;
        Min = constraints.Min;
        Last = constraints.Max - T.One;                          // 0, no bound, wraps to the top of the type
        IsUnconstrained = AlignMask == quantum - T.One && T.IsZero(NoCross) && T.IsZero(Min) && Last == T.MaxValue && kind == 0;
        Sure = SureLength(quantum);
    }

    private Placement(in Placement<T> other, T min)
    {
        this = other;
        Min = min;
        IsUnconstrained = false;
    }

    /// <summary>The length, rounded to the quantum.</summary>
    public T Size { get; }

    /// <summary>The alignment, less 1.</summary>
    public T AlignMask { get; }

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
        new() { Align = AlignMask + T.One, Phase = Phase, NoCross = NoCross, Min = Min, Max = Last + T.One };

    /// <summary>Whether it has no place where the other, under the same constraints, has none.</summary>
    public bool IsAsHardAs(in Placement<T> other) =>
        Size >= other.Size && AlignMask == other.AlignMask && Phase == other.Phase && NoCross == other.NoCross && Kind == other.Kind && Min == other.Min &&
        Last == other.Last;

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

        T delta = (Phase - start) & AlignMask;
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
        T advance = (toBoundary + AlignMask) & ~AlignMask;
        room = end - start;
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
        return boundary > low && boundary - low > _sizeLess1 && TryAlignDown(low, boundary - Size, out start);
    }

    private bool TryAlignDown(T low, T top, out T start)
    {
        T delta = (top - Phase) & AlignMask;
        start = top - delta;
        return delta <= top - low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Crosses(T start) => !T.IsZero((start ^ (start + _sizeLess1)) & ~(NoCross - T.One));

    /// <summary>
    /// Segments start at multiples of the quantum, so alignment skips at most align − quantum. A place found there that crosses a boundary
    /// moves to phase past it, by at most size − quantum + phase.
    /// </summary>
    private T SureLength(T quantum)
    {
        T length = Size;
        bool fits = TryAdd(ref length, AlignMask + T.One - quantum);
        if (!T.IsZero(NoCross))
        {
            fits &= TryAdd(ref length, Size - quantum) && TryAdd(ref length, Phase);
        }

        return fits ? length : T.Zero;
    }

    private static bool TryAdd(ref T sum, T addend)
    {
        sum += addend;
        return sum >= addend;
    }
}
