namespace Vmem.Checks;

/// <summary>The pauses between looks at what another thread is about to change. An interrupt does not end them: it is left for the thread's
/// first wait after this was disposed of.</summary>
/// <remarks>Rejected: <see cref="SpinWait"/>. It calls <c>Thread.Sleep(0)</c>, which an interrupt ends with an exception.</remarks>
internal ref struct Spin : IDisposable
{
    /// <summary>In iterations of <see cref="Thread.SpinWait"/>: a look takes the line from the thread that is about to write it, which then
    /// misses once.</summary>
    private const int SpinsBetweenLooks = 50;

    /// <summary>After so many looks without success the processor is offered to others, as the other thread itself may be waiting for one;
    /// on a machine with one processor it must be, at every look.</summary>
    private static readonly int s_looksBeforeYield = Environment.ProcessorCount == 1 ? 1 : 20;

    /// <summary>After so many looks the thread sleeps at each: offering the processor does not reach a thread of lower priority.</summary>
    private const int LooksBeforeSleep = 2_000;

    /// <summary>log2 of the longest pause of <see cref="BackOff"/>, in iterations of 40 ns: 160 µs, in which another thread does some
    /// thousand operations.</summary>
    private const int MostBackOff = 12;

    /// <summary>After so many of the longest the thread sleeps at each. Arbitrary.</summary>
    private const int LongestBeforeSleep = 100;

    private int _looks;
    private DeferredInterrupt _interrupts;

    public void Pause()
    {
        if (Exploration.LooksAgain())
        {
            return;
        }

        if (++_looks >= LooksBeforeSleep)
        {
            _interrupts.Sleep();
        }
        else if (_looks % s_looksBeforeYield != 0 || !Thread.Yield())
        {
            Thread.SpinWait(SpinsBetweenLooks);
        }
    }

    /// <summary>A pause twice as long as the one before, where the other thread is to be left to its run.</summary>
    public void BackOff()
    {
        if (Exploration.LooksAgain())
        {
            return;
        }

        if (++_looks <= MostBackOff && Environment.ProcessorCount > 1)
        {
            Thread.SpinWait(1 << _looks);
        }
        else if (_looks > MostBackOff + LongestBeforeSleep)
        {
            _interrupts.Sleep();
        }
        else if (!Thread.Yield())
        {
            Thread.SpinWait(1 << MostBackOff);
        }
    }

    public readonly void Dispose() => _interrupts.Dispose();
}
