using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>The spans: rings of tags, and an index of them by address.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    private SpanIndex<T> _spans;                  // but for those that drain
    private SpanIndex<T> _drains;                 // those: see SegmentMap.Draining

    public long SpanCount => _spans.Count + _drains.Count;

    /// <summary>How many spans drain.</summary>
    public long DrainingSpans => _drains.Count;

    /// <summary>The total size of all spans, modulo 2^bits: 0 with a span means every value of the type.</summary>
    public T TotalSize { get; private set; }

    /// <summary>The total size of the imported spans.</summary>
    public T Imported { get; private set; }

    /// <summary>The length of the longest span that does not drain.</summary>
    public T LargestSpan => _spans.LargestSize;

    /// <summary>Makes sure that <see cref="AddSpan"/> needs no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void ReserveSpan(T size)
    {
        Reserve();
        _spans.Reserve();
        _freeLists.EnsureReach(size >> _quantumShift, _tags.Most);
    }

    /// <summary>Whether [start, last] touches a span, and which.</summary>
    public bool TryFindOverlap(T start, T last, out Segment<T> span)
    {
        bool isFound = FindLastSpan(last, out T spanStart, out T size) != 0 && (spanStart >= start || start - spanStart <= size - T.One);
        span = isFound ? ToSpan(spanStart, size) : default;
        return isFound;
    }

    /// <summary>Adds a span, all of it free, and returns its free segment's tag. Needs <see cref="ReserveSpan"/> before.</summary>
    public uint AddSpan(T start, T size, bool imported)
    {
        Invariant.Assert(!T.IsZero(size) && Multiples<T>.Has(start, _quantum) && Multiples<T>.Has(size, _quantum), "a span is whole quanta");
        uint spanIndex = _tags.Take();
        uint freeIndex = _tags.Take();
        Tag<T>* span = _tags.At(spanIndex);
        Tag<T>* free = _tags.At(freeIndex);
        span->Start = start + size;
        span->Place(freeIndex, freeIndex, TagKind.Span);
        span->PreviousFree = true;
        span->LinkA = imported ? Tag<T>.ImportedBit : 0;
        span->LinkB = 0;
        free->Start = start;
        free->Place(spanIndex, spanIndex, TagKind.Free);
        _freeLists.Push(_tags, freeIndex, free, ClassOf(size), IsScarce);
        _spans.Add(start, size, spanIndex);
        if (_indexed)
        {
            Index(start, size, freeIndex);
            NoteFreed(start, size, freeIndex);
        }

        ChangeTotal(TotalSize + size);
        Imported += imported ? size : T.Zero;
        return freeIndex;
    }

    /// <summary>Removes a span that is one free segment.</summary>
    public void RemoveSpan(uint spanIndex)
    {
        Tag<T>* span = _tags.At(spanIndex);
        uint freeIndex = span->Next;
        Tag<T>* free = _tags.At(freeIndex);
        T start = free->Start;
        T size = span->Start - start;
        Invariant.Assert(span->Kind == TagKind.Span && span->PreviousFree && IsWhollyFree(spanIndex), "a span that goes is one free segment");
        _freeLists.Remove(_tags, free, ClassOf(size));
        if (_indexed)
        {
            Unindex(start, size, freeIndex);
            NoteTaken(start, size);
        }

        SpansOf(start).Remove(start, size);
        ForgetSpan(spanIndex, freeIndex, size);
    }

    /// <summary>Takes the two tags of a span back that is in no index any more.</summary>
    private void ForgetSpan(uint spanIndex, uint onlyIndex, T size)
    {
        ChangeTotal(TotalSize - size);
        Imported -= IsImported(spanIndex) ? size : T.Zero;
        _tags.Return(onlyIndex);
        _tags.Return(spanIndex);
        Invariant.Assert(SpanCount > 0 || (T.IsZero(TotalSize) && T.IsZero(Imported) && LiveSegments == 0), "nothing is left without a span");
    }

    /// <summary>Whether a request would have a place if everything were free; not in a span that drains.</summary>
    public bool HasPlaceInSpans(in Placement<T> placement)
    {
        if (placement.IsUnconstrained || LargestSpan < placement.Size)
        {
            return LargestSpan >= placement.Size;
        }

        T from = T.Zero;
        while (_spans.FindFirst(from, placement.Size, out T start, out T size) != 0 && start <= placement.Last)
        {
            T last = start + (size - T.One);
            if (placement.TryLowest(start, last, out _))
            {
                return true;
            }

            if (last == T.MaxValue)
            {
                break;
            }

            from = last + T.One;
        }

        return false;
    }

    private void ChangeTotal(T total)
    {
        TotalSize = total;
        T all = T.IsZero(total) && SpanCount > 0 ? T.MaxValue : total;
        _scarceAbove = all - (all >> 2) - Resting - Draining;
        _scarceFor = (all >> 2) - (all >> 4);
    }

    public bool IsImported(uint spanIndex) => (_tags.At(spanIndex)->LinkA & Tag<T>.ImportedBit) != 0;

    /// <summary>Whether a free segment is the whole of an imported span: then its two neighbours in the ring are one, the span's
    /// tag.</summary>
    public bool IsWholeImport(uint free, out uint spanIndex)
    {
        Tag<T>* tag = _tags.At(free);
        spanIndex = tag->Next;
        return tag->Previous == spanIndex && IsImported(spanIndex);
    }

    public bool IsWhollyFree(uint spanIndex)
    {
        Tag<T>* first = _tags.At(_tags.At(spanIndex)->Next);
        return first->Kind == TagKind.Free && first->Next == spanIndex;
    }

    /// <summary>The span that holds a value; 0 if none does.</summary>
    public uint FindSpan(T value, out T start, out T size)
    {
        uint span = FindLastSpan(value, out start, out size);
        return value - start <= size - T.One ? span : 0;
    }

    /// <summary>A span as callers see it: of one that holds every value of the type the size saturates.</summary>
    private Segment<T> ToSpan(T start, T size) =>
        new(start, T.IsZero(size) ? T.MaxValue : size, SegmentKind.Span) { IsDraining = Drains(start) };

    /// <summary>Whether a value lies in a span that drains.</summary>
    public bool Drains(T value) =>
        _drains.Count != 0 && _drains.FindLast(value, out T start, out T size) != 0 && value - start <= size - T.One;

    /// <summary>The first span at or after a value; 0 if there is none.</summary>
    public uint FindSpanFrom(T value, out T start, out T size) =>
        FindFirstSpan(value, out start, out size);

    private ref SpanIndex<T> SpansOf(T start) => ref Drains(start) ? ref _drains : ref _spans;

    /// <summary>The last span, draining or not, that begins at or before a value; 0 if there is none.</summary>
    private uint FindLastSpan(T value, out T start, out T size)
    {
        uint span = _spans.FindLast(value, out start, out size);
        if (_drains.Count != 0 && _drains.FindLast(value, out T otherStart, out T otherSize) is not 0 and var other
            && (span == 0 || otherStart > start))
        {
            (start, size) = (otherStart, otherSize);
            return other;
        }

        return span;
    }

    /// <summary>The first span, draining or not, that begins at or after a value; 0 if there is none.</summary>
    private uint FindFirstSpan(T value, out T start, out T size)
    {
        uint span = _spans.FindFirst(value, T.Zero, out start, out size);
        if (_drains.Count != 0 && _drains.FindFirst(value, T.Zero, out T otherStart, out T otherSize) is not 0 and var other
            && (span == 0 || otherStart < start))
        {
            (start, size) = (otherStart, otherSize);
            return other;
        }

        return span;
    }
}
