using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>One question to a source that is no arena: how much, and where.</summary>
/// <remarks>
/// First the constraint on a request is passed on as one on the whole import: see <see cref="ImportTerms{T}.TryPassOn"/>. That asks for no
/// more than is needed, but not for every place: where a window ends inside a unit, or the phase straddles one, there may be others. A
/// source that has none, or cannot honour constraints, is asked for so much that the request fits wherever the import lies in the units
/// around the window. Whatever comes back is checked before it is kept.
/// </remarks>
internal readonly record struct ImportAsk<T>(T Size, RangeConstraints<T> Constraints)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many questions there may be.</summary>
    public const int Steps = 5;

    /// <summary>The question of one step; false if it makes no sense, or is no other than the one before.</summary>
    /// <param name="step">Which question.</param>
    /// <param name="need">The request.</param>
    /// <param name="terms">The unit, and what is preferred.</param>
    /// <param name="sourceQuantum">The quantum of the source: what it aligns to of its own accord.</param>
    /// <param name="ask">The question.</param>
    public static bool TryMake(int step, in Placement<T> need, in ImportTerms<T> terms, T sourceQuantum, out ImportAsk<T> ask)
    {
        ask = default;
        T unitAlign = terms.Unit != sourceQuantum ? terms.Unit : T.Zero;
        bool prefers = !T.IsZero(terms.Preferred);
        switch (step)
        {
            case 0:
                return prefers && TryPassOn(need, terms.Unit, terms.Preferred, terms.PreferredAlign, unitAlign, out ask);

            case 1:                               // of a source that aligns nothing: so much that a slab is in it
                bool isMore = Multiples<T>.TryUp(terms.Preferred + terms.PreferredAlign - terms.Unit, terms.Unit, out T ample);
                ask = new ImportAsk<T>(ample, new RangeConstraints<T> { Align = unitAlign });
                return prefers && isMore && terms.PreferredAlign > terms.Unit && ample > terms.Preferred;

            case 2:
                return TryPassOn(need, terms.Unit, T.Zero, T.Zero, unitAlign, out ask);

            default:
                return !need.IsUnconstrained && (prefers || step != 3) &&
                    TryAmple(need, terms.Unit, step == 3 ? terms.Preferred : T.Zero, unitAlign, out ask);
        }
    }

    private static bool TryPassOn(in Placement<T> need, T unit, T least, T leastAlign, T unitAlign, out ImportAsk<T> ask)
    {
        bool possible = ImportTerms<T>.TryPassOn(need, unit, least, leastAlign, out T size, out RangeConstraints<T> constraints);
        bool isPlain = need.IsUnconstrained && leastAlign <= unit;
        ask = new ImportAsk<T>(size, isPlain ? new RangeConstraints<T> { Align = unitAlign } : constraints);
        return possible;
    }

    /// <summary>So much that there is a place wherever it lies in the units around the window; at most all of these.</summary>
    private static bool TryAmple(in Placement<T> need, T unit, T least, T unitAlign, out ImportAsk<T> ask)
    {
        T min = Multiples<T>.Down(need.Min, unit);
        T last = Multiples<T>.Down(need.Last, unit);
        T max = last + unit;                      // wraps to 0, no bound, at the top of the type
        bool isPart = max < last && !T.IsZero(max);
        max = isPart ? last : max;                // what lies above the last whole unit of the type cannot be imported
        T all = max - min;                        // 0: there is no window
        T outside = need.Min - min + (isPart ? T.Zero : max - T.One - need.Last);
        T ample = need.Sure + outside;
        bool fits = Multiples<T>.TryUp(ample, unit, out T size) && !T.IsZero(need.Sure) && ample >= outside;
        size = fits ? T.Max(size, least) : all;
        var window = new RangeConstraints<T> { Align = unitAlign, Min = min, Max = max };
        ask = new ImportAsk<T>(T.IsZero(all) ? size : T.Min(size, all), window);
        return !T.IsZero(ask.Size) && !(isPart && T.IsZero(all));
    }
}
