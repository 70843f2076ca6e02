using System.Runtime.CompilerServices;
using Vmem.Ranges;

namespace Vmem.Space;

// Sizes are whole quanta.
internal sealed partial class Space<T>
{
    /// <summary>The size, rounded up to the quantum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T RoundUp(T size, string parameter = "size")
    {
        T rounded = (size + _quantumMask) & ~_quantumMask;
        if (T.IsZero(size) || rounded < size)
        {
            rounded = RoundUpByDivision(size, parameter);
        }

        return rounded;
    }

    /// <summary>The same, or false if no range can be so long.</summary>
    public bool TryRoundUp(T size, out T rounded)
    {
        rounded = (size + _quantumMask) & ~_quantumMask;
        return (!T.IsZero(size) && rounded >= size) || TryRoundUpByDivision(size, out rounded);
    }

    /// <summary>What is wrong with a size that <see cref="TryRoundUp"/> refuses.</summary>
    public string WhyNoSize(T size) => T.IsZero(size) ? "A range must not be empty."
        : $"Rounded up to the quantum {Quantum}, the size is more than {typeof(T).Name} holds.";

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T RoundUpByDivision(T size, string parameter) => TryRoundUpByDivision(size, out T rounded) ? rounded
        : throw new ArgumentOutOfRangeException(parameter, size, WhyNoSize(size));

    private bool TryRoundUpByDivision(T size, out T rounded)
    {
        rounded = T.Zero;
        return !T.IsZero(size) && Multiples<T>.TryUp(size, Quantum, out rounded);
    }
}
