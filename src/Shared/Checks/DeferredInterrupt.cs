namespace Vmem.Checks;

/// <summary>Waits that must come to their end. An interrupt that comes meanwhile is left for the first wait of the thread after the scope
/// of this.</summary>
/// <remarks>
/// <see cref="Thread.Interrupt"/> ends a thread's wait by an exception, also the wait for a lock. Code that gives something back cannot
/// stop halfway for it. Declare this with <c>using</c> around all such waits: passed on between two of them, the interrupt would end the
/// second.
/// </remarks>
internal ref struct DeferredInterrupt : IDisposable
{
    private bool _came;

    /// <summary>Calls what may wait.</summary>
    /// <returns>What it returns; false if an interrupt has ended it.</returns>
    public bool Try<TState>(TState state, Func<TState, bool> call)
    {
        try
        {
            return call(state);
        }
        catch (ThreadInterruptedException)
        {
            _came = true;
            return false;
        }
    }

    /// <summary>Sleeps for a millisecond, or until an interrupt comes.</summary>
    public void Sleep() => _ = Try(1, static milliseconds =>
    {
        Thread.Sleep(milliseconds);
        return true;
    });

    /// <summary>Passes the interrupt on.</summary>
    public readonly void Dispose()
    {
        if (_came)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
