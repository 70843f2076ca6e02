using System.Runtime.ExceptionServices;

namespace Vmem.Checks;

/// <summary>The steps by which something ends that cannot be ended twice. All are taken, whatever one of them throws; the first exception
/// is thrown when all are done, or the first that says what is wrong with the library itself.</summary>
internal struct Conclusion
{
    private ExceptionDispatchInfo? _failure;

    public void Take(Action step) => Take(step, static step => step());

    public void Take<TState>(TState state, Action<TState> step)
    {
        try
        {
            step(state);
        }
#pragma warning disable CA1031 // It is thrown again when all steps are done.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (_failure is null || (e is InvariantViolationException && !IsOwnFault))
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    public readonly void Throw() => _failure?.Throw();

    /// <summary>Throws what is wrong with the library itself. What others have thrown is nobody's: the caller's answer says what was
    /// done.</summary>
    public readonly void ThrowOwnFault()
    {
        if (IsOwnFault)
        {
            Throw();
        }
    }

    private readonly bool IsOwnFault => _failure?.SourceException is InvariantViolationException;

    /// <summary>Undoes something because of an exception that is thrown again afterwards. That one says why, and counts: what the source
    /// says to a span that it gets back, or to a listener that leaves, is nobody's here.</summary>
    public static void Undo<TState>(TState state, Action<TState> step)
    {
        try
        {
            step(state);
        }
#pragma warning disable CA1031 // See above.
        catch (Exception e) when (e is not InvariantViolationException)
#pragma warning restore CA1031
        {
        }
    }
}
