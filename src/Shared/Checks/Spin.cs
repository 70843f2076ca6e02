namespace Vmem.Checks;

/// <summary>The pauses between looks at what another thread is about to change. An interrupt does not end them: it is left for the thread's
/// first wait after this was disposed of.</summary>
/// <remarks>Rejected: <see cref="SpinWait"/>. It calls <c>Thread.Sleep(0)</c>, which an interrupt ends with an exception.</remarks>
internal ref struct Spin : IDisposable
{
    // All in iterations of Thread.SpinWait, of 40 ns.

    /// <summary>A look takes the line from the thread that is about to write it, which then misses once.</summary>
    private const int Shortest = 50;

    /// <summary>Where there is no haste each pause is longer than the one before, up to this.</summary>
    private const int Longest = 400;

    /// <summary>After so many the processor is offered to others, as the other thread itself may be waiting for one; on a machine with one
    /// processor it must be, at every look.</summary>
    private static readonly int s_beforeYield = Environment.ProcessorCount == 1 ? 0 : 1_000;

    /// <summary>After so many the thread sleeps at each look: offering the processor does not reach a thread of lower priority, and many
    /// that wait would take the processor from the one that works.</summary>
    private const int BeforeSleep = 100_000;

    private int _length;
    private int _spun;
    private int _spunSinceYield;
    private DeferredInterrupt _interrupts;

    /// <param name="isHasty">Whether every pause is short.</param>
    public void Pause(bool isHasty = true)
    {
        if (Exploration.LooksAgain())
        {
            return;
        }

        _length = isHasty ? Shortest : Math.Min(_length + Shortest, Longest);
        if (_spun >= BeforeSleep)
        {
            _interrupts.Sleep();
            return;
        }

        _spun += _length;
        _spunSinceYield += _length;
        if (_spunSinceYield > s_beforeYield)
        {
            _spunSinceYield = 0;
            if (Thread.Yield())
            {
                return;
            }
        }

        Thread.SpinWait(_length);
    }

    /// <summary>What is waited for may come soon: no sleep for a while.</summary>
    public void Restart() => _spun = 0;

    public readonly void Dispose() => _interrupts.Dispose();
}
