using Vmem.Checks;

namespace Vmem;

/// <summary>The allocator's own state is broken: a bug in it, memory overwritten from outside, or a single-threaded arena used by two
/// threads.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Says which invariant is broken.</summary>
    /// <param name="invariant">The invariant that does not hold, in words and without a full stop: "a magazine in the full list is
    /// full".</param>
    /// <param name="detail">What was found instead, as a sentence.</param>
    public InvariantViolationException(string invariant, string detail)
        : base($"Broken invariant: {invariant}. {detail}")
    {
        Invariant = invariant;
    }

    /// <summary>The invariant that does not hold, in words.</summary>
    public string Invariant { get; }
}
