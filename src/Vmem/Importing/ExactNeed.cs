using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>A request in terms of the arena below, which is asked for the units around a place.</summary>
/// <remarks>
/// The free segments of that arena are whole units of its own. So a segment that has a place has the units around it, too, and the request
/// is passed on as it is: the answer is exact. Where the arena above has the larger quantum, whole units of that are asked for; its own
/// requests are just that.
/// </remarks>
internal static class ExactNeed<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>What to ask for.</summary>
    /// <param name="placement">The request.</param>
    /// <param name="unit">The unit of imports.</param>
    /// <param name="sourceQuantum">That of the arena below; it divides the unit.</param>
    /// <param name="headroom">The largest import that the limit allows.</param>
    /// <param name="need">The question.</param>
    /// <param name="isTight">Whether the limit rules places out that straddle a unit more than they must.</param>
    /// <returns>False if every such import is larger than allowed.</returns>
    public static bool TryMake(in Placement<T> placement, T unit, T sourceQuantum, T headroom, out Placement<T> need, out bool isTight)
    {
        RangeConstraints<T> constraints = placement.Constraints;
        isTight = false;
        need = placement.OfAnyKind;               // kinds are the arena's own: an import is a span, and the rule ends there
        if (!Multiples<T>.TryUp(placement.Size, unit, out T least) || least > headroom)
        {
            return false;
        }

        if (placement.IsUnconstrained)
        {
            var aligned = new RangeConstraints<T> { Align = unit != sourceQuantum ? unit : T.Zero };
            need = new Placement<T>(least, aligned, sourceQuantum);
            return true;
        }

        if (unit == sourceQuantum && !Multiples<T>.Has(constraints.Align, unit))
        {
            bool mayStraddle = T.IsZero(constraints.NoCross) || !Multiples<T>.Has(unit, constraints.NoCross);
            isTight = mayStraddle && headroom - least < unit;
            if (!isTight)
            {
                return true;
            }

            if (least == unit && T.IsPow2(unit) && T.IsPow2(constraints.Align) && constraints.Align < unit)
            {
                need = new Placement<T>(placement.Size, constraints with { NoCross = unit }, constraints.Align);
                return constraints.Phase <= unit - placement.Size;
            }
        }

        // From a multiple of the unit on: of some other places nothing is known, where the window is narrow.
        if (!ImportTerms<T>.TryPassOn(placement, unit, T.Zero, T.Zero, out T size, out RangeConstraints<T> whole) || size > headroom)
        {
            return false;
        }

        if (unit != sourceQuantum || isTight)
        {
            need = new Placement<T>(size, whole, sourceQuantum);
        }

        return true;
    }
}
