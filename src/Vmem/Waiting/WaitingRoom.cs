using System.Numerics;
using Vmem.Checks;
using Vmem.Lending;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>Those who wait for room in one arena, first come, first served: vmem_alloc and vmem_xalloc with VM_SLEEP.</summary>
/// <remarks>
/// <para>
/// A request that cannot be met joins the tail of a queue. Whatever may make room serves the queue from its head. A waiting call that finds
/// others queued goes behind them even if it would fit; otherwise a large request would starve behind small ones that keep arriving.
/// </para>
/// <para>
/// Calls that do not wait are no part of that order. They are answered from what is free at the moment, and go on failing only if nothing
/// fits; a stream of them can keep a large waiter waiting. Rejected: to refuse them while somebody waits. One waiter for the whole arena
/// would turn every <c>TryAllocate</c> beside it into a failure.
/// </para>
/// <para>
/// <b>Into the queue.</b> Before a request is queued the caches are watched and the arena listens to its source. From then on every free,
/// here or below, reaches the queue, unless it can help nobody there. Then the request is tried once more. Whatever made room before was
/// seen by that attempt, and whatever makes room later finds it queued.
/// </para>
/// <para>
/// <b>Out of it.</b> What was done for a waiter on its way in is undone once on its way out, by <see cref="CompleteWaiter"/>, whoever took
/// it out.
/// </para>
/// </remarks>
internal sealed partial class WaitingRoom<T> : IWatcher<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly ISupply<T> _supply;
    private readonly TimeProvider _time;
    private readonly SourceListener<T> _listener;
    private readonly WaitTimes _times = new();
    private Space<T> _space = null!;              // the two know each other
    private WaitQueue<T> _queue;
    private Action[] _listeners = [];             // replaced, not changed: whoever calls them needs no lock

    /// <param name="supply">Where room may come from.</param>
    /// <param name="source">Says when it may have room; null if there is no such source.</param>
    /// <param name="time">The clock for time-outs.</param>
    public WaitingRoom(ISupply<T> supply, INotifyingArenaSource<T>? source, TimeProvider time)
    {
        _supply = supply;
        _time = time;
        _listener = new SourceListener<T>(source, SourceMayHaveRoom);
        _turn = new ImportTurn<T>(notifies: source is not (null or SharedSource<T> { Notifies: false }));
    }

    /// <summary>How many had to wait, and for how long.</summary>
    public WaitTimes Times => _times;

    /// <summary>Whether somebody waits: then a call that may wait does, too. Read without the lock: of two calls that meet, either may be
    /// the first.</summary>
    public bool IsQueued => _space.IsWatched && !_queue.IsEmpty;

    /// <summary>Whose room it is. Called once.</summary>
    public void Open(Space<T> space) => _space = space;

    /// <summary>The arena is disposed: takes everybody out of the queue. The lock is held.</summary>
    public WaitQueue<T> FailAll()
    {
        WaitQueue<T> failed = default;
        while (_queue.Head is { } head)
        {
            _ = TryFail(head, new ObjectDisposedException(_space.Name, $"Arena '{_space.Name}' was disposed while this request waited."));
            failed.Append(head);
        }

        return failed;
    }

    /// <summary>Completes all of them, whatever is thrown.</summary>
    public void CompleteAll(WaitQueue<T> waiters, ref Conclusion end)
    {
        while (waiters.Head is { } waiter)
        {
            waiters.Remove(waiter);
            end.Take((this, waiter), static it => it.Item1.CompleteWaiter(it.waiter));
        }
    }

    /// <summary>How many wait. A hint where the lock is not held.</summary>
    public int Count => _queue.Count;

    /// <summary>Copies the waits at the head of the queue, and counts all.</summary>
    public List<ArenaWait> Copy(int most, out int count)
    {
        List<ArenaWait> waits = [];
        (long now, double perSecond) = (_time.GetTimestamp(), _time.TimestampFrequency);           // somebody's code: without the lock
        using (_space.VisitEvenEnded())
        {
            for (Waiter<T>? waiter = _queue.Head; waiter is not null && waits.Count < most; waiter = waiter.Next)
            {
                TimeSpan age = TimeSpan.FromSeconds(Math.Max(0, now - (waiter.Began ?? now)) / perSecond);
                waits.Add(new ArenaWait(UInt128.CreateTruncating(waiter.Request.Size), waiter.Request.Policy, age, waiter.Tag));
            }

            count = _queue.Count;
        }

        return waits;
    }

    /// <summary>Every invariant of the queue. The lock is held.</summary>
    public void Validate()
    {
        _space.AssertHeld();
        long count = 0;
        Waiter<T>? previous = null;
        for (Waiter<T>? waiter = _queue.Head; waiter is not null; waiter = waiter.Next)
        {
            Invariant.Hold(waiter.State == WaitState.Queued && waiter.Previous == previous, "the queue holds those who wait", $"number {count} in it is {waiter.State}");
            previous = waiter;
            count++;
        }

        Invariant.Hold(count == _queue.Count, "those who wait are counted", $"{count} wait, {_queue.Count} are counted");
        bool isWatched = count + _listeners.Length > 0;
        Invariant.Hold(_space.IsWatched == isWatched, "a free knows whether anybody waits", $"{count} wait, {_listeners.Length} listen, and it is watched: {_space.IsWatched}");
    }

    /// <inheritdoc/>
    public T Needed => _listeners.Length == 0 && _queue.Head is { } head ? head.Request.Size : T.Zero;

    /// <inheritdoc/>
    /// <remarks>The next one need not be tried if he wants the same: nothing has changed that would help him.</remarks>
    public IGranted? HandOver(in Grant<T> grant, out FitPolicy policy)
    {
        _space.AssertHeld();
        policy = default;
        if (_queue.Head is not { } head || !Wants(head, grant.Size))
        {
            return null;
        }

        policy = head.Request.Policy;
        head.Grant(grant.Start);
        Remove(head);
        if (_queue.Head is { } next && !Wants(next, grant.Size))
        {
            _space.NoteRoom();
        }

        return head;
    }

    private static bool Wants(Waiter<T> waiter, T size) => waiter.Request.Kind == RequestKind.Range && waiter.Request.Size == size;

    /// <summary>Takes a waiter that gives up out of the queue, unless it has left already. Those behind it may fit now.</summary>
    public bool Withdraw(Waiter<T> waiter, WaitState end)
    {
        bool wasHead;
        using (_space.VisitEvenEnded())
        {
            if (waiter.State != WaitState.Queued)
            {
                return false;
            }

            wasHead = _queue.Head == waiter;
            waiter.Leave(end);
            Remove(waiter);
        }

        Exploration.MayForget(ref wasHead, "serve who stood behind");

        if (end == WaitState.TimedOut)
        {
            _space.NoteFailure(waiter.Request.Size);
        }

        Conclusion ending = default;
        ending.Take((this, waiter), static it => it.Item1.CompleteWaiter(it.waiter));
        if (wasHead)
        {
            Serve(isOwnRelease: false, mayImport: false, onThisThread: false, ref ending);
        }

        ending.Throw();
        return true;
    }

    /// <summary>Nobody will look at the waiter any more, because of an exception: what it has been granted is freed.</summary>
    private void Abandon(Waiter<T> waiter) => Conclusion.Undo((Room: this, waiter), static it =>
    {
        if (!it.Room.Withdraw(it.waiter, WaitState.Cancelled) && it.waiter.State == WaitState.Granted)
        {
            it.Room._space.TakeBack(it.waiter.Granted);
        }
    });

    /// <summary>Fails a waiter, unless it has left already. The lock is held.</summary>
    private bool TryFail(Waiter<T> waiter, Exception failure)
    {
        if (waiter.State != WaitState.Queued)
        {
            return false;
        }

        waiter.Fail(failure);
        Remove(waiter);
        return true;
    }

    private void Remove(Waiter<T> waiter)
    {
        _queue.Remove(waiter);
        if (_queue.IsEmpty)
        {
            _turn.Forget();
        }

        NoteWatchers();
    }

    /// <summary>Whether anybody waits or listens may have changed. The lock is held.</summary>
    private void NoteWatchers() => _space.SetWatched(!_queue.IsEmpty || _listeners.Length != 0);

    /// <summary>Everything that follows when a waiter has left the queue, whatever for. Called once for each, under no lock.</summary>
    public void CompleteWaiter(Waiter<T> waiter)
    {
        Conclusion end = default;
        end.Take(this, static room => room.Unfollow());
        end.Take(waiter, static waiter => waiter.Complete());
        if (waiter.IsArmed)
        {
            end.Take(waiter, static waiter => waiter.Disarm());
        }

        if (waiter.Began is { } began)
        {
            end.Take((this, began), static it => it.Item1._times.NoteEnd(it.Item1._space.Name, it.Item1._time.GetElapsedTime(it.began)));
        }

        end.Throw();
    }
}
