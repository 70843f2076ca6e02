using System.Runtime;

namespace Vmem.Testing.Internals;

/// <summary>Counts the managed memory that calls allocate.</summary>
public static class Garbage
{
    /// <summary>Enough for a busy machine to have optimised what runs here. Otherwise arbitrary.</summary>
    public const int MostSeries = 16;

    /// <summary>So many pauses in which nothing was compiled: in the first the runtime begins to count calls, and then it has what it
    /// counted compiled.</summary>
    private const int QuietPauses = 2;

    /// <summary>So many pauses it waits for one in which nothing is compiled: tests that run beside this one bring new code. Otherwise
    /// arbitrary.</summary>
    private const int MostPauses = 5;

    /// <summary>Longer than the runtime waits before it optimises: 100 ms without new code.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(120);

    /// <summary>The bytes that this thread allocates in a series of rounds: nothing, once two series in a row allocate nothing. Else what
    /// all series allocate while the runtime has no more to optimise, or the last of <see cref="MostSeries"/>. The first is to warm
    /// up.</summary>
    /// <param name="rounds">How many make a series.</param>
    /// <param name="round">What is measured.</param>
    /// <param name="ofOthers">The bytes that others have allocated for it up to now: they count, too. Null: nobody has.</param>
    /// <remarks>Code that is yet to be optimised makes objects of its own, and series of it may be equal. It stays so for longer the busier
    /// the machine is. Rejected: the least of several series, in which garbage that is made now and then would go unseen.</remarks>
    public static long Of(int rounds, Action round, Func<long>? ofOthers = null)
    {
        long last = -1;
        long compiled = -1;
        int quiet = 0;
        for (int series = 0; series < MostSeries; series++)
        {
            long bytes = InSeries(rounds, round, ofOthers);
            long compiledNow = JitInfo.GetCompiledMethodCount();
            quiet = bytes == last && compiledNow == compiled ? quiet + 1 : 0;
            if (series > 1 && bytes == last && (bytes == 0 || quiet > QuietPauses))
            {
                break;
            }

            (last, compiled) = (bytes, compiledNow);
            if (series > 1)
            {
                AwaitQuietPause();
            }
        }

        return last;
    }

    /// <summary>The runtime does not even begin to count calls before it: a series without it is lost.</summary>
    private static void AwaitQuietPause()
    {
        long before = -1;
        long now = JitInfo.GetCompiledMethodCount();
        for (int pause = 0; pause < MostPauses && now != before; pause++)
        {
            before = now;
            Thread.Sleep(s_pause);
            now = JitInfo.GetCompiledMethodCount();
        }
    }

    private static long InSeries(int rounds, Action round, Func<long>? ofOthers)
    {
        long others = ofOthers?.Invoke() ?? 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < rounds; i++)
        {
            round();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before + (ofOthers?.Invoke() ?? 0) - others;
    }
}
