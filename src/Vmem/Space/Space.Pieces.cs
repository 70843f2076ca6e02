using Vmem.Diagnostics;
using Vmem.Segments;

namespace Vmem.Space;

// Several segments at once, all of them or none: what is taken and given up again under the same lock has never been there.
internal sealed partial class Space<T>
{
    /// <summary>Allocates a total in as few pieces as possible.</summary>
    /// <param name="total">The total, rounded.</param>
    /// <param name="least">The least length of a piece, rounded.</param>
    /// <param name="pieces">Receives them.</param>
    /// <param name="site">Who asks, in an audited arena.</param>
    /// <returns>How many there are; 0: the free segments do not hold so much.</returns>
    public int TakePieces(T total, T least, Span<Segment<T>> pieces, AuditSite? site)
    {
        while (true)
        {
            using Visit<T> visit = Visit();
            if (TryTakePiecesHeld(total, least, pieces, site, out int count))
            {
                return count;
            }
        }
    }

    /// <summary>The same under the lock.</summary>
    /// <returns>False after a step towards an index.</returns>
    public bool TryTakePiecesHeld(T total, T least, Span<Segment<T>> pieces, AuditSite? site, out int count)
    {
        AssertHeld();
        count = 0;
        if (pieces.IsEmpty || Saturate(Map.FreeSize, Map.FreeSegments) < total)
        {
            return true;
        }

        Map.Reserve();
        uint free = Map.Find(FitPolicy.BestFit, total, out T start, inSteps: true);
        if (free is not (0 or SegmentMap<T>.Unfinished))
        {
            _ = Take(free, start, total, RequestKind.Segment, site);
            pieces[count++] = new Segment<T>(start, total, SegmentKind.Allocated);
            return true;
        }

        if (free == SegmentMap<T>.Unfinished || !Map.TryCountPieces(total, least, pieces.Length, out int planned, out T spare))
        {
            return false;
        }

        Tally<T> before = _tally;
        uint chain = 0;
        Map.BeginTrial();
        try
        {
            while (count < planned)
            {
                Map.Reserve();
                T size = least + spare;
                if (count < planned - 1)
                {
                    free = Map.FindLargest(out start, out T whole);
                    size = T.Min(whole, size);
                    spare -= size - least;
                }
                else
                {
                    free = Map.FindForLast(size, out start);
                }

                Chain(Take(free, start, size, RequestKind.Segment, site), ref chain);
                pieces[count++] = new Segment<T>(start, size, SegmentKind.Allocated);
            }
        }
        catch
        {
            Undo(chain, site);
            _tally.Undo(before);
            count = 0;
            throw;
        }

        Unchain(chain);
        Map.EndTrial(isUndone: false);
        return true;
    }

    /// <summary>Allocates as many segments as there are places for them in <paramref name="starts"/>, or none.</summary>
    /// <returns>Whether there was room for all.</returns>
    public bool TryTakeAll(in Request<T> request, Span<T> starts)
    {
        while (true)
        {
            using Visit<T> visit = Visit();
            if (TryTakeAllHeld(request, starts, out bool isDone))
            {
                return isDone;
            }
        }
    }

    /// <summary>The same under the lock.</summary>
    /// <returns>False after a step towards an index.</returns>
    public bool TryTakeAllHeld(in Request<T> request, Span<T> starts, out bool isDone)
    {
        Tally<T> before = _tally;
        (T rotor, T lead) = (Map.Rotor, Map.Lead);
        int count = 0;
        uint chain = 0;
        bool isAnswered = true;
        isDone = false;
        Map.BeginTrial();
        try
        {
            while (count < starts.Length && (isAnswered = HasAnswer(request, inSteps: true, out Grant<T> grant)) && !grant.IsEmpty)
            {
                Chain(grant, ref chain);
                starts[count++] = grant.Start;
            }

            isDone = count == starts.Length;
        }
        finally
        {
            if (isDone)
            {
                Unchain(chain);
                Map.EndTrial(isUndone: false);
            }
            else
            {
                Undo(chain, request.Site);
                _tally.Undo(before);
                Map.SetRotor(rotor, lead);
            }
        }

        return isAnswered;
    }

    // What was taken is remembered by its tags: the caller's memory may change under us.
    private void Chain(in Grant<T> grant, ref uint chain)
    {
        Map.Link(grant.Tag, chain);
        chain = grant.Tag;
    }

    private void Unchain(uint chain)
    {
        while (chain != 0)
        {
            chain = Map.Unlink(chain);
        }
    }

    /// <summary>Frees what is chained, the last one first, and ends the trial that took it.</summary>
    private void Undo(uint chain, AuditSite? site)
    {
        Map.BeginUndo();
        try
        {
            while (chain != 0)
            {
                Segment<T> last = Map.GetSegment(chain);
                chain = Map.Unlink(chain);
                Map.ReserveToFree();
                FreeHeld(Map.Delist(last.Start, last.Size), site);
            }
        }
        finally
        {
            Map.EndTrial(isUndone: chain == 0);
        }
    }
}
