using System.Runtime.CompilerServices;

namespace Vmem.Checks;

/// <summary>Counts the steps of the data structures (tags, nodes and chain links visited), so that tests can assert how they grow; and the
/// times a thread touches what all threads write: it enters a lock, or changes a word that is shared. With many processors each of
/// these waits for cache lines to come from another.</summary>
/// <remarks>
/// Off unless the program starts with the switch <c>Vmem.CountSteps</c>. <see cref="Enabled"/> is a static read-only field: the JIT takes
/// it for a constant once the class is initialised, and compiled code holds no trace of the counting.
/// </remarks>
internal static class StepCounter
{
    public static readonly bool Enabled = AppContext.TryGetSwitch("Vmem.CountSteps", out bool on) && on;

    [ThreadStatic]
    private static long t_steps;

    [ThreadStatic]
    private static long t_shared;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Count()
    {
        if (Enabled)
        {
            t_steps++;
        }
    }

    /// <summary>Several at once: where the loop itself must have nothing in it that need not be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Count(int steps)
    {
        if (Enabled)
        {
            t_steps += steps;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CountShared()
    {
        if (Enabled)
        {
            t_shared++;
        }
    }

    /// <summary>How often this thread has touched what is shared since the last call.</summary>
    public static long TakeShared()
    {
        long touches = t_shared;
        t_shared = 0;
        return touches;
    }

    /// <summary>The steps of this thread since the last call.</summary>
    public static long Take()
    {
        long steps = t_steps;
        t_steps = 0;
        return steps;
    }
}
