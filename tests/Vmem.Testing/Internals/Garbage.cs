namespace Vmem.Testing.Internals;

/// <summary>Counts the managed memory that calls allocate.</summary>
public static class Garbage
{
    private const int Series = 6;

    /// <summary>The bytes that this thread allocates in a series of rounds: the least of several series, after one to warm up.</summary>
    /// <remarks>Code that makes garbage makes it in each series. The runtime makes some once: at the first call of a method, and while
    /// methods that it has yet to optimise still run, which takes longer the busier the machine is.</remarks>
    public static long Of(int rounds, Action round)
    {
        long least = long.MaxValue;
        for (int series = 0; series < Series && least != 0; series++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < rounds; i++)
            {
                round();
            }

            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            least = series == 0 ? least : Math.Min(least, bytes);
        }

        return least;
    }
}
