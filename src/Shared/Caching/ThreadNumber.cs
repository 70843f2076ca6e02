namespace Vmem.Caching;

/// <summary>The small number of the current thread. In a class of its own: a thread-static field that is no reference, in a class without
/// any, is read without a look at whether the thread has its statics yet.</summary>
internal static class ThreadNumber
{
    [ThreadStatic]
    private static int t_number;

    /// <summary>The current thread's number; 0 if it has none yet.</summary>
    public static int Current => t_number;

    /// <summary>The current thread's number; it gets one now if it has none.</summary>
    public static int Ensure() => t_number != 0 ? t_number : t_number = ThreadNumbers.Take(Thread.CurrentThread);
}
