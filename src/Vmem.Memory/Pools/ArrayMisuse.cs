using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What was done wrong with a pooled array.</summary>
public enum ArrayMisuseKind
{
    /// <summary>It was returned when it was the pool's already.</summary>
    ReturnedTwice,

    /// <summary>It was never rented from this pool.</summary>
    Foreign,

    /// <summary>It was written to after it had been returned.</summary>
    UsedAfterReturn,

    /// <summary>It was dropped without having been returned.</summary>
    NeverReturned,
}

/// <summary>A mistake in the use of a <see cref="DebugArrayPool{T}"/>.</summary>
/// <param name="PoolName">The pool's name.</param>
/// <param name="Kind">What was done.</param>
/// <param name="Length">How long the array is, in elements.</param>
/// <param name="Index">The first element that was written to; -1 if that is not what happened.</param>
/// <param name="Message">What happened, who rented the array, and who returned it.</param>
[DebuggerDisplay("{PoolName,nq}: {Kind}, {Length} elements")]
public sealed record ArrayMisuse(string PoolName, ArrayMisuseKind Kind, int Length, int Index, string Message)
{
    /// <summary>The mistake as text.</summary>
    /// <returns>The message.</returns>
    public override string ToString() => Message;
}

/// <summary>A mistake that a <see cref="DebugArrayPool{T}"/> has found. The call has done nothing that could harm another renter.</summary>
public sealed class ArrayMisuseException : InvalidOperationException
{
    internal ArrayMisuseException(ArrayMisuse misuse)
        : base(misuse.Message)
    {
        Misuse = misuse;
    }

    /// <summary>What was wrong.</summary>
    public ArrayMisuse Misuse { get; }
}
