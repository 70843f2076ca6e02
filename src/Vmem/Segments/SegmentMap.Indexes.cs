using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>The indexes over the free segments: how they are asked for, and told of changes.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The answer of a search that took a step towards an index which is not complete yet: the search is to be made again, best
    /// after others had their turn.</summary>
    public const uint Unfinished = uint.MaxValue;

    private FreeIndex<T, ByKey<T>> _byAddress;
    private FreeIndex<T, ByKeyThenValue<T>> _bySize;
    private AlignedIndexes<T>? _aligned;
    private ListCounts<T> _listCounts;

    /// <summary>Makes sure that a segment can be freed, which takes no tag. An index that cannot grow is given up: it is built again when
    /// it is next needed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void ReserveToFree()
    {
        try
        {
            ReserveIndexes();
        }
        catch (OutOfMemoryException)
        {
            _byAddress.Drop();
            _bySize.Drop();
            _aligned?.Drop();
            _indexed = IsAnyBegun;
        }
    }

    /// <summary>Asks for the index by address.</summary>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <param name="isBounded">Whether it is asked for long searches.</param>
    /// <returns>Whether it is complete.</returns>
    private bool HasByAddress(bool inSteps, bool isBounded = false)
    {
        if (isBounded)
        {
            _byAddress.Bound();
        }

        _indexed = true;
        do
        {
            _byAddress.Ask(_tags);
        }
        while (!_byAddress.IsComplete && !inSteps);
        return _byAddress.IsComplete;
    }

    /// <summary>Asks for the index by size.</summary>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <param name="isBounded">Whether it is asked for long searches.</param>
    /// <returns>Whether it is complete.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasBySize(bool inSteps, bool isBounded = false)
    {
        if (isBounded)
        {
            _bySize.Bound();
        }

        if (_bySize.IsComplete)
        {
            _bySize.Ask(_tags);
            return true;
        }

        _indexed = true;
        do
        {
            _bySize.Ask(_tags);
        }
        while (!_bySize.IsComplete && !inSteps);
        return _bySize.IsComplete;
    }

    /// <summary>Asks for the index by address that knows an alignment.</summary>
    /// <param name="alignment">Which.</param>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <returns>The tree, null if it is not complete.</returns>
    private RangeTree<T, ByKey<T>>? AskAligned(in Alignment<T> alignment, bool inSteps)
    {
        _indexed = true;
        _aligned ??= new AlignedIndexes<T>();
        RangeTree<T, ByKey<T>>? tree;
        do
        {
            tree = _aligned.Ask(alignment, _tags);
        }
        while (tree is null && !inSteps);
        return tree;
    }

    /// <summary>Makes sure that the indexes can follow the next change. Those that nobody asks for any more are dropped.</summary>
    private void ReserveIndexes()
    {
        _byAddress.Reserve();
        _bySize.Reserve();
        _aligned?.Reserve();
        _listCounts.Reserve();
        _indexed = IsAnyBegun;
    }

    private bool IsAnyBegun => _byAddress.IsBegun || _bySize.IsBegun || _listCounts.IsBegun || _aligned is { IsBegun: true };

    private bool IndexesHaveReserve() =>
        _byAddress.HasReserve && _bySize.HasReserve && _listCounts.HasReserve && _aligned is null or { HasReserve: true };

    private void Index(T start, T size, uint tag)
    {
        if (_byAddress.IsBegun)
        {
            _byAddress.Add(start, size, tag);
        }

        if (_bySize.IsBegun)
        {
            _bySize.Add(start, size, tag);
        }

        _aligned?.Add(start, size, tag);
        _listCounts.Add(size, tag);
    }

    private void Unindex(T start, T size, uint tag)
    {
        if (_byAddress.IsBegun)
        {
            _byAddress.Remove(start, size, tag);
        }

        if (_bySize.IsBegun)
        {
            _bySize.Remove(start, size, tag);
        }

        _aligned?.Remove(start, size, tag);
        _listCounts.Remove(size, tag);
    }

    /// <summary>A free segment has changed its start, its size or its tag, and no other lies between what it was and what it is.</summary>
    private void Reindex(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (_byAddress.IsBegun)
        {
            _byAddress.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }

        if (_bySize.IsBegun)
        {
            _bySize.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }

        _aligned?.Replace(oldStart, oldSize, oldTag, start, size, tag);
        _listCounts.Remove(oldSize, oldTag);
        _listCounts.Add(size, tag);
    }

    /// <summary>[middle, next) became free and one with the free segments on either side; a neighbour of size 0 was not free.</summary>
    /// <param name="start">Where the whole begins.</param>
    /// <param name="previousSize">The size of the free segment before.</param>
    /// <param name="middle">Where the segment began that became free.</param>
    /// <param name="next">Where it ended.</param>
    /// <param name="nextSize">The size of the free segment behind.</param>
    /// <param name="tag">The tag of the whole: that of the free segment before if there is one.</param>
    private void IndexCoalesced(T start, T previousSize, T middle, T next, T nextSize, uint tag)
    {
        T size = previousSize + (next - middle) + nextSize;
        if (T.IsZero(nextSize))
        {
            if (T.IsZero(previousSize))
            {
                Index(start, size, tag);
            }
            else
            {
                Reindex(start, previousSize, tag, start, size, tag);
            }

            return;
        }

        // Merging returned the tag of the segment behind, and after it, if there was one before, that of the freed one: no register need
        // keep it until here.
        uint nextTag = _tags.LastReturned;
        if (T.IsZero(previousSize))
        {
            Reindex(next, nextSize, nextTag, start, size, tag);
        }
        else
        {
            nextTag = _tags.At(nextTag)->LinkA;
            Unindex(next, nextSize, nextTag);
            Reindex(start, previousSize, tag, start, size, tag);
        }
    }
}
