namespace Vmem.Segments;

/// <summary>Native tables that can be given back.</summary>
internal interface IReleasable
{
    void Release();
}

/// <summary>What happens to an index that is given up. A large one is given back on another thread: the system frees its pages one by one,
/// and the arena would wait. It is no longer the arena's by then.</summary>
internal static class GivenUp
{
    /// <summary>The most that a thread gives back which wants something else. Arbitrary: some microseconds.</summary>
    private const long ReleasedAtOnce = 64 << 10;

    public static void Release(IReleasable tables, long bytes)
    {
        try
        {
            if (bytes > ReleasedAtOnce && ThreadPool.UnsafeQueueUserWorkItem(static tables => tables.Release(), tables, preferLocal: false))
            {
                return;
            }
        }
        catch (OutOfMemoryException)
        {
            // There is no memory to ask another thread.
        }

        tables.Release();
    }
}
