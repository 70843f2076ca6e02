using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Testing.Internals;

/// <summary>What the tests of packages above Vmem need of its internals.</summary>
/// <remarks>They must not see these themselves. A package above compiles the shared source (src/Shared) as internals of its own, and a
/// project that saw both would see each of those types twice.</remarks>
public static class VmemInternals
{
    /// <summary>Enters the gate that arenas pass to come into the metrics and to leave them.</summary>
    public static void EnterArenaMetrics() => GateOf(ArenaMetrics.Arenas).Enter();

    /// <summary>Ends <see cref="EnterArenaMetrics"/>.</summary>
    public static void ExitArenaMetrics() => GateOf(ArenaMetrics.Arenas).Exit();

    /// <summary>From now until the result is disposed, each growth of an arena's table on this thread asks whether it shall fail.</summary>
    public static IDisposable InjectGrowthFaults(Func<bool> fails) => GrowthFault.Inject(fails);

    /// <summary>The steps of this thread in Vmem's data structures since the last call.</summary>
    public static long TakeSteps() => StepCounter.Take();

    /// <summary>How often this thread has touched what all threads write in Vmem since the last call: locks and shared words.</summary>
    public static long TakeShared() => StepCounter.TakeShared();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref Gate GateOf(MeteredRegistry registry);
}
