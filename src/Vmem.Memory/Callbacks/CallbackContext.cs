namespace Vmem.Memory;

/// <summary>What a heap or client keeps for <see cref="MemoryFunctions"/>: the context that stands for it, once somebody has asked, and
/// what became of wrong calls.</summary>
/// <param name="refused">Told of each; null if nobody wants to know.</param>
internal struct CallbackContext(Action<Exception>? refused)
{
    private nint _context;                        // 0: nobody has asked
    private long _refused;

    /// <summary>How many calls were refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The functions of a target, always of the same context.</summary>
    public MemoryFunctions Open(ICallbackTarget target)
    {
        if (Volatile.Read(ref _context) == 0)
        {
            nint context = CallbackTargets.Add(target);
            if (Interlocked.CompareExchange(ref _context, context, 0) != 0)
            {
                CallbackTargets.Remove(context);  // another thread was first
            }
        }

        return new MemoryFunctions(_context);
    }

    /// <summary>The target is gone: its context stands for nothing.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _context, 0) is var context and not 0)
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
