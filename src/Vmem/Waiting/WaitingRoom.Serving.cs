using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Waiting;

// Serving those who wait: whatever may make room ends here.
//
// The head of the queue is tried, then the next, until one cannot be met. What needs only the lock is done at once, by whoever made the
// room. A head that needs an import is served by one thread at a time, which asks the source without the lock (ImportTurn).
//
// Which thread that is: the caller's own as long as it asks for itself; else one of the thread pool, if somebody else's source is to be
// asked. It may be slow, and whoever frees something has no part in what another waits for. Arenas and buddy allocators answer at once and
// are asked on the spot. In an arena of one thread, or above one, there is no other.
//
// What the source throws then belongs to the waiter it was asked for, whose task fails with it, and never to the thread that happened to
// free something.
internal sealed partial class WaitingRoom<T>
{
    private ImportTurn<T> _turn;

    /// <inheritdoc/>
    /// <remarks>Serves the queue, notifies the listeners, and gives the empty imports back that none of them wanted, until there is nothing
    /// more to give back.</remarks>
    public void RoomMayHaveCome(bool isOwnRelease, bool mayImport)
    {
        Conclusion end = default;
        ServeAndNotify(isOwnRelease, mayImport, onThisThread: false, ref end);
        for (Aftermath<T> surplus = _space.DetachSurplus(); surplus.HasSpans; surplus = _space.DetachSurplus())
        {
            _ = surplus.ReleaseSpans(_space.Name, _space.Source, ref end);
            ServeAndNotify(isOwnRelease, mayImport: true, onThisThread: false, ref end);
        }

        end.Throw();
    }

    /// <summary>The source may have room again: those who wait are tried at once, on this thread. It may be the source itself that says so,
    /// of what it is just given back.</summary>
    public void Retry()
    {
        Conclusion end = default;
        ServeAndNotify(isOwnRelease: true, mayImport: true, onThisThread: true, ref end);
        end.Throw();
    }

    private void ServeAndNotify(bool isOwnRelease, bool mayImport, bool onThisThread, ref Conclusion end)
    {
        Serve(isOwnRelease, mayImport, onThisThread, ref end);
        NotifyListeners(ref end);
    }

    private void ServeOnThisThread(Waiter<T> self)
    {
        Conclusion end = default;
        Serve(isOwnRelease: false, mayImport: false, onThisThread: true, ref end, self);
        end.Throw();
    }

    /// <summary>Serves the queue as far as it goes. Not to be called under the lock.</summary>
    /// <remarks>If the head does not fit while anything is lent, that is taken back, and the head is tried once more. What is lent after
    /// that was found not to help it; only another head makes it necessary again.</remarks>
    /// <param name="isOwnRelease">See <see cref="ImportTurn{T}"/>.</param>
    /// <param name="mayImport">Whether the source may give now what it would not before.</param>
    /// <param name="onThisThread">Whether the source is asked here, however slow it is.</param>
    /// <param name="end">What is thrown.</param>
    /// <param name="self">Who asks for himself, and for nobody else once he has been served.</param>
    private void Serve(bool isOwnRelease, bool mayImport, bool onThisThread, ref Conclusion end, Waiter<T>? self = null)
    {
        bool mayTakeBack = true;
        bool again;
        do
        {
            WaitQueue<T> served = default;
            bool import;
            bool stays;
            using (_space.VisitEvenEnded())
            {
                GrantWhatFits(ref served);
                stays = !_queue.IsEmpty;
                if (mayImport)
                {
                    _turn.NoteNews(isOwnRelease);
                    mayImport = false;            // it was one piece of news
                }

                import = stays && _supply.CanImport && _turn.TryTake(_queue.Head);
            }

            mayTakeBack |= !served.IsEmpty;
            CompleteAll(served, ref end);
            if (import)
            {
                ImportForWaiters(onThisThread, self, ref end);
            }

            again = stays && !import && mayTakeBack && _supply.TryTakeBackLent(ref end);
            mayTakeBack = false;
        }
        while (again);
    }

