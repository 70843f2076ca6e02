namespace Vmem;

/// <summary>The allocator's own state is broken: a bug in it, memory overwritten from outside, or a single-threaded arena used by two
/// threads.</summary>
public sealed class InvariantViolationException : Exception
{
    internal InvariantViolationException(string invariant, string detail)
        : base($"Broken invariant: {invariant}. {detail}")
    {
        Invariant = invariant;
    }

    /// <summary>The invariant that does not hold, in words.</summary>
    public string Invariant { get; }
}
