using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>The spans: rings of tags, and an index of them by address.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    private SpanIndex<T> _spans;

    public long SpanCount => _spans.Count;

    /// <summary>The total size of all spans, modulo 2^bits: 0 with a span means every value of the type.</summary>
    public T TotalSize { get; private set; }

    /// <summary>The total size of the imported spans.</summary>
    public T Imported { get; private set; }

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
        bool isFound = _spans.FindLast(last, out T spanStart, out T size) != 0 && (spanStart >= start || start - spanStart <= size - T.One);
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

        _spans.Remove(start, size);
        ChangeTotal(TotalSize - size);
        Imported -= IsImported(spanIndex) ? size : T.Zero;
        _tags.Return(freeIndex);
        _tags.Return(spanIndex);
        Invariant.Assert(SpanCount > 0 || (T.IsZero(TotalSize) && T.IsZero(Imported) && LiveSegments == 0), "nothing is left without a span");
    }

    /// <summary>Whether a request would have a place if everything were free.</summary>
    public bool HasPlaceInSpans(in Placement<T> placement)
    {
        if (placement.IsUnconstrained || LargestSpan < placement.Size)
        {
            return SpanCount > 0 && LargestSpan >= placement.Size;
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
        _scarceAbove = all - (all >> 2) - Resting;
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
        uint span = _spans.FindLast(value, out start, out size);
        return value - start <= size - T.One ? span : 0;
    }

    /// <summary>A span as callers see it: of one that holds every value of the type the size saturates.</summary>
    private static Segment<T> ToSpan(T start, T size) => new(start, T.IsZero(size) ? T.MaxValue : size, SegmentKind.Span);

    /// <summary>The first span at or after a value; 0 if there is none.</summary>
    public uint FindSpanFrom(T value, out T start, out T size) => _spans.FindFirst(value, T.Zero, out start, out size);
}
