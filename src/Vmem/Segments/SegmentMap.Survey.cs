using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>What is asked about a request that nobody makes: whether it has a place, and how many segments are long enough.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many segments a survey looks at without an index. Arbitrary: some 10 µs.</summary>
    private const int SegmentsWalked = 512;

    /// <summary>Whether there is any place, and the lowest one. If it does not lie among the first segments, the index by address knows;
    /// a question does not pay for that as long as it is not needed.</summary>
    /// <returns>The free segment, 0, or <see cref="Unfinished"/>.</returns>
    public uint Survey(in Placement<T> placement, out T lowest)
    {
        if (IsAllFree)
        {
            return FindInAll(FitPolicy.FirstFit, placement, out lowest);
        }

        if (placement.IsOnePlace && placement.Kind == 0)
        {
            return FindAt(placement, out lowest, inSteps: true);
        }

        if (IsAligned(placement, out Alignment<T> alignment) && _indexes?.AlignedBySize?.LargestRoom(alignment) < placement.Size)
        {
            lowest = default;
            return 0;
        }

        if (_indexes is null or { ByAddress.IsComplete: false, Aligned: null or { IsBegun: false } })
        {
            uint near = Walk(placement, out lowest);
            if (near != Unfinished)
            {
                return near;
            }
        }

        return FindByAddress(FitPolicy.FirstFit, placement, out lowest, inSteps: true);
    }

    /// <summary>How many free segments are at least so long.</summary>
    /// <returns>False after a step towards the answer.</returns>
    public bool TryCountLongEnough(T size, out long count)
    {
        count = 1;
        if (IsAllFree)
        {
            return true;
        }

        if (_indexes is null or { Counts.IsBegun: false } && _freeLists.TryCountLongEnough(_tags, size, FreeSegments, out count))
        {
            return true;
        }

        FreeIndexes<T> indexes = BeginIndexes();
        bool isThere = indexes.Counts.TryAsk(_tags);
        count = isThere ? _freeLists.CountLongEnough(_tags, size, indexes.Counts) : 0;
        return isThere;
    }

    /// <summary>Looks at the first segments from the beginning of the window on, or of the span that it begins in.</summary>
    private uint Walk(in Placement<T> placement, out T start)
    {
        uint span = FindSpan(placement.Min, out T spanStart, out T size);
        span = span != 0 ? span : FindSpanFrom(placement.Min, out spanStart, out size);
        int looks = 0;
        while (span != 0 && spanStart <= placement.Last)
        {
            for (uint index = _tags.At(span)->Next; index != span; index = _tags.At(index)->Next)
            {
                StepCounter.Count();
                Tag<T>* tag = _tags.At(index);
                if (tag->Kind == TagKind.Free && TryLowest(placement, index, tag->Start, tag->Start + (SizeOf(tag) - T.One), out start))
                {
                    return index;
                }

                if (++looks == SegmentsWalked)
                {
                    start = default;
                    return Unfinished;
                }
            }

            T last = spanStart + (size - T.One);
            span = last == T.MaxValue ? 0 : FindSpanFrom(last + T.One, out spanStart, out size);
        }

        start = default;
        return 0;
    }
}
