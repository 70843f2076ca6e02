using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Several ranges for one request: all of them or none.
public sealed partial class Arena<T>
{
    /// <summary>Allocates a total in as few pieces as possible: all of it, or nothing.</summary>
    /// <param name="total">The length of all pieces together, in units; rounded up to the quantum.</param>
    /// <param name="pieces">Receives the pieces, as far as they go; its length is how many there may be.</param>
    /// <param name="minPiece">The least length of a piece, in units; rounded up to the quantum. 0: a quantum.</param>
    /// <param name="count">How many pieces there are; 0 if the call returns false.</param>
    /// <returns>False, and nothing is changed, if no such pieces are to be had.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The total is 0, or a rounding overflows; or the least length is more than the
    /// total.</exception>
    /// <remarks>
    /// <para>
    /// One piece, if a free segment is as long. Else the largest free segments are taken whole, and the last piece from the smallest that
    /// holds it, whatever the arena's policy. Where the last would be shorter than <paramref name="minPiece"/>, others are cut short
    /// instead. What lies in quantum caches counts as free: they are emptied before there is a second piece. Each piece is an allocation
    /// like any other: it is freed with
    /// <see cref="Free(T, T)"/>, its start and its size, may be extended, and counts in the statistics. The idea is that of extents in a
    /// file system.
    /// </para>
    /// <para>
    /// An arena whose own free segments do not hold the total asks its source for what is missing, or else for half of it, and so on. Then
    /// there may be more pieces than necessary. If it fails, the pieces that it got meanwhile are freed again, and count in the statistics.
    /// </para>
    /// <para>O(log n) for one piece. Else O(log n) for each piece, by the index by size, which is built in steps when first needed. A call
    /// that fails is as long, and O(1) if less than the total is free.</para>
    /// </remarks>
    public bool TryAllocatePieces(T total, Span<Segment<T>> pieces, T minPiece, out int count)
    {
        total = _space.RoundUp(total, nameof(total));
        T least = T.IsZero(minPiece) ? Quantum : _space.RoundUp(minPiece, nameof(minPiece));
        if (least > total)
        {
            throw new ArgumentOutOfRangeException(nameof(minPiece), minPiece, $"No piece of {total} can be so long.");
        }

        AuditSite? site = _space.Auditor?.Sign(AuditCall.AllocateMany);
        int most = _caches is { MayHold: true } && pieces.Length > 1 ? 1 : pieces.Length;        // without the caches, more might be taken
        count = _space.TakePieces(total, least, pieces[..most], site);
        return count > 0 || TryTakePiecesWithMore(total, least, pieces, site, out count);
    }

    /// <summary>The same order as of any request: what caches and arenas above keep, then the source.</summary>
    private bool TryTakePiecesWithMore(T total, T least, Span<Segment<T>> pieces, AuditSite? site, out int count)
    {
        bool hasEnded = _space.EndDueRests();
        _space.TryRecall()?.End();
        count = 0;
        bool isAnswered = _caches is null && !_space.Lends && !hasEnded;
        KeptCopy<Segment<T>> mine = default;
        try
        {
            while (!isAnswered)
            {
                using Visit<T> visit = _caches is null ? _space.Visit() : _caches.VisitDrained(isOwnRelease: true);
                isAnswered = _space.TryTakePiecesHeld(total, least, pieces, site, out count);
                mine.Keep(pieces[..count], pieces.Length);
            }
        }
        catch when (count > 0)
        {
            _space.Undo(mine.Items);
            _space.Undo(pieces[mine.Items.Length..count]);
            throw;
        }
        finally
        {
            mine.Dispose();
        }

        if (count > 0 || (_importer is not null && TryCollectPieces(total, least, pieces, site, out count)))
        {
            return true;
        }

        _space.NoteFailure(total);
        return false;
    }

    /// <summary>Takes pieces one after the other, each as long as is to be had here or from the source.</summary>
    private bool TryCollectPieces(T total, T least, Span<Segment<T>> pieces, AuditSite? site, out int count)
    {
        count = 0;
        T left = total;
        T size = total;
        KeptCopy<Segment<T>> mine = default;
        try
        {
            while (!T.IsZero(left) && count < pieces.Length && size >= least)
            {
                var request = new Request<T>(new Placement<T>(size, default, Quantum), FitPolicy.BestFit, RequestKind.Segment, site);
                if (TryMeet(request, out Grant<T> grant))
                {
                    pieces[count++] = new Segment<T>(grant.Start, size, SegmentKind.Allocated);
                    left -= size;
                    mine.Keep(pieces[..count], pieces.Length);
                }
                else
                {
                    _space.TakeBackFailure();       // it is a part of one request
                    size = size == least ? T.Zero : NextSize(size, least);
                }

                size = T.Min(size, left);
                if (left - size is var rest && !T.IsZero(rest) && rest < least)
                {
                    size = left - least;          // the last piece has its least length
                }
            }

            if (!T.IsZero(left))
            {
                count = 0;
                FreePieces(mine.Items);
            }

            return count > 0;
        }
        catch when (count > 0)
        {
            _space.Undo(mine.Items);
            _space.Undo(pieces[mine.Items.Length..count]);
            throw;
        }
        finally
        {
            mine.Dispose();
        }
    }

    /// <summary>What is asked for when so much was not to be had: as much as there is, as far as that is known; else half.</summary>
    private T NextSize(T size, T least)
    {
        T? below = _importer!.LongestImport;
        T longest = Multiples<T>.Down(LongestFree(below ?? T.Zero), Quantum);
        T half = T.Max(_space.RoundUp(size >> 1), least);
        return longest < size && (below is not null || longest > half) ? longest : half;
    }

    private T LongestFree(T below)
    {
        using Visit<T> visit = _space.Visit();
        return T.Max(_space.Map.LargestFree(), below);
    }

    private void FreePieces(ReadOnlySpan<Segment<T>> pieces)
    {
        Conclusion end = default;
        foreach (Segment<T> piece in pieces)
        {
            end.Take((_space, piece), static it => it._space.TakeBack(it.piece.Start, it.piece.Size));
        }

        end.Throw();
    }
}
