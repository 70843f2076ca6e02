using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Every invariant of the tables. One walk over the rings, then each index against what the walk counted.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Throws <see cref="InvariantViolationException"/> if anything is amiss. O(n log n).</summary>
    public void Validate()
    {
        var census = default(Census);
        ValidateSpans(ref census);
        Invariant.Hold(census.Live == LiveSegments, "live segments are counted", $"{census.Live} are there, {LiveSegments} are counted");
        Invariant.Hold(census.Free == FreeTags, "free segments are counted", $"{census.Free} are there, {FreeTags} are counted");
        Invariant.Hold(census.InUse == InUse, "what is in use is counted", $"{census.InUse} is in use, {InUse} is counted");
        Invariant.Hold(census.Rests == RestingSegments && census.Resting == Resting, "what rests is counted", $"{census.Rests} of {census.Resting} rest, {RestingSegments} of {Resting} are counted");
        Invariant.Hold(census.Drains == DrainingSegments && census.Draining == Draining, "what drains is counted", $"{census.Drains} of {census.Draining} drain, {DrainingSegments} of {Draining} are counted");
        Invariant.Hold(census.Total == TotalSize, "the total size is counted", $"the spans have {census.Total}, {TotalSize} is counted");
        Invariant.Hold(census.Imported == Imported, "what is imported is counted", $"{census.Imported} is imported, {Imported} is counted");
        Invariant.Hold(census.Listed == _live.Count, "the table of live segments holds those allocated by address", $"it counts {_live.Count} of {census.Listed}");
        Invariant.Hold(IsWhole == (SpanCount == 1 && T.IsZero(TotalSize)), "a map knows whether it is whole", $"it is: {IsWhole}");
        Invariant.Hold(_freeLists.Validate(_tags) == FreeTags, "the free lists hold the free segments", $"of {FreeTags} not all are there");
        _indexes?.Validate(_tags);
        _indexes?.Order?.Validate((start, size) => FindAt(start, size, inSteps: false) != 0);
        Invariant.Hold(_indexed || _indexes is null or { IsAnyBegun: false }, "an index that is begun is told of changes", $"there is one, and nobody knows");
    }

    private struct Census
    {
        public T InUse;
        public T LastOfSpan;
        public long Spans;
        public T Total;
        public T Imported;
        public long Live;
        public long Free;
        public long Listed;
        public T Resting;
        public long Rests;
        public T Draining;
        public long Drains;
    }

    private void ValidateSpans(ref Census census)
    {
        _spans.Validate(static (_, _, _) => { });
        _drains.Validate(static (_, _, _) => { });
        uint span = FindSpanFrom(T.Zero, out T start, out T size);
        while (span != 0)
        {
            ValidateSpan(start, size, span, ref census);
            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : FindSpanFrom(last + T.One, out start, out size);
        }

        Invariant.Hold(census.Spans == SpanCount, "spans are counted", $"{census.Spans} are there, {SpanCount} are counted");
    }

    private void ValidateSpan(T start, T size, uint spanIndex, ref Census census)
    {
        ValidateKinds(spanIndex);
        Tag<T>* span = _tags.At(spanIndex);
        Invariant.Hold(span->Kind == TagKind.Span && span->Start - start == size, "a span's tag holds the span's end", $"span {start}, size {size}, tag {span->Start}");
        Invariant.Hold(census.Spans == 0 || start > census.LastOfSpan, "spans do not overlap", $"the span at {start} begins before the one below it ends, at {census.LastOfSpan}");
        census.Spans++;
        census.LastOfSpan = start + (size - T.One);
        census.Total += size;
        census.Imported += IsImported(spanIndex) ? size : T.Zero;
        T expected = start;
        uint previous = spanIndex;
        bool previousFree = false;
        for (uint index = span->Next; index != spanIndex; index = _tags.At(index)->Next)
        {
            Tag<T>* tag = _tags.At(index);
            T length = SizeOf(tag);
            Invariant.Hold(tag->Start == expected, "the segments of a span follow each other without a gap", $"at {tag->Start} instead of {expected}");
            Invariant.Hold(tag->Previous == previous && tag->PreviousFree == previousFree, "a tag knows its predecessor", $"the tag at {tag->Start}");
            Invariant.Hold(!T.IsZero(length) && Multiples<T>.Has(length, _quantum), "a segment is whole quanta long", $"the one at {tag->Start} is {length}");
            Invariant.Hold(tag->Kind is TagKind.Allocated or TagKind.Free, "a segment is allocated or free", $"the tag at {tag->Start} says {tag->Kind}");
            bool free = tag->Kind == TagKind.Free;
            Invariant.Hold(!free || !previousFree || IsAllFree, "free neighbours are coalesced", $"two touch at {tag->Start}");
            if (free)
            {
                census.Free++;
            }
            else if (tag->IsResting)
            {
                census.Rests++;
                census.Resting += length;
            }
            else if (tag->IsDraining)
            {
                census.Drains++;
                census.Draining += length;
                bool isAlone = !_tags.At(tag->Next)->IsDraining;
                Invariant.Hold(isAlone, "free neighbours in a span that drains are one", $"two touch behind {tag->Start}");
            }
            else
            {
                CountLive(index, tag, length, ref census);
            }

            previousFree = free;
            previous = index;
            expected += length;
        }

        Invariant.Hold(expected == span->Start && previous != spanIndex, "the segments of a span fill it", $"the span at {start} ends at {span->Start}, its segments at {expected}");
        Invariant.Hold(span->Previous == previous && span->PreviousFree == previousFree, "a span's tag knows the last segment", $"the span at {start}");
    }

    private void CountLive(uint index, Tag<T>* tag, T length, ref Census census)
    {
        census.Live++;
        census.InUse += length;
        if (!tag->ByHandle)
        {
            census.Listed++;
            Invariant.Hold(FindLive(tag->Start) == index, "a segment allocated by address is found by it", $"the one at {tag->Start}");
        }
    }
}
