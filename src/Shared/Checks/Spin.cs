namespace Vmem.Checks;

/// <summary>The pauses between looks at what another thread is about to change. An interrupt does not end them: it is left for the thread's
/// first wait after this was disposed of.</summary>
/// <remarks>Rejected: <see cref="SpinWait"/>. It calls <c>Thread.Sleep(0)</c>, which an interrupt ends with an exception.</remarks>
internal ref struct Spin : IDisposable
{
    /// <summary>In iterations of <see cref="Thread.SpinWait"/>, of 40 ns: a look takes the line from the thread that is about to write it,
    /// which then misses once.</summary>
    private const int SpinsBetweenLooks = 50;

    /// <summary>Where there is no haste the pauses get longer, up to so many iterations.</summary>
    private const int MostSpinsBetweenLooks = 400;

    /// <summary>After so many looks without success the processor is offered to others, as the other thread itself may be waiting for one;
    /// on a machine with one processor it must be, at every look.</summary>
    private static readonly int s_looksBeforeYield = Environment.ProcessorCount == 1 ? 1 : 20;

    /// <summary>After so many looks the thread sleeps at each: offering the processor does not reach a thread of lower priority.</summary>
    private const int LooksBeforeSleep = 2_000;

    private int _looks;
    private DeferredInterrupt _interrupts;

    /// <param name="isHasty">Whether every pause is short.</param>
    public void Pause(bool isHasty = true)
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
            Thread.SpinWait(isHasty ? SpinsBetweenLooks : Math.Min(SpinsBetweenLooks * _looks, MostSpinsBetweenLooks));
        }
    }

    /// <summary>What is waited for may come soon: no sleep for a while.</summary>
    public void Restart() => _looks = 0;

    public readonly void Dispose() => _interrupts.Dispose();
}
