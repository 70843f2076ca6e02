using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>The indexes over the free segments that are built when first needed: how they are built and kept.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    private RangeTree<T, ByKey<T>> ByAddress
    {
        get
        {
            if (_byAddress is null)
            {
                var index = new RangeTree<T, ByKey<T>>();
                Build(index, static (tree, start, size, tag) => tree.Insert(start, size, tag));
                _byAddress = index;
                _indexed = true;
            }

            return _byAddress;
        }
    }

    private RangeTree<T, ByKeyThenValue<T>> BySize
    {
        get
        {
            if (_bySize is null)
            {
                var index = new RangeTree<T, ByKeyThenValue<T>>();
                Build(index, static (tree, start, size, tag) => tree.Insert(size, start, tag));
                _bySize = index;
                _indexed = true;
            }

            return _bySize;
        }
    }

    /// <summary>O(n) once in the life of an arena, unless memory is short, in the order in which the tags lie in memory: a scan that the
    /// hardware prefetches.</summary>
    private void Build<TOrder>(RangeTree<T, TOrder> index, Action<RangeTree<T, TOrder>, T, T, uint> insert)
        where TOrder : IRangeOrder<T>
    {
        try
        {
            for (uint tagIndex = 1; tagIndex < _tags.HighWater; tagIndex++)
            {
                Tag<T>* tag = _tags.At(tagIndex);
                if (tag->Kind == TagKind.Free)
                {
                    index.Reserve(1);
                    insert(index, tag->Start, SizeOf(tag), tagIndex);
                }
            }

            index.Reserve(2);
        }
        catch (OutOfMemoryException)
        {
            index.Release();
            throw;
        }
    }

    /// <summary>Makes sure that a segment can be freed, which takes no tag. An index that cannot grow is given up: it is built again when
    /// it is next needed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void ReserveToFree()
    {
        try
        {
            _byAddress?.Reserve(2);
            _bySize?.Reserve(2);
        }
        catch (OutOfMemoryException)
        {
            _byAddress?.Release();
            _bySize?.Release();
            _byAddress = null;
            _bySize = null;
            _indexed = false;
        }
    }

    private bool IndexesHaveReserve() => (_byAddress is null || _byAddress.HasReserved(2)) && (_bySize is null || _bySize.HasReserved(2));

    private void Index(T start, T size, uint tag)
    {
        _byAddress?.Insert(start, size, tag);
        _bySize?.Insert(size, start, tag);
    }

    private void Unindex(T start, T size)
    {
        _byAddress?.Remove(start, size);
        _bySize?.Remove(size, start);
    }

    /// <summary>A free segment has changed its start, its size or its tag, and no other lies between what it was and what it is.</summary>
    private void Reindex(T oldStart, T oldSize, T start, T size, uint tag)
    {
        _byAddress?.Replace(oldStart, oldSize, start, size, tag);
        if (_bySize is not null)
        {
            _bySize.Remove(oldSize, oldStart);
            _bySize.Insert(size, start, tag);
        }
    }

    /// <summary>[middle, next) became free and one with the free segments on either side; a neighbour of size 0 was not free.</summary>
    private void IndexCoalesced(T start, T previousSize, T middle, T next, T nextSize, uint tag)
    {
        T size = previousSize + (next - middle) + nextSize;
        if (T.IsZero(previousSize) && T.IsZero(nextSize))
        {
            Index(start, size, tag);
            return;
        }

        if (!T.IsZero(previousSize) && !T.IsZero(nextSize))
        {
            Unindex(next, nextSize);
        }

        if (T.IsZero(previousSize))
        {
            Reindex(next, nextSize, start, size, tag);
        }
        else
        {
            Reindex(start, previousSize, start, size, tag);
        }
    }
}