    /// <summary>Grants the head what it waits for, and the next, until one cannot be met. The lock is held.</summary>
    private void GrantWhatFits(ref WaitQueue<T> served)
    {
        while (_queue.Head is { } head)
        {
            Segment<T> nothing = default;
            if (!TryServe(head, ref nothing))
            {
                return;
            }

            served.Append(head);
        }
    }

    /// <summary>Takes the waiter out of the queue, if it can be met or has failed. It is recorded as its own call, not that of whoever made
    /// the room. The lock is held.</summary>
    private bool TryServe(Waiter<T> waiter, ref Segment<T> import)
    {
        try
        {
            using RecordingTagScope tag = RecordingTag.Use(waiter.Tag);
            if (!_space.TryTakeOrAttach(waiter.Request, ref import, out Grant<T> grant))
            {
                return false;
            }

            waiter.Grant(grant.Start);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            waiter.Fail(failure);
        }

        Remove(waiter);
        return true;
    }

    /// <summary>Has the head's import made, and what comes of it. The turn is taken.</summary>
    private void ImportForWaiters(bool onThisThread, Waiter<T>? self, ref Conclusion end)
    {
        if (onThisThread || !TryImportElsewhere())
        {
            ImportForWaiters(self, ref end);
        }
    }

    /// <summary>Passes the turn on, if the source may take its time.</summary>
    private bool TryImportElsewhere()
    {
        try
        {
            return _space.IsShared && _supply.AsksOthers &&
                ThreadPool.UnsafeQueueUserWorkItem(static room => room.ImportUnattended(), this, preferLocal: false);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>What concerns a waiter was told to it. The rest, a source that will not be unsubscribed from, is nobody's here.</summary>
    private void ImportUnattended()
    {
        Conclusion nobodys = default;
        ImportForWaiters(self: null, ref nobodys);
    }

    /// <summary>Imports for the head as long as there is anything to ask. Whatever is thrown: only who has the turn may, until it
    /// ends.</summary>
    private void ImportForWaiters(Waiter<T>? self, ref Conclusion end)
    {
        bool goOn;
        do
        {
            bool isTakenBack = _supply.TryTakeBackLent(ref end);
            WaitQueue<T> served = default;
            Waiter<T>? head;
            using (_space.VisitEvenEnded())
            {
                _turn.BeginAsking();
                if (isTakenBack)
                {
                    GrantWhatFits(ref served);
                }

                head = _queue.Head;
            }

            CompleteAll(served, ref end);
            served = default;
            bool isAttached = head is not null && ImportFor(head, ref served);

            using (_space.VisitEvenEnded())
            {
                GrantWhatFits(ref served);        // an import may have room for more than one
                goOn = !_turn.TryEnd(_queue.Head);
            }

            CompleteAll(served, ref end);
            if (isAttached)
            {
                NotifyListeners(ref end);         // and for those who wait above
            }
        }
        while (goOn && !(self is { State: not WaitState.Queued } && TryImportElsewhere()));
    }

    /// <summary>Asks the source on behalf of one waiter, who may have left before the answer comes.</summary>
    /// <returns>Whether there is a span more.</returns>
    private bool ImportFor(Waiter<T> waiter, ref WaitQueue<T> served)
    {
        Segment<T> import = default;
        Exception? failure = null;
        try
        {
            import = _supply.Import(waiter.Request);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        bool left;
        bool isGiven = !T.IsZero(import.Size);
        using (_space.VisitEvenEnded())
        {
            left = waiter.State == WaitState.Queued && (failure is null ? TryServe(waiter, ref import) : TryFail(waiter, failure));
            _turn.EndAsking(waiter);
        }

        if (!T.IsZero(import.Size))
        {
            ReturnImport(import, waiter, ref left);
        }

        if (left)
        {
            served.Append(waiter);
        }

        return isGiven && T.IsZero(import.Size);
    }

    /// <summary>The import was not needed. If the source will not have it, the waiter fails; who was granted a range meanwhile keeps it,
    /// and the exception is nobody's.</summary>
    private void ReturnImport(in Segment<T> import, Waiter<T> waiter, ref bool left)
    {
        try
        {
            _space.Source!.Release(import.Start, import.Size);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            using (_space.VisitEvenEnded())
            {
                left |= TryFail(waiter, failure);
            }
        }
    }
}
