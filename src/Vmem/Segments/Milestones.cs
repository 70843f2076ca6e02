using System.Numerics;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Segments that look-ups have walked past, by address: from the nearest before a value it is not far to the segment that holds
/// it.</summary>
/// <remarks>
/// <para>
/// A value inside a segment, and the start of one that was allocated by handle, is in no table. It is found by a walk along the ring of its
/// span. The walk leaves a milestone at every <see cref="Distance"/>th segment, so that no stretch is walked twice.
/// </para>
/// <para>
/// Nobody tells the milestones of changes. One is true as long as its tag stands for a segment that starts there, which is seen when it is
/// used. One that is not goes then. So look-ups cost allocations and frees nothing, before and afterwards, and whoever asks pays once for
/// what has changed since. Rejected: an index over the allocated segments, which makes every change dearer for as long as it lives, by
/// several times the change itself.
/// </para>
/// <para>Without memory for milestones a walk leaves none.</para>
/// </remarks>
internal unsafe struct Milestones<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Segments from one to the next. 16 steps, each perhaps a cache miss, take about as long as the search for the first; a
    /// milestone is then 2 bytes a segment.</summary>
    private const int Distance = 16;

    /// <summary>Below this many it does not matter how many are false. Arbitrary.</summary>
    private const long Few = 1024;

    private RangeTree<T, ByKey<T>>? _tree;
    private bool _isShort;                        // there was no memory for the last one

    public readonly long Bytes => _tree?.Bytes ?? 0;

    /// <summary>Walks to the segment that holds a value.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="index">A segment at or before the value, in the same span; in the end the one where the walk has come to.</param>
    /// <param name="value">The value.</param>
    /// <param name="steps">How far it may go.</param>
    /// <returns>False if it did not get there. The next walk will get farther.</returns>
    public bool TryWalk(in TagPool<T> tags, ref uint index, T value, long steps)
    {
        if (!TryFindNearest(tags, ref index, value, ref steps))
        {
            return false;
        }

        int passed = 0;
        for (Tag<T>* tag = tags.At(index); value - tag->Start >= tags.At(tag->Next)->Start - tag->Start; tag = tags.At(index))
        {
            StepCounter.Count();
            index = tag->Next;
            Invariant.Assert(tags.At(index)->Kind != TagKind.Span, "a value of a span is in one of its segments");
            if (++passed % Distance == 0)
            {
                Leave(tags, index);
                if (passed >= steps && !_isShort)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Forgets all. They come again.</summary>
    public void Release()
    {
        _tree?.Release();
        _tree = null;
    }

    /// <summary>The last true milestone at or before a value, if it is after the segment at hand: then it is one of the same
    /// span.</summary>
    private bool TryFindNearest(in TagPool<T> tags, ref uint index, T value, ref long steps)
    {
        while (_tree is not null
            && _tree.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor)
            && cursor.Key > tags.At(index)->Start)
        {
            if (IsTrue(tags, cursor.Item, cursor.Key))
            {
                index = cursor.Item;
                break;
            }

            if (--steps < 0)
            {
                return false;
            }

            _tree.Remove(cursor.Key, T.Zero);
        }

        return true;
    }

    private static bool IsTrue(in TagPool<T> tags, uint index, T start)
    {
        if (index >= tags.HighWater)
        {
            return false;
        }

        Tag<T>* tag = tags.At(index);
        return tag->Kind is TagKind.Allocated or TagKind.Free && tag->Start == start;
    }

    private void Leave(in TagPool<T> tags, uint index)
    {
        try
        {
            if (_tree?.Count > Few + (tags.InUse / (Distance / 2)))
            {
                Release();                        // most of them are false
            }

            RangeTree<T, ByKey<T>> tree = _tree ??= new RangeTree<T, ByKey<T>>();
            tree.Reserve(1);
            tree.Insert(tags.At(index)->Start, T.Zero, index);
            _isShort = false;
        }
        catch (OutOfMemoryException)
        {
            _isShort = true;
        }
    }
}
