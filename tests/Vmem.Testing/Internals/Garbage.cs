namespace Vmem.Testing.Internals;

/// <summary>Counts the managed memory that calls allocate.</summary>
public static class Garbage
{
    /// <summary>Enough for a busy machine to have optimised what runs here. Otherwise arbitrary.</summary>
    public const int MostSeries = 8;

    /// <summary>The bytes that this thread allocates in a series of rounds, once two series in a row allocate the same, or else in the last
    /// of <see cref="MostSeries"/>. The first is to warm up.</summary>
    /// <param name="rounds">How many make a series.</param>
    /// <param name="round">What is measured.</param>
    /// <param name="ofOthers">The bytes that others have allocated for it up to now: they count, too. Null: nobody has.</param>
    /// <remarks>The runtime makes objects of its own at first: while methods that it has yet to optimise still run, which takes longer the
    /// busier the machine is. Rejected: the least of several series, in which garbage that is made now and then would go unseen.</remarks>
    public static long Of(int rounds, Action round, Func<long>? ofOthers = null)
    {
        long last = -1;
        for (int series = 0; series < MostSeries; series++)
        {
            long others = ofOthers?.Invoke() ?? 0;
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < rounds; i++)
            {
                round();
            }

            long bytes = GC.GetAllocatedBytesForCurrentThread() - before + (ofOthers?.Invoke() ?? 0) - others;
            if (series > 1 && bytes == last)
            {
                break;
            }

            last = bytes;
        }

        return last;
    }
}
