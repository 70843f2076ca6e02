using System.Numerics;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The order in which free space was freed: what oldest fit goes by.</summary>
/// <remarks>
/// <para>
/// Free segments coalesce, so their tags do not know what in them was freed when. Here each range that was freed is a <em>piece</em>: a
/// place in a queue, and an entry in a tree by address. Whatever is taken, by whichever call, is cut out of the pieces that it touches, and
/// what remains of these keeps its place in the queue. So pieces are always free, no two overlap, and the first of the queue is what was
/// freed longest ago. A change costs O(log n), and a request that takes up many pieces a step for each.
/// </para>
/// <para>
/// Free space that is in no piece was free before anybody asked. It is older than all pieces, and is found in address order: everything
/// below <see cref="UnknownFrom"/> is in pieces, and that bound only rises.
/// </para>
/// <para>
/// Rejected: a queue of the free segments themselves. A free ID that coalesces with one beside it, freed at another time, has no time of
/// its own any more: it came back at once, or after others that were freed later. Rejected: freed ranges that stay apart until they are the
/// oldest, as those that rest do, which is O(1). Then the largest free segment, and whether a longer request fits, are known to nobody
/// until all of them are joined, and with that their order is gone.
/// </para>
/// </remarks>
internal sealed unsafe partial class FreedOrder<T> : IReleasable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private struct Piece
    {
        public uint Next;
        public uint Previous;
        public uint Tag;
        public T Start;
    }

    private readonly RangeTree<T, ByStart<T>> _byAddress = new();       // a piece's size, and its number
    private NodePool<Piece> _pieces;
    private uint _latest;
    private long _patience;

    /// <summary>The piece that was freed first; 0: there is none.</summary>
    public uint Oldest { get; private set; }

    /// <summary>What is free below this is in pieces.</summary>
    public T UnknownFrom { get; private set; }

    /// <summary>Whether there may be anything free that is in no piece.</summary>
    public bool HasUnknown { get; private set; } = true;

    /// <summary>Whether so much has changed since the last question that the order is not worth its updates: see
    /// <see cref="StepwiseBuild"/>.</summary>
    public bool IsIdle => _patience < 0;

    public long Bytes => _byAddress.Bytes + _pieces.Bytes;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public bool HasReserved(uint pieces) => _byAddress.HasReserved(pieces) && _pieces.Available >= pieces;

    /// <summary>Makes sure that so many more pieces need no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void Reserve(uint pieces)
    {
        _byAddress.Reserve(pieces);
        while (_pieces.Available < pieces)
        {
            _pieces.Grow();
        }
    }

    /// <summary>Somebody wants an answer.</summary>
    public void NoteAsked() => _patience = StepwiseBuild.LeastPatience + _byAddress.Count;

    /// <summary>Everything that is free below here is in pieces.</summary>
    public void KnowBelow(T from) => UnknownFrom = from;

    /// <summary>Everything that is free is in pieces.</summary>
    public void KnowAll() => HasUnknown = false;

    /// <summary>Whether what becomes free was only tried: it goes back to its place at the end of the trial. Where there is none, because
    /// the order began later, it is the oldest, not the latest.</summary>
    public bool AsOldest { get; set; }

    /// <summary>A range became free: the latest piece.</summary>
    /// <param name="start">Where it begins.</param>
    /// <param name="size">How long it is.</param>
    /// <param name="tag">A hint: the free segment that it is in now; 0: nobody knows.</param>
    public void Free(T start, T size, uint tag)
    {
        _patience--;
        if (AsOldest && _isTrying)
        {
            return;
        }

        uint index = _pieces.Take();
        LinkAfter(AsOldest ? 0 : _latest, index, start, tag);
        _byAddress.Insert(start, size, index);
    }

    /// <summary>A range was taken, or its span goes.</summary>
    public void Take(T start, T size)
    {
        _patience--;
        T last = start + (size - T.One);
        bool mayBeMore = true;
        while (mayBeMore && _byAddress.TryFindLast(last, T.MaxValue, T.Zero, out RangeTree<T, ByStart<T>>.Cursor cursor)
            && LastOf(cursor) >= start)
        {
            StepCounter.Count();
            mayBeMore = cursor.Key > start;
            CutOut(cursor.Key, LastOf(cursor), cursor.Item, start, last);
        }
    }

    /// <summary>Whether a range has anything in common with a piece.</summary>
    public bool Touches(T start, T size) =>
        _byAddress.TryFindLast(start + (size - T.One), T.MaxValue, T.Zero, out RangeTree<T, ByStart<T>>.Cursor cursor)
            && LastOf(cursor) >= start;

    /// <summary>Whether a value is in a piece, and where that ends.</summary>
    public bool IsKnown(T value, out T last)
    {
        last = T.Zero;
        if (!_byAddress.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByStart<T>>.Cursor cursor)
            || value - cursor.Key >= cursor.Value)
        {
            return false;
        }

        last = LastOf(cursor);
        return true;
    }

    public T StartOf(uint piece) => _pieces.At(piece)->Start;

    /// <summary>A free segment that it was in once. Segments coalesce and are split, so it may be another by now.</summary>
    public uint HintOf(uint piece) => _pieces.At(piece)->Tag;

    /// <summary>The piece that was freed next.</summary>
    public uint Following(uint piece) => _pieces.At(piece)->Next;

    /// <summary>All pieces, the oldest first. O(n log n).</summary>
    public List<FreedSnapshot<T>> ToList()
    {
        var list = new List<FreedSnapshot<T>>();
        for (uint piece = Oldest; piece != 0; piece = Following(piece))
        {
            list.Add(new FreedSnapshot<T>(StartOf(piece), SizeOf(piece)));
        }

        return list;
    }

    public void Release()
    {
        _byAddress.Release();
        _pieces.Release();
        (Oldest, _latest) = (0, 0);
        _cuts.Clear();
        _isTrying = false;
    }

    /// <summary>Checks that the queue and the tree hold the same pieces, and that these are free. O(n log n).</summary>
    /// <param name="isFree">Whether a range is.</param>
    public void Validate(Func<T, T, bool> isFree)
    {
        long entries = 0;
        _byAddress.Validate((start, size, piece) =>
        {
            entries++;
            Invariant.Hold(StartOf(piece) == start, "a piece of what was freed knows where it is", $"at {start}: {StartOf(piece)}");
            Invariant.Hold(isFree(start, size), "what was freed and not taken is free", $"{size} at {start}");
        });
        uint previous = 0;
        for (uint piece = Oldest; piece != 0; piece = Following(piece))
        {
            Invariant.Hold(_pieces.At(piece)->Previous == previous && entries-- > 0, "the order of what was freed is a list", $"at {StartOf(piece)}");
            previous = piece;
        }

        Invariant.Hold(entries == 0 && previous == _latest, "every piece of what was freed has its turn", $"{entries} have none");
    }

    private static T LastOf(in RangeTree<T, ByStart<T>>.Cursor cursor) => cursor.Key + (cursor.Value - T.One);

    /// <summary>Cuts [start, last] out of a piece.</summary>
    private void CutOut(T first, T end, uint piece, T start, T last)
    {
        T size = end - first + T.One;
        uint before = _pieces.At(piece)->Previous;
        uint behind = 0;
        bool isAll = first >= start && end <= last;
        if (first < start)
        {
            _byAddress.Replace(first, size, first, start - first, piece);
            if (end > last)
            {
                behind = _pieces.Take();
                LinkAfter(piece, behind, last + T.One, HintOf(piece));
                _byAddress.Insert(last + T.One, end - last, behind);
            }
        }
        else if (end > last)
        {
            _byAddress.Replace(first, size, last + T.One, end - last, piece);
            _pieces.At(piece)->Start = last + T.One;
        }
        else
        {
            _byAddress.Remove(first, size);
            Unlink(piece);
        }

        if (_isTrying)
        {
            _cuts.Add(new Cut(piece, first, size, before, behind, isAll));
        }
        else if (isAll)
        {
            _pieces.Return(piece);
        }
    }

    private void LinkAfter(uint before, uint index, T start, uint tag)
    {
        Piece* piece = _pieces.At(index);
        uint next = before == 0 ? Oldest : _pieces.At(before)->Next;
        (piece->Start, piece->Tag, piece->Previous, piece->Next) = (start, tag, before, next);
        if (before == 0)
        {
            Oldest = index;
        }
        else
        {
            _pieces.At(before)->Next = index;
        }

        if (next == 0)
        {
            _latest = index;
        }
        else
        {
            _pieces.At(next)->Previous = index;
        }
    }

    private void Unlink(uint index)
    {
        (uint previous, uint next) = (_pieces.At(index)->Previous, _pieces.At(index)->Next);
        if (previous == 0)
        {
            Oldest = next;
        }
        else
        {
            _pieces.At(previous)->Next = next;
        }

        if (next == 0)
        {
            _latest = previous;
        }
        else
        {
            _pieces.At(next)->Previous = previous;
        }
    }
}
