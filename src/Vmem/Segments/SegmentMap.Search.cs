using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Free segments that are long enough, for requests without constraints.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Whether any free segment is as long: no index is begun for a request that fails in any case.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MayHold(T size) => Multiples<T>.TryUp(size, _quantum, out T whole) && FindInstant(whole) != 0;

    /// <summary>The units of the quanta that hold a size, which may be one of an arena above with another quantum.</summary>
    private T UnitsOf(T size) =>
        Multiples<T>.TryUp(size, _quantum, out T whole) ? whole >> _quantumShift : (T.MaxValue >> _quantumShift) + T.One;

    /// <summary>Instant fit's common case in one piece: allocates from the first list whose every member fits; 0, and nothing is changed,
    /// if all those are empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint TakeGoodFit(T size, out T start)
    {
        StepCounter.Count();
        uint index = _freeLists.Pop(_tags, SizeClass.Sure(size >> _quantumShift));
        if (index == 0)
        {
            start = default;
            return 0;
        }

        Tag<T>* tag = _tags.At(index);
        start = tag->Start;
        uint nextIndex = tag->Next;
        Tag<T>* next = _tags.At(nextIndex);
        Invariant.Assert(next->Start - start >= size, "every member of a sure list fits");
        TakeFront(index, tag, nextIndex, next, size, next->Start - start);
        return index;
    }

    /// <summary>From the first list whose every member fits; if there is none, from the request's own list, whose members lie on both sides
    /// of the request.</summary>
    private uint FindInstant(T size)
    {
        T units = size >> _quantumShift;
        int sizeClass = _freeLists.FindNotEmpty(SizeClass.Sure(units));
        StepCounter.Count();
        return sizeClass >= 0 ? _freeLists.First(sizeClass) : _freeLists.FindLongEnough(_tags, SizeClass.Of(units), size);
    }

    /// <summary>The lowest of the smallest that are long enough: from short free lists if there is no index yet.</summary>
    private uint FindBest(T size, out T start, bool inSteps)
    {
        start = default;
        FreeIndexes<T>? indexes = _indexes;
        if (indexes is null or { ByFit.IsComplete: false })
        {
            if (indexes is { BySize.IsComplete: true })
            {
                return FindBestBySize(size, out start);
            }

            if (_freeLists.TryFindBest(_tags, size, UnitsOf(size), out uint index))
            {
                start = index != 0 ? _tags.At(index)->Start : default;
                return index;
            }

            indexes = BeginIndexes();
        }

        return indexes.HasByFit(_tags, _freeLists, inSteps)
            ? indexes.ByFit.Trees!.Find(_tags, _freeLists, size, UnitsOf(size), out start)
            : Unfinished;
    }

    /// <summary>The index of requests with constraints serves others, too, as long as it is there.</summary>
    private uint FindBestBySize(T size, out T start)
    {
        bool isFound = _indexes!.BySize.Tree!.TryFindFirst(size, T.Zero, T.Zero, out RangeTree<T, ByKeyThenValue<T>>.Cursor best);
        start = isFound ? best.Value : default;
        return isFound ? best.Item : 0;
    }

    private uint FindLowest(T from, T size, out T start)
    {
        if (_indexes!.ByAddress.Tree!.TryFindFirst(from, T.Zero, size, out RangeTree<T, ByKey<T>>.Cursor cursor))
        {
            start = cursor.Key;
            return cursor.Item;
        }

        start = default;
        return 0;
    }
}
