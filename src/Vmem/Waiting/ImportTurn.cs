using System.Numerics;
using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>Whose turn it is to import for those who wait: one thread's at a time; and nobody's while the source would only say no
/// again.</summary>
/// <remarks>
/// <para>
/// A source that had nothing is not asked the same again until there is <em>news</em>: it says that it may have room, somebody says so on
/// its behalf (<see cref="Arena{T}.RetryWaiters"/>), or there is something that it can be given back. A free in the arena is none. A larger
/// request under the same constraints is the same question. A source that cannot say when it has room is asked once for each who waits.
/// </para>
/// <para>
/// An own release is room that may be no more than what an attempt to import has itself just put back: a span that did not help, or an
/// empty import that was reaped. It is heard while the import is still under way on the same thread, and is no news there; to ask again
/// because of it would be to ask for ever. Nothing is missed: what came back to the segments is tried when the attempt ends. What others
/// release on this thread, when the attempt has had them give something back and they are told so, is none of that: it is news.
/// </para>
/// <para>Everything is under the arena's lock.</para>
/// </remarks>
/// <param name="notifies">Whether the source says when it may have room.</param>
internal struct ImportTurn<T>(bool notifies)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private Waiter<T>? _refused;                  // for whom the source had nothing when it was last asked
    private bool _isTaken;
    private bool _hasNews;                        // since it is being asked
    private int _thread;                          // that asks; 0 before it has begun
    private int _tellings;                        // on that thread, when it began

    /// <summary>Takes the turn, if there is anything to ask.</summary>
    public bool TryTake(Waiter<T>? head)
    {
        if (_isTaken || !IsToBeAsked(head))
        {
            return false;
        }

        _isTaken = true;
        return true;
    }

    /// <summary>The thread that has the turn is about to ask.</summary>
    public void BeginAsking()
    {
        Invariant.Assert(_isTaken, "who asks has the turn");
        _thread = Environment.CurrentManagedThreadId;
        _tellings = Space<T>.Tellings;
        _hasNews = false;
    }

    /// <summary>The source was asked. If that did not help, it is not asked the same again.</summary>
    public void EndAsking(Waiter<T> asked) => _refused = _hasNews || asked.State != WaitState.Queued ? null : asked;

    /// <summary>Ends the turn, unless there is more to ask.</summary>
    public bool TryEnd(Waiter<T>? head)
    {
        if (IsToBeAsked(head))
        {
            return false;
        }

        End();
        return true;
    }

    /// <summary>Ends the turn, whatever there is to ask: the next that comes goes on.</summary>
    public void End()
    {
        _isTaken = false;
        _thread = 0;
    }

    /// <summary>The source may give what it did not.</summary>
    public void NoteNews(bool isOwnRelease)
    {
        if (!isOwnRelease || _thread != Environment.CurrentManagedThreadId || _tellings != Space<T>.Tellings)
        {
            _hasNews = true;
            _refused = null;
        }
    }

    /// <summary>Nobody waits any more: the news is not heard from now on.</summary>
    public void Forget() => _refused = null;

    private readonly bool IsToBeAsked(Waiter<T>? head) =>
        head is not null && head != _refused &&
        !(notifies && _refused is not null && head.Request.Placement.IsAsHardAs(_refused.Request.Placement));
}
