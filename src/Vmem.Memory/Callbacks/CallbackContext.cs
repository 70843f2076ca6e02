namespace Vmem.Memory;

/// <summary>What a heap or client keeps for <see cref="MemoryFunctions"/>: the context that stands for it, once somebody has asked, and
/// what became of wrong calls.</summary>
/// <param name="refused">Told of each; null if nobody wants to know.</param>
internal struct CallbackContext(Action<Exception>? refused)
{
    private const nint Closed = -1;

    private nint _context;                        // 0: nobody has asked
    private long _refused;

    /// <summary>How many calls were refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The functions of a target, always of the same context.</summary>
    /// <exception cref="ObjectDisposedException">The target is gone.</exception>
    public MemoryFunctions Open(ICallbackTarget target)
    {
        nint context = Volatile.Read(ref _context);
        if (context == 0)
        {
            nint added = CallbackTargets.Add(target);
            nint found = Interlocked.CompareExchange(ref _context, added, 0);
            if (found != 0)
            {
                CallbackTargets.Remove(added);    // another thread was first, with the same or with the end
            }

            context = found == 0 ? added : found;
        }

        ObjectDisposedException.ThrowIf(context == Closed, target);
        return new MemoryFunctions(context);
    }

    /// <summary>The target is gone: its context stands for nothing.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _context, Closed) is var context and not (0 or Closed))
        {
            CallbackTargets.Remove(context);
        }
    }

    /// <summary>A call was refused. What is told of it must not get into C: whatever it throws ends here.</summary>
    public void Note(Exception why)
    {
        _ = Interlocked.Increment(ref _refused);
        try
        {
            refused?.Invoke(why);
        }
        catch (Exception)
        {
            // It was told, and counted.
        }
    }
}
