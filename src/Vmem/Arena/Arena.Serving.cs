using Vmem.Diagnostics;
using Vmem.Segments;
using Vmem.Waiting;

namespace Vmem;

// Serving those who wait: whatever may make room ends here.
//
// The head of the queue is tried, then the next, until one cannot be met. What needs only the lock is done by whoever made the room, at
// once. A head that needs an import is served by one thread at a time, which leaves the lock while it asks the source; who comes meanwhile
// notes that it must ask again. So a slow source delays nobody whom a free can help.
//
// What the source throws then belongs to the waiter it was asked for, whose task fails with it, and never to the thread that happened to
// free something.
//
// An echo is room that may be no more than what an attempt to import has itself just put back: a span that did not help, or an
// empty import that was reaped. It reaches the queue while the import is still under way on the same thread, and is ignored there; to
// ask again because of it would be to ask for ever. Nothing is missed: when the attempt ends, the head is tried once more.
public sealed partial class Arena<T>
{
    private bool _followed;                       // somebody waits here, or in an arena above
    private bool _importing;                      // a thread imports for the head
    private bool _importAgain;
    private int _importingThread;

    /// <summary>Room may have come, from wherever: serves who waits here, tells who listens, and gives back the empty imports that nobody
    /// wanted. Not to be called under the lock.</summary>
    private void RoomMayHaveCome(bool echo = false)
    {
        ServeAndNotify(echo);
        while (TryTrim() is { } surplus)
        {
            try
            {
                ReleaseAll(surplus);
            }
            finally
            {
                ServeAndNotify(echo);
            }
        }
    }

    private void ServeAndNotify(bool echo)
    {
        Serve(echo);
        NotifyListeners();
    }

    /// <summary>Serves the queue as far as it goes. Not to be called under the lock.</summary>
    private void Serve(bool echo)
    {
        WaitQueue<T> served = default;
        bool import = false;
        EnterRaw();
        GrantWhatFits(ref served);
        if (!_queue.IsEmpty && _source is not null)
        {
            import = !_importing;
            if (import)
            {
                _importing = true;
                _importingThread = Environment.CurrentManagedThreadId;
            }
            else
            {
                _importAgain |= !echo || _importingThread != Environment.CurrentManagedThreadId;
            }
        }

        Exit();
        ConcludeAll(served);
        if (import)
        {
            ImportForWaiters();
        }
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

    /// <summary>Takes the waiter out of the queue, if it can be met or has failed. The lock is held.</summary>
    private bool TryServe(Waiter<T> waiter, ref Segment<T> import)
    {
        try
        {
            if (!_map.HasReserve)
            {
                _map.Reserve();
            }

            if (!TryClaimFor(waiter, ref import, out T start))
            {
                return false;
            }

            waiter.Grant(start);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            waiter.Fail(failure);
        }

        _queue.Remove(waiter);
        NoteFollowers();
        return true;
    }

    /// <summary>Claims what a waiter waits for; it is signed and tagged by who waits, not by who made the room.</summary>
    private bool TryClaimFor(Waiter<T> waiter, ref Segment<T> import, out T start)
    {
        using RecordingTagScope tag = RecordingTag.Use(waiter.Tag);
        if (waiter.Site is null)
        {
            return TryClaimOrAttach(ref import, waiter.Placement, waiter.Policy, byHandle: false, out start, out _);
        }

        using var signature = new AuditSignature(_audit!, waiter.Site);
        return TryClaimOrAttach(ref import, waiter.Placement, waiter.Policy, byHandle: false, out start, out _);
    }

    /// <summary>Imports for the head as long as that helps, or room may have come meanwhile.</summary>
    private void ImportForWaiters()
    {
        bool goOn;
        do
        {
            EnterRaw();
            _importAgain = false;
            Waiter<T>? head = _queue.Head;
            Exit();
            WaitQueue<T> served = default;
            if (head is not null)
            {
                ImportFor(head, ref served);
            }

            EnterRaw();
            GrantWhatFits(ref served);            // an import may have room for more than one
            goOn = !_queue.IsEmpty && (_importAgain || _queue.Head != head);
            _importing = goOn;
            Exit();
            ConcludeAll(served);
        }
        while (goOn);
    }

    /// <summary>Asks the source on behalf of one waiter, who may have left before the answer comes.</summary>
    private void ImportFor(Waiter<T> waiter, ref WaitQueue<T> served)
    {
        Segment<T> import = default;
        Exception? failure = null;
        try
        {
            import = ImportOrReap(waiter.Placement, waiter.Constraints);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        EnterRaw();
        bool left = waiter.State == WaitState.Queued && (failure is null ? TryServe(waiter, ref import) : TryFail(waiter, failure));
        Exit();
        if (!T.IsZero(import.Size))
        {
            ReturnImport(import, waiter, ref left);
        }

        if (left)
        {
            served.Append(waiter);
        }
    }

    /// <summary>The import was not needed. If the source will not have it, the waiter fails; who was granted a range meanwhile keeps it, and
    /// the exception is nobody's.</summary>
    private void ReturnImport(in Segment<T> import, Waiter<T> waiter, ref bool left)
    {
        try
        {
            _source!.Release(import.Start, import.Size);
        }
#pragma warning disable CA1031 // It is rethrown where the waiter is.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            EnterRaw();
            left |= TryFail(waiter, failure);
            Exit();
        }
    }

    /// <summary>Fails a waiter, unless it has left already. The lock is held.</summary>
    private bool TryFail(Waiter<T> waiter, Exception failure)
    {
        if (waiter.State != WaitState.Queued)
        {
            return false;
        }

        waiter.Fail(failure);
        _queue.Remove(waiter);
        NoteFollowers();
        return true;
    }

    /// <summary>The arena is disposed: takes everybody out of the queue. The lock is held.</summary>
    private WaitQueue<T> FailAll()
    {
        WaitQueue<T> failed = default;
        while (_queue.Head is { } head)
        {
            _ = TryFail(head, new ObjectDisposedException(Name, $"Arena '{Name}' was disposed while this request waited."));
            failed.Append(head);
        }

        return failed;
    }

    private void ConcludeAll(WaitQueue<T> waiters)
    {
        while (waiters.Head is { } waiter)
        {
            waiters.Remove(waiter);
            Conclude(waiter);
        }
    }

    private bool IsPlain => _source is null && _audit is null && _recorder is null && !_followed;

    /// <summary>Whether anything follows a free has changed. The lock is held.</summary>
    private void NoteFollowers()
    {
        _followed = !_queue.IsEmpty || _listeners.Length != 0;
        _plain = IsPlain;
    }

    /// <summary>Takes out the empty imports beyond what is to be retained, which were kept because somebody might have wanted them; null if
    /// there are none.</summary>
    private List<Segment<T>>? TryTrim()
    {
        List<Segment<T>>? surplus = null;
        EnterRaw();
        if (!_disposed && IsSurplus)
        {
            surplus = [];
            List<Segment<T>> empty = [];
            CollectImports(empty, emptyOnly: true);
            for (int i = empty.Count - 1; i >= 0 && IsSurplus; i--)
            {
                surplus.Add(empty[i]);
                _map.RemoveSpan(_map.FindSpan(empty[i].Start, out _, out _));
                _recorder?.Removed(empty[i].Start, empty[i].Size);
                _retained -= empty[i].Size;
                RetainedSpans--;
                _releases++;
            }
        }

        Exit();
        return surplus;
    }

    private bool IsSurplus => T.IsZero(_retainedLimit) ? _retainedSpans > 1 : _retained > _retainedLimit;
}
