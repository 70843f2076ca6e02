using System.Numerics;

namespace Vmem.Ranges;

/// <summary>An alignment that is no power of two and a boundary that is one: at which boundary there is a place.</summary>
/// <remarks>
/// <para>
/// From one boundary to the next, the first aligned value behind it comes nearer by the same amount, modulo the alignment. So the question
/// is for the least number of steps after which a sum of equal steps lies in an interval, modulo the alignment. If the step is not larger
/// than the interval, the first lap decides. Else only the laps count, and their starts are the same question with the step for a modulus:
/// Euclid's algorithm, and as many steps.
/// </para>
/// <para>Rejected: to go from boundary to boundary. With an alignment of 12 there are three to look at, with one of 1,000,003 a
/// million.</para>
/// </remarks>
internal static class Strides<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The least count for which count · step, modulo the modulus, lies in [low, high].</summary>
    /// <param name="step">Below the modulus.</param>
    /// <param name="modulus">The modulus.</param>
    /// <param name="low">Not above <paramref name="high"/>.</param>
    /// <param name="high">Below the modulus.</param>
    /// <param name="count">The count.</param>
    /// <returns>False if there is none, or count · step is more than the type holds.</returns>
    public static bool TryCount(T step, T modulus, T low, T high, out T count)
    {
        count = T.Zero;
        if (T.IsZero(low))
        {
            return true;
        }

        if (T.IsZero(step))
        {
            return false;
        }

        count = ((low - T.One) / step) + T.One;
        if (count <= high / step)
        {
            return true;
        }

        // No multiple of the step lies in the interval: it is narrower than a step, and neither end is a multiple.
        if (!TryCount(modulus % step, step, step - (high % step), step - (low % step), out T laps) || laps > (T.MaxValue - low) / modulus)
        {
            return false;
        }

        count = ((low + (modulus * laps) - T.One) / step) + T.One;
        return true;
    }

    /// <summary>How far beyond the boundary the boundary lies, in boundaries, behind which the wanted distance is at most the
    /// slack.</summary>
    /// <param name="distance">That at the first boundary; below <paramref name="align"/>.</param>
    /// <param name="noCross">The power of two from one boundary to the next; not below <paramref name="align"/>.</param>
    /// <param name="align">The alignment.</param>
    /// <param name="slack">How far an aligned value may be from the boundary.</param>
    /// <param name="boundaries">The count.</param>
    public static bool TryBoundary(T distance, T noCross, T align, T slack, out T boundaries)
    {
        boundaries = T.Zero;
        return distance <= slack || TryCount(noCross % align, align, distance - slack, distance, out boundaries);
    }

    /// <summary>Whether there is a place between two multiples of a power of two: phase + size ≤ noCross, with the phase modulo the
    /// grain.</summary>
    public static bool CanLieBetween(T size, T align, T phase, T noCross) =>
        size <= noCross && (phase & (Grain(align, noCross) - T.One)) <= noCross - size;

    /// <summary>The largest power of two that divides both an alignment and the boundary, a power of two: whatever the boundary, an aligned
    /// value lies so far behind it as the phase says modulo this.</summary>
    public static T Grain(T align, T noCross) => T.Min(align & (T.Zero - align), noCross);
}
