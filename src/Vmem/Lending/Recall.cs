using System.Runtime.ExceptionServices;
using Vmem.Checks;

namespace Vmem.Lending;

/// <summary>One thread takes back what those who borrow from a source keep unused.</summary>
/// <remarks>
/// <para>
/// A recall runs no code of others. Only arenas are asked, and buddy allocators get something back. A source that somebody else wrote gets
/// it when all have been asked. Whoever waits is served, and listeners and other sources are called, after it. So threads may wait for each
/// other's recalls: none of them waits for anything else, and the gates are entered from a source to those above it, never the other way.
/// </para>
/// <para>Rejected: each gives back what it keeps as it would at <c>Reap</c>. Then serving those who wait would import in the middle of a
/// recall, and one that ran into another's could only fail, with something on its way to the source.</para>
/// </remarks>
internal sealed class Recall
{
    [ThreadStatic]
    private static Recall? t_spare;

    [ThreadStatic]
    private static int t_depth;

    [ThreadStatic]
    private static int t_tellings;

    private readonly List<IBorrower> _toTell = [];
    private ExceptionDispatchInfo? _failure;

    private Recall()
    {
    }

    /// <summary>Whether the current thread is in the middle of one: what is freed then serves and notifies nobody yet.</summary>
    public static bool IsUnderWay => t_depth != 0;

    /// <summary>In how many ends of recalls the current thread is: what is freed there is others' business.</summary>
    public static int Tellings => t_tellings;

    /// <summary>How often something came back.</summary>
    public int Given { get; private set; }

    /// <summary>Something came back.</summary>
    public void NoteGiven() => Given++;

    /// <summary>Begins one on the current thread.</summary>
    public static Recall Begin()
    {
        Recall recall = t_spare ?? new Recall();
        t_spare = null;
        return recall;
    }

    /// <summary>Has one borrower give back what it keeps. One that throws does not keep the others from it.</summary>
    /// <returns>Whether it may come to keep something without saying so again.</returns>
    public bool Ask(IBorrower borrower)
    {
        StepCounter.Count();
        t_depth++;
        try
        {
            return borrower.GiveBack(this);
        }
#pragma warning disable CA1031 // It is thrown again when the recall ends.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
            return true;
        }
        finally
        {
            t_depth--;
        }
    }

    /// <summary>Takes a step of it. One that throws does not keep the others from theirs.</summary>
    public void Take<TState>(TState state, Action<TState> step)
    {
        try
        {
            step(state);
        }
#pragma warning disable CA1031 // It is thrown again when the recall ends.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Whoever waits in it or above it is to be told afterwards.</summary>
    public void TellLater(IBorrower borrower)
    {
        if (_toTell.Count == 0 || _toTell[^1] != borrower)
        {
            _toTell.Add(borrower);
        }
    }

    /// <summary>Ends it: tells everybody, whatever is thrown; the first exception is thrown in the end.</summary>
    public void End()
    {
        ExceptionDispatchInfo? failure = _failure;
        t_tellings++;
        foreach (IBorrower borrower in _toTell)
        {
            try
            {
                borrower.EndRecall();
            }
#pragma warning disable CA1031 // It is thrown again when all have been told.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        t_tellings--;
        _failure = null;
        _toTell.Clear();
        t_spare = this;
        failure?.Throw();
    }
}
