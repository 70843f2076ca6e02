using System.Collections.Concurrent;
using System.Numerics;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Arenas;

/// <summary>Takes lost spans from the arena, and from its journal.</summary>
/// <remarks>The arena tells of what was live in a revoked span by a callback. What it tells of the spans that are taken back here is
/// caught, and passed on to the user when no lock is held any more.</remarks>
/// <param name="session">Its faults are where those of the user's callback go.</param>
/// <param name="revoked">The user's callback.</param>
internal sealed class SpanRevoker<T>(LeaseSession session, Action<ArenaRevocation<T>>? revoked)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly ConcurrentDictionary<T, ArenaRevocation<T>?> _revocations = new();        // of spans that are being taken back
    private readonly ConcurrentQueue<LeasedSpan<T>> _unfinished = new();                       // there was no memory to take them back

    /// <summary>The arena has lost a span: here, or because the program has revoked it.</summary>
    public void Note(ArenaRevocation<T> revocation)
    {
        if (!_revocations.TryUpdate(revocation.Start, revocation, null))
        {
            revoked?.Invoke(revocation);
        }
    }

    /// <summary>Takes back what there was no memory for, unless a span of another lease lies there by now. It was told of.</summary>
    public void Finish(Arena<T> arena, RangeJournal<T>? journal, Func<T, bool> isAnother)
    {
        for (int left = _unfinished.Count; left > 0 && _unfinished.TryDequeue(out LeasedSpan<T>? span); left--)
        {
            _ = isAnother(span.Start) ? [] : TakeBack(arena, span, journal);
        }
    }

    /// <summary>Takes everything of a lost span from the arena.</summary>
    /// <returns>What the program held of it; the whole span, if there is no memory to look.</returns>
    public IReadOnlyList<Segment<T>> TakeBack(Arena<T> arena, LeasedSpan<T> span, RangeJournal<T>? journal)
    {
        // If the whole session is lost, its spans wait for the next of the name, and so do the notes.
        journal = session.State == LeaseState.Lost ? null : journal;
        ArenaRevocation<T>? revocation = null;
        bool isGone = false;
        journal?.Enter();
        try
        {
            isGone = TryRevoke(arena, span, out revocation);
            journal?.Revoked(revocation?.Ranges ?? []);
        }
        catch (Exception e) when (e is LeaseJournalException or OutOfMemoryException)
        {
            // The next of the name does not adopt what lies in no span of its own. The next allocation says that the disk is full.
        }
        finally
        {
            journal?.Exit();
        }

        if (revoked is { } handler && revocation is { } known)
        {
            session.Announce(() => handler(known));
        }

        return isGone ? revocation?.Ranges ?? [] : [new Segment<T>(span.Start, span.Size, SegmentKind.Span)];
    }

    /// <summary>False if not all of it is known to be gone. If there is no memory for it, it is tried again when the next span is
    /// lost.</summary>
    private bool TryRevoke(Arena<T> arena, LeasedSpan<T> span, out ArenaRevocation<T>? revocation)
    {
        try
        {
            _revocations[span.Start] = null;
            _ = arena.Revoke(span.Start, span.Size);
            revocation = Caught(span);
            return true;
        }
        catch (OutOfMemoryException)
        {
            revocation = Caught(span);            // what was gone by then
            _unfinished.Enqueue(span);
            return false;
        }
        catch (Exception fault)
        {
            // A listener's or a clock's comes when the span is gone. Whatever it is, who holds something of the span is told.
            session.NoteFault(fault);
            revocation = Caught(span);
            return revocation is not null && fault is not InvariantViolationException;
        }
    }

    private ArenaRevocation<T>? Caught(LeasedSpan<T> span) =>
        _revocations.TryRemove(span.Start, out ArenaRevocation<T>? revocation) ? revocation : null;
}
