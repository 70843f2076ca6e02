using System.Numerics;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Importing;

/// <summary>One question to a source: how much, and where.</summary>
/// <remarks>
/// <para>
/// A constraint on a request is turned into one on the whole import, in terms of the coarser quantum of the source: the import starts at
/// <c>phase</c> rounded down to that quantum, and is longer by what the rounding took, so that the request fits at its very beginning. A
/// source that cannot honour that is asked for so much that the request fits wherever the import lies; and where the window is narrower
/// than a unit of the source, for the units around it. Whatever comes back is checked before it is kept.
/// </para>
/// <para>Each question is first asked for the minimum import, then for no more than is needed, in case the source or the limit has room
/// only for that.</para>
/// </remarks>
internal readonly record struct ImportAsk<T>(T Size, RangeConstraints<T> Constraints)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many questions there may be.</summary>
    public const int Steps = 6;

    /// <summary>The question of one step; false if it makes no sense, or is no other than the one before.</summary>
    /// <param name="step">Which question.</param>
    /// <param name="placement">The request.</param>
    /// <param name="unit">The larger of the quanta of arena and source.</param>
    /// <param name="sourceQuantum">The quantum of the source: what it aligns to of its own accord.</param>
    /// <param name="minImport">The minimum import.</param>
    /// <param name="ask">The question.</param>
    public static bool TryMake(int step, in Placement<T> placement, T unit, T sourceQuantum, T minImport, out ImportAsk<T> ask)
    {
        ask = default;
        RangeConstraints<T> constraints = placement.Constraints;
        bool least = (step & 1) != 0;
        T ownAlign = unit > sourceQuantum ? unit : T.Zero;
        if (step >= 4)
        {
            return !placement.IsUnconstrained && TrySize(placement.Size, unit, minImport, least, out T around) &&
                Make(around, Around(constraints, unit), out ask);
        }

        if (step >= 2)
        {
            var window = new RangeConstraints<T> { Align = ownAlign, Min = constraints.Min, Max = constraints.Max };
            return !placement.IsUnconstrained && TrySize(placement.Sure, unit, minImport, least, out T ample) &&
                Make(ample, window, out ask);
        }

        T unitMask = unit - T.One;
        T align = constraints.Align > unit ? constraints.Align : unit;
        T phase = constraints.Phase & ~unitMask;
        T needed = placement.Size + (constraints.Phase & unitMask);
        if (needed < placement.Size || !TrySize(needed, unit, minImport, least, out T size))
        {
            return false;
        }

        if (placement.IsUnconstrained)
        {
            return Make(size, new RangeConstraints<T> { Align = ownAlign }, out ask);
        }

        // Inside a unit of the source no multiple of a smaller NoCross matters: the request lies at Phase from a multiple of it.
        T noCross = constraints.NoCross > unit ? constraints.NoCross : T.Zero;
        bool possible = T.IsZero(noCross) || (noCross >= align && size <= noCross && phase <= noCross - size);
        return possible && Make(size, constraints with { Align = align, Phase = phase, NoCross = noCross }, out ask);
    }

    /// <summary>The window, widened to whole units.</summary>
    private static RangeConstraints<T> Around(in RangeConstraints<T> constraints, T unit)
    {
        T unitMask = unit - T.One;
        T max = (constraints.Max + unitMask) & ~unitMask;             // wraps to 0, no bound, at the top of the type
        return new RangeConstraints<T> { Align = unit, Min = constraints.Min & ~unitMask, Max = max };
    }

    private static bool Make(T size, in RangeConstraints<T> constraints, out ImportAsk<T> ask)
    {
        ask = new ImportAsk<T>(size, constraints);
        return true;
    }

    /// <summary>What is needed, or the minimum import if that is more, in whole units of the source.</summary>
    private static bool TrySize(T needed, T unit, T minImport, bool least, out T size)
    {
        T unitMask = unit - T.One;
        T exact = (needed + unitMask) & ~unitMask;
        T preferred = (minImport + unitMask) & ~unitMask;
        size = least || preferred <= exact ? exact : preferred;
        bool repeated = least && preferred <= exact;
        return !repeated && !T.IsZero(needed) && exact >= needed;
    }
}
