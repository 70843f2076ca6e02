using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The indexes over the free segments: how they are asked for, and told of changes.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The answer of a search that took a step towards an index which is not complete yet: the search is to be made again, best
    /// after others had their turn.</summary>
    public const uint Unfinished = uint.MaxValue;

    private FreeIndexes<T>? _indexes;             // none before the first question that needs one

    /// <summary>They will be there, and are to be told of changes.</summary>
    private FreeIndexes<T> BeginIndexes()
    {
        _indexes ??= new FreeIndexes<T>(_quantumShift);
        _indexed = true;
        return _indexes;
    }

    /// <summary>Every index is there from now on, where there is no span yet: no request will have to wait for one.</summary>
    public void KeepIndexes(FitPolicy policy, IReadOnlyList<T> alignments)
    {
        Invariant.Assert(LiveSegments == 0, "indexes are cheap to begin where there is nothing to enter");
        TreeExtras address = TreeExtras.Bounds | (policy == FitPolicy.RandomFit ? TreeExtras.Sums : TreeExtras.None);
        BeginIndexes().Keep(_tags, _freeLists, address, alignments.Select(static align => new Alignment<T>(align - T.One, T.Zero, T.Zero)));
    }

    /// <summary>Makes sure that a segment can be freed, which takes no tag. An index that cannot grow is given up: it is built again when
    /// it is next needed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void ReserveToFree()
    {
        if (!_indexed)
        {
            return;
        }

        try
        {
            ReserveIndexes();
        }
        catch (OutOfMemoryException)
        {
            _indexes!.Drop();
            _indexed = _indexes.IsAnyBegun;
        }
    }

    /// <summary>Makes sure that the indexes can follow the next change. Those that nobody asks for any more are dropped.</summary>
    private void ReserveIndexes()
    {
        _indexes!.Reserve();
        _indexed = _indexes.IsAnyBegun;
    }

    private bool IndexesHaveReserve() => _indexes!.HasReserve;

    /// <summary>A range became free, whatever it coalesced with. Only where there are indexes.</summary>
    private void NoteFreed(T start, T size, uint tag) => _indexes!.Order?.Free(start, size, tag);

    /// <summary>A range is free no more.</summary>
    private void NoteTaken(T start, T size) => _indexes!.Order?.Take(start, size);

    private void Index(T start, T size, uint tag)
    {
        _indexes!.Add(start, size, tag);
        PlantGrown(tag);
    }

    private void Unindex(T start, T size, uint tag) => _indexes!.Remove(start, size, tag);

    private void Reindex(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        _indexes!.Replace(oldStart, oldSize, oldTag, start, size, tag);
        PlantGrown(tag);
    }

    /// <summary>What came into the indexes is in its free list: if that is long now, best fit has a tree made of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PlantGrown(uint tag)
    {
        if (_indexes!.ByFit.IsGrown)
        {
            _indexes.ByFit.Trees!.Plant(_tags, _freeLists, tag);
        }
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
        NoteFreed(middle, next - middle, tag);
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
