using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Testing.Internals;

/// <summary>What the tests of packages above Vmem need of its internals.</summary>
/// <remarks>They must not see these themselves. A package above compiles the shared source (src/Shared) as internals of its own, and a
/// project that saw both would see each of those types twice.</remarks>
public static class VmemInternals
{
    /// <summary>The lock that arenas take to come into and leave the metrics.</summary>
    public static Lock ArenaMetricsLock => LockOf(ArenaMetrics.Arenas);

    /// <summary>From now until the result is disposed, each growth of an arena's table on this thread asks whether it shall fail.</summary>
    public static IDisposable InjectGrowthFaults(Func<bool> fails) => GrowthFault.Inject(fails);

    /// <summary>The steps of this thread in Vmem's data structures since the last call.</summary>
    public static long TakeSteps() => StepCounter.Take();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref Lock LockOf(MeteredRegistry registry);
}
