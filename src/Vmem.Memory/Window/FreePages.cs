using Vmem.Checks;

namespace Vmem.Memory.Window;

/// <summary>The free segments of an arena of pages: how their memory goes back to the system while others go on allocating.</summary>
/// <remarks>What may have memory is taken out of circulation meanwhile, piece by piece: it is allocated, and free all the same. Who misses
/// pages waits for the piece (<see cref="Hold"/>).</remarks>
internal sealed class FreePages(Arena<nuint> pages, AddressWindow window)
{
    // Whole commit units, counted from the window's start: so they are whole steps of the table of small blocks (SparseTable), of whose
    // steps only whole ones go back with them. What the system takes back in some milliseconds at most.
    private const nuint Piece = 8 << 20;

    private readonly Gate _discarding = new();    // held while free pages are out of circulation
    private nuint _takenOut = nuint.MaxValue;     // where these begin, or may soon
    private int _turns;                           // counts the beginnings and ends of that

    /// <summary>Odd while pages are out of circulation.</summary>
    public int Turns => Volatile.Read(ref _turns);

    /// <summary>Nothing is out of circulation until the result is disposed of.</summary>
    public Gate.Scope Hold() => _discarding.EnterScope();

    /// <summary>Gives the memory of free pages back to the system, a piece with each step: nobody has to wait for all of it. Chunks that
    /// are wholly free and clean are decommitted.</summary>
    /// <param name="staleOnly">Whether only what was free at the last call, too, goes back.</param>
    /// <param name="enough">It ends when so many bytes have gone, and decommits nothing; null: with all.</param>
    public IEnumerable<Return> DiscardByPiece(bool staleOnly, nuint? enough = null)
    {
        nuint gone = 0;
        foreach (Segment<nuint> segment in pages.GetSegments())
        {
            StepCounter.Count();
            if (gone >= enough)
            {
                yield break;
            }

            (nuint at, nuint size) = segment.Kind == SegmentKind.Free ? window.Commits.PartOf(segment.Start, segment.Size) : default;
            nuint end = at + size;

            // From one committed run to the next: between them may lie what nobody ever had, and no table is there for it.
            for (nuint run = at; window.Commits.TryFindNext(ref run, CommitMap.RoundUp(end), out nuint first, out nuint length);)
            {
                nuint last = nuint.Min(first + length, end);
                at = nuint.Max(at, first);
                for (nuint next; at < last && gone < (enough ?? nuint.MaxValue); at = next)
                {
                    next = nuint.Min(at - ((at - window.Start) % Piece) + Piece, last);
                    if (window.HasMemory(at, next - at))
                    {
                        Return piece = DiscardPiece(at, next - at, staleOnly, enough - gone);
                        gone += piece.Discarded;
                        yield return piece;
                    }
                }
            }
        }
    }

    /// <summary>The allocated pages that an address is in.</summary>
    /// <remarks>What is taken out only to be discarded is free. Whether it is that or a block that has come there shows when the discarder
    /// is done.</remarks>
    public bool TryFind(nuint address, out Segment<nuint> segment)
    {
        int turns = Turns;
        if (!pages.TryGetSegment(address, out segment) || segment.Kind != SegmentKind.Allocated)
        {
            return false;
        }

        if (segment.Start != Volatile.Read(ref _takenOut) && turns == Turns)
        {
            return true;
        }

        using (_discarding.EnterScope())
        {
            return pages.TryGetSegment(address, out segment) && segment.Kind == SegmentKind.Allocated;
        }
    }

    private Return DiscardPiece(nuint start, nuint size, bool staleOnly, nuint? most)
    {
        using (_discarding.EnterScope())
        {
            Invariant.Assert((_turns & 1) == 0 && _takenOut == nuint.MaxValue, "one piece at a time is out of circulation");
            _ = Interlocked.Increment(ref _turns);
            Volatile.Write(ref _takenOut, start);
            bool isOut = false;
            try
            {
                isOut = TryTakeOut(start, size);
                return isOut ? window.Discard(start, size, staleOnly, most) : default;
            }
            finally
            {
                if (isOut)
                {
                    pages.Free(start, size);
                }

                // In this order: who looked meanwhile sees either that it is out, or that there was a turn.
                _ = Interlocked.Increment(ref _turns);
                Volatile.Write(ref _takenOut, nuint.MaxValue);
            }
        }
    }

    private bool TryTakeOut(nuint start, nuint size)
    {
        Invariant.Assert(_discarding.IsHeldByCurrentThread, "pages are taken out under the lock");
        try
        {
            var place = new RangeConstraints<nuint> { Min = start, Max = start + size };
            return pages.TryAllocateConstrained(size, place, FitPolicy.FirstFit, out _);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>What has gone back to the system, in bytes.</summary>
    /// <param name="Discarded">Pages that were dirty and are zero now.</param>
    /// <param name="Decommitted">Chunks that are not committed any more.</param>
    public readonly record struct Return(nuint Discarded, nuint Decommitted)
    {
        public static Return operator +(Return left, Return right) =>
            new(left.Discarded + right.Discarded, left.Decommitted + right.Decommitted);
    }
}
