using System.Numerics;

namespace Vmem.Segments;

/// <summary>How many there are.</summary>
internal static class AlignedIndexes
{
    /// <summary>How many alignments are known at a time in an order; a further one takes the place of the one asked for least recently.
    /// Arbitrary: each is an update more for every change.</summary>
    public const int Most = 4;
}

/// <summary>Indexes that know an alignment, by address or by size: for those alignments whose requests looked at many badly placed
/// segments.</summary>
/// <remarks>
/// <para>
/// Such an index goes by the room of each segment, the largest request that it has a place for. By address the room is kept in place of the
/// size; by size it is worked out from what is there, and each subtree knows its largest. So either finds the first place that is large
/// enough in its order, and whether there is any, in one way down: the lowest place, or that in the smallest segment. It holds for every
/// power of two, every phase and every boundary that is not to be crossed, and an arena pays for none that nobody asks for.
/// </para>
/// <para>
/// Rejected: one more number for each power of two in every node of the index by address. Any alignment would do at once, but each change
/// of a free segment would touch some 20 to 60 numbers a level, and a phase would still have to be walked for. Most arenas see one
/// alignment or two.
/// </para>
/// </remarks>
internal sealed class AlignedIndexes<T, TOrder>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    where TOrder : IRangeOrder<T>
{
    private readonly FreeIndex<T, TOrder>[] _indexes = new FreeIndex<T, TOrder>[AlignedIndexes.Most];    // the last asked for first

    public bool IsBegun
    {
        get
        {
            bool isBegun = false;
            foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
            {
                isBegun |= index.IsBegun;
            }

            return isBegun;
        }
    }

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public bool HasReserve
    {
        get
        {
            bool hasReserve = true;
            foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
            {
                hasReserve &= index.HasReserve;
            }

            return hasReserve;
        }
    }

    public long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
            {
                bytes += index.Bytes;
            }

            return bytes;
        }
    }

    /// <summary>Whether there is an index for this alignment, or a part of one.</summary>
    public bool Knows(in Alignment<T> alignment) => PlaceOf(alignment) >= 0;

    /// <summary>The largest room of all segments for this alignment; null if no index knows.</summary>
    public T? LargestRoom(in Alignment<T> alignment)
    {
        int place = PlaceOf(alignment);
        return place >= 0 && _indexes[place].IsComplete ? _indexes[place].Tree!.LargestValue : null;
    }

    /// <summary>An index for this alignment is begun, and never dropped. There are fewer than <see cref="AlignedIndexes.Most"/> of
    /// these.</summary>
    public void Keep(in Alignment<T> alignment, in TagPool<T> tags)
    {
        _ = Ask(alignment, tags);
        _indexes[0].IsKept = true;
    }

    /// <summary>Asks for the index of an alignment, and takes a step towards it if it is not complete.</summary>
    /// <returns>The tree, null if it is not complete.</returns>
    public RangeTree<T, TOrder>? Ask(in Alignment<T> alignment, in TagPool<T> tags)
    {
        int place = PlaceOf(alignment);
        FreeIndex<T, TOrder> asked = new() { Alignment = alignment };
        if (place >= 0)
        {
            asked = _indexes[place];
        }
        else
        {
            int free = Array.FindLastIndex(_indexes, static index => !index.IsBegun && !index.IsKept);
            place = free >= 0 ? free : Array.FindLastIndex(_indexes, static index => !index.IsKept);
            _indexes[place].Drop();
        }

        Array.Copy(_indexes, 0, _indexes, 1, place);
        _indexes[0] = asked;
        _indexes[0].Ask(tags);
        return _indexes[0].IsComplete ? _indexes[0].Tree : null;
    }

    /// <summary>Makes sure that the next change needs no memory; indexes that are idle are dropped.</summary>
    public void Reserve()
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Reserve();
        }
    }

    public void Add(T start, T size, uint tag)
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Add(start, size, tag);
        }
    }

    public void Remove(T start, T size, uint tag)
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Remove(start, size, tag);
        }
    }

    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }
    }

    public void Drop()
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Drop();
        }
    }

    public void Release()
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Release();
        }
    }

    public void Validate(TagPool<T> tags)
    {
        foreach (ref FreeIndex<T, TOrder> index in _indexes.AsSpan())
        {
            index.Validate(tags);
        }
    }

    private int PlaceOf(in Alignment<T> alignment)
    {
        for (int place = 0; place < AlignedIndexes.Most; place++)
        {
            if ((_indexes[place].IsBegun || _indexes[place].IsKept) && _indexes[place].Alignment == alignment)
            {
                return place;
            }
        }

        return -1;
    }
}
