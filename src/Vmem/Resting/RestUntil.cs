namespace Vmem.Resting;

/// <summary>When a rest ends. The default value: at once.</summary>
/// <param name="At">The time by <see cref="Rests{T}.Now"/>, or the fence.</param>
/// <param name="IsFence">Which of the two.</param>
internal readonly record struct RestUntil(ulong At, bool IsFence = false)
{
    /// <summary>Whether there is no rest at all.</summary>
    public bool IsNow => this == default;
}
