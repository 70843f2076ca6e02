using System.Runtime.CompilerServices;
using Vmem.Segments;

namespace Vmem;

// What makes a request well formed: the ladder of preconditions.
public sealed partial class Arena<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T RoundUp(T size, string parameter = "size")
    {
        T rounded = (size + _quantumMask) & ~_quantumMask;
        if (T.IsZero(size) || rounded < size)
        {
            ThrowSize(size, parameter);
        }

        return rounded;
    }

    private void ThrowSize(T size, string parameter) => throw new ArgumentOutOfRangeException(
        parameter,
        size,
        T.IsZero(size) ? "A range must not be empty." : $"Rounded up to the quantum {Quantum}, the size is more than {typeof(T).Name} holds.");

    private static void CheckPolicy(FitPolicy policy, string parameter)
    {
        if ((uint)policy > (uint)FitPolicy.LastFit)
        {
            throw new ArgumentOutOfRangeException(parameter, policy, "There is no such policy.");
        }
    }

    private void CheckConstraints(T size, in RangeConstraints<T> constraints)
    {
        T align = T.IsZero(constraints.Align) ? Quantum : constraints.Align;
        T noCross = constraints.NoCross;
        if (!T.IsPow2(align) || align < Quantum)
        {
            ThrowConstraint(nameof(constraints), $"Align must be a power of two and a multiple of the quantum {Quantum}, and {constraints.Align} is not.");
        }

        if (!T.IsZero(constraints.Phase & _quantumMask) || constraints.Phase >= align)
        {
            ThrowConstraint(nameof(constraints), $"Phase must be a multiple of the quantum {Quantum} and less than Align ({align}), and {constraints.Phase} is not.");
        }

        if (T.IsZero(noCross))
        {
            return;
        }

        if (!T.IsPow2(noCross) || noCross < align)
        {
            ThrowConstraint(nameof(constraints), $"NoCross must be a power of two and at least Align ({align}), and {noCross} is not.");
        }

        // roundup(phase + size, align) ≤ noCross, without a sum that could wrap: noCross is a multiple of align.
        if (size > noCross || constraints.Phase > noCross - size)
        {
            ThrowConstraint(nameof(constraints), $"{size} at phase {constraints.Phase} can never lie between two multiples of NoCross ({noCross}).");
        }
    }

    private static void ThrowConstraint(string parameter, string message) => throw new ArgumentException(message, parameter);

    private string ImportRefusal(T size) =>
        _source is null ? "" :
        ExceedsLimit(size) ? $" An import would exceed the arena's limit of {_limit}." : " Its source had nothing that would do.";

    private void ThrowExhausted(T size, in RangeConstraints<T> constraints)
    {
        FitReport<T> report = Explain(size, constraints);
        throw new ArenaExhaustedException(
            Name,
            UInt128.CreateTruncating(size),
            UInt128.CreateTruncating(report.Free),
            UInt128.CreateTruncating(report.LargestFree),
            report.Failure,
            report.Fits ? "Room was found only after the request had failed." : report.Sentence + ImportRefusal(size));
    }
}
