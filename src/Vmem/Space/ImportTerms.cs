using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Space;

/// <summary>What an arena wants of an import beside a place for its request. The default value belongs to a request that is no
/// import.</summary>
/// <param name="Unit">Imports are whole units: the least common multiple of the quanta of the arenas that the request came through.</param>
/// <param name="Preferred">The length that is tried first; 0: what is needed is all that is wanted.</param>
/// <param name="PreferredAlign">The alignment of that, beyond the request's own: of slabs. 0: none.</param>
/// <param name="Pass">What is to be done for it.</param>
internal readonly record struct ImportTerms<T>(T Unit, T Preferred, T PreferredAlign, ImportPass Pass)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The preferred import as a request of its own; false if there is none, or none that makes sense.</summary>
    public bool TryPrefer(in Placement<T> need, T quantum, out Placement<T> preferred)
    {
        if (T.IsZero(Preferred) || !TryPassOn(need, Unit, Preferred, PreferredAlign, out T size, out RangeConstraints<T> constraints))
        {
            preferred = default;
            return false;
        }

        preferred = new Placement<T>(size, constraints, quantum);
        return true;
    }

    /// <summary>The whole units around a place.</summary>
    public (T Start, T Size) Around(T start, T size)
    {
        T first = Multiples<T>.Down(start, Unit);
        T last = Multiples<T>.Down(start + (size - T.One), Unit) + (Unit - T.One);
        return (first, last - first + T.One);
    }

    /// <summary>Turns a request into one for whole units: the import begins at the phase rounded down, and is longer by what that took, so
    /// that the request fits at its very beginning.</summary>
    /// <param name="need">The request.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="least">The least length.</param>
    /// <param name="leastAlign">The least alignment; 0: none.</param>
    /// <param name="size">The import's length.</param>
    /// <param name="constraints">What it must satisfy.</param>
    /// <returns>False if no such import makes sense.</returns>
    public static bool TryPassOn(in Placement<T> need, T unit, T least, T leastAlign, out T size, out RangeConstraints<T> constraints)
    {
        RangeConstraints<T> mine = need.Constraints;
        T phase = Multiples<T>.Down(mine.Phase, unit);
        T needed = T.Max(need.Size + (mine.Phase - phase), least);
        bool possible = Multiples<T>.TryUp(needed, unit, out size) && needed >= need.Size;
        possible &= Multiples<T>.TryCommon(mine.Align, unit, out T align) &&
            (T.IsZero(leastAlign) || Multiples<T>.TryCommon(align, leastAlign, out align));
        T noCross = mine.NoCross;
        if (!T.IsZero(noCross) && Multiples<T>.Has(unit, noCross))
        {
            // The request lies at Phase from a multiple of NoCross: that it crosses none is a question of the phase.
            possible &= (mine.Phase & (noCross - T.One)) <= noCross - need.Size;
            noCross = T.Zero;
        }

        constraints = mine with { Align = align, Phase = phase, NoCross = noCross };
        return possible && (T.IsZero(noCross) || (noCross >= align && Strides<T>.CanLieBetween(size, align, phase, noCross)));
    }
}

/// <summary>Which of two passes a request is tried in.</summary>
internal enum ImportPass
{
    /// <summary>In one after the other: it is a caller's request.</summary>
    Both,

    /// <summary>In the first: each arena looks at what it has, and asks its source.</summary>
    Gentle,

    /// <summary>In the second: each takes back what is kept for speed before it does the same.</summary>
    Thorough,
}
