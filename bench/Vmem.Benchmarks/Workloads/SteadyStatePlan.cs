namespace Vmem.Benchmarks.Workloads;

/// <summary>The dimensions of a steady state.</summary>
/// <param name="Segments">Live ranges.</param>
/// <param name="CapacityPerSegment">The arena's size divided by <paramref name="Segments"/>.</param>
internal sealed record SteadyStatePlan(int Segments, ulong CapacityPerSegment)
{
    // The replacements that bring a small arena into its steady state too.
    private const int LeastReplacements = 200_000;

    /// <summary>Frees and allocations in the timed batches, together.</summary>
    public int Operations { get; init; } = 1_000_000;

    public ulong Seed { get; init; } = Xorshift64.DefaultSeed;

    public ulong Capacity => CapacityPerSegment * (ulong)Segments;

    public int Replacements => Math.Max(Segments, LeastReplacements);
}

/// <summary>What a steady state cost, in nanoseconds.</summary>
/// <param name="Allocate">An allocation within a batch.</param>
/// <param name="Free">A free within a batch.</param>
/// <param name="Mix">A free and an allocation in the replacement loop, generator and ticket array included.</param>
/// <param name="Failures">Allocations that found no room, in all phases.</param>
internal readonly record struct SteadyStateTimes(double Allocate, double Free, double Mix, long Failures)
{
    public double Pair => Allocate + Free;
}
