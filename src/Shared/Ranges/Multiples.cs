using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Ranges;

/// <summary>Rounding to multiples of any number: a power of two takes no division.</summary>
internal static class Multiples<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether a value is a multiple of a unit, which is not 0.</summary>
    public static bool Has(T value, T unit) => T.IsZero(Beyond(value, unit));

    /// <summary>How far a value lies beyond a multiple of the unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Beyond(T value, T unit) => T.IsPow2(unit) ? value & (unit - T.One) : value % unit;

    /// <summary>How far it is from a value to a multiple of the unit, which may lie past the top of the type.</summary>
    public static T Below(T value, T unit) => Beyond(value, unit) is var beyond && T.IsZero(beyond) ? T.Zero : unit - beyond;

    /// <summary>The value, rounded down.</summary>
    public static T Down(T value, T unit) => value - Beyond(value, unit);

    /// <summary>The value, rounded up.</summary>
    /// <returns>False if that is more than the type holds.</returns>
    public static bool TryUp(T value, T unit, out T rounded)
    {
        rounded = value + Below(value, unit);
        return rounded >= value;
    }

    /// <summary>The least common multiple.</summary>
    /// <returns>False if that is more than the type holds.</returns>
    public static bool TryCommon(T one, T other, out T common)
    {
        common = T.Max(one, other);
        if (Has(common, T.Min(one, other)))
        {
            return true;                          // nearly always: one divides the other
        }

        (T divisor, T rest) = (one, other);
        while (!T.IsZero(rest))
        {
            (divisor, rest) = (rest, divisor % rest);
        }

        T factor = other / divisor;
        common = one * factor;
        return one <= T.MaxValue / factor;
    }
}
