using Vmem.Checks;
using Vmem.Testing.Internals;

namespace Vmem.Memory.Tests.Internals;

/// <summary>The steps of data structures (<c>StepCounter</c>): of this package's, and of the arenas below it.</summary>
internal static class Steps
{
    /// <summary>The steps of this thread since the last call.</summary>
    public static long Take() => StepCounter.Take() + VmemInternals.TakeSteps();

    /// <summary>How often this thread has touched what all threads write since the last call: locks and shared words.</summary>
    public static long TakeShared() => StepCounter.TakeShared() + VmemInternals.TakeShared();
}
