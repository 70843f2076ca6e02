using System.Collections.Concurrent;
using Vmem.Diagnostics;
using Vmem.Leasing.Arenas;
using Vmem.Leasing.Journals;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// What becomes of a lease that is lost: its span is revoked, and whoever held something of it is told.
public sealed partial class LeasedArena<T>
{
    private readonly ConcurrentDictionary<T, ArenaRevocation<T>?> _revocations = new();        // of spans that are being taken back
    private readonly ConcurrentQueue<LeasedSpan<T>> _unfinished = new();                       // there was no memory to take them back
    private readonly Action<ArenaRevocation<T>>? _revoked;                                     // the user's

    void ILeaseHolder.Lose(Holding holding, string reason)
    {
        _lostFences.Add(holding.Claim.Fence);
        bool isInherited = TryLoseInherited(holding);
        for (int left = _unfinished.Count; left > 0 && _unfinished.TryDequeue(out LeasedSpan<T>? again); left--)
        {
            _ = TakeBack(again);                               // it was told of
        }

        if (_stock.Lose(holding.Claim.Fence) is { } span)
        {
            foreach (Segment<T> range in TakeBack(span))
            {
                Tell(range.Start, range.Size);
            }
        }
        else if (isInherited)
        {
            Tell(T.CreateChecked(holding.Claim.Start), T.CreateChecked(holding.Claim.Size));
        }

        void Tell(T start, T size)
        {
            var lost = new RangeLost<T>(new LeasedRange<T>(start, size, holding.Claim.Fence), reason);
            foreach (Action<RangeLost<T>> handler in Delegate.EnumerateInvocationList(RangeLost))
            {
                _session.Call(() => handler(lost));
            }
        }
    }

    /// <summary>Takes everything of a lost span from the arena.</summary>
    /// <returns>What the program held of it; the whole span, if there is no memory to look.</returns>
    private IReadOnlyList<Segment<T>> TakeBack(LeasedSpan<T> span)
    {
        // If the whole session is lost, its spans wait for the next of the name, and so do the notes.
        RangeJournal<T>? journal = _session.State == LeaseState.Lost ? null : _journal;
        ArenaRevocation<T>? revocation = null;
        journal?.Enter();
        try
        {
            _revocations[span.Start] = null;
            _ = Arena.Revoke(span.Start, span.Size);
            revocation = Taken(span);
            journal?.Revoked(revocation?.Ranges ?? []);
        }
        catch (OutOfMemoryException)
        {
            _ = Taken(span);
            _unfinished.Enqueue(span);
            return [new Segment<T>(span.Start, span.Size, SegmentKind.Span)];
        }
        catch (LeaseJournalException)
        {
            // The next of the name does not adopt what lies in no span of its own. The next allocation says that the disk is full.
        }
        finally
        {
            journal?.Exit();
        }

        if (_revoked is { } handler && revocation is { } known)
        {
            _session.Call(() => handler(known));               // under no lock
        }

        return revocation?.Ranges ?? [];
    }

    private ArenaRevocation<T>? Taken(LeasedSpan<T> span) =>
        _revocations.TryRemove(span.Start, out ArenaRevocation<T>? revocation) ? revocation : null;

    /// <summary>The arena has lost a span: here, or because the program has revoked it.</summary>
    private void NoteRevoked(ArenaRevocation<T> revocation)
    {
        if (!_revocations.TryUpdate(revocation.Start, revocation, null))
        {
            _revoked?.Invoke(revocation);
        }
    }
}
