using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Space;

/// <summary>What an arena wants of an import beside a place for its request. The default value belongs to a request that is no
/// import.</summary>
/// <param name="Unit">Imports are whole units: the largest quantum of the arenas that the request came through.</param>
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
        T mask = Unit - T.One;
        T first = start & ~mask;
        T last = (start + (size - T.One)) | mask;
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
        T mask = unit - T.One;
        T align = T.Max(T.Max(mine.Align, unit), leastAlign);
        T phase = mine.Phase & ~mask;
        T needed = T.Max(need.Size + (mine.Phase & mask), least);
        size = (needed + mask) & ~mask;
        // Inside a unit no multiple of a smaller NoCross matters: the request lies at Phase from a multiple of it.
        T noCross = mine.NoCross > unit ? mine.NoCross : T.Zero;
        constraints = mine with { Align = align, Phase = phase, NoCross = noCross };
        return needed >= need.Size && size >= needed &&
            (T.IsZero(noCross) || (noCross >= align && size <= noCross && phase <= noCross - size));
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
