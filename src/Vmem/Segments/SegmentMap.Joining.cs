using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Spans that become longer or shorter at their end, or one with others that they touch.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How long a span of [start, start + size) would be with the added spans that it touches. All values of the type are as many
    /// as the type cannot say: then it reads as <c>MaxValue</c>.</summary>
    public T SizeWithNeighbors(T start, T size)
    {
        T end = start + size;
        T joined = size;
        joined += HasNeighborBelow(start, out _, out T below) ? below : T.Zero;
        joined += HasNeighborAbove(end, out _, out T above) ? above : T.Zero;
        return T.IsZero(joined) ? T.MaxValue : joined;
    }

    /// <summary>Makes a span that was just added one with the added spans that it touches. Needs <see cref="ReserveSpan"/> for all of them
    /// before it was added.</summary>
    public void JoinNeighbors(T start, T size)
    {
        uint span = FindSpan(start, out _, out _);
        Invariant.Assert(span != 0 && !IsImported(span), "what is joined was added");
        if (HasNeighborBelow(start, out uint below, out _))
        {
            Join(below, span);
        }

        if (HasNeighborAbove(start + size, out uint above, out _))
        {
            Join(span, above);
        }
    }

    /// <summary>Makes a span longer at its end; what comes is free. Needs <see cref="ReserveSpan"/> for all of it before.</summary>
    public void GrowSpan(uint spanIndex, T start, T size, T newSize)
    {
        Tag<T>* span = _tags.At(spanIndex);
        uint lastIndex = span->Previous;
        Tag<T>* last = _tags.At(lastIndex);
        T oldEnd = span->Start;
        T more = newSize - size;
        Invariant.Assert(newSize > size && oldEnd - start == size, "a span grows from what it was");
        if (span->PreviousFree)
        {
            ResizeLast(span, lastIndex, last, oldEnd + more);
        }
        else
        {
            uint freeIndex = _tags.Take();
            Tag<T>* free = _tags.At(freeIndex);
            free->Start = oldEnd;
            free->Place(lastIndex, spanIndex, TagKind.Free);
            last->Next = freeIndex;
            span->Previous = freeIndex;
            span->PreviousFree = true;
            span->Start = oldEnd + more;
            _freeLists.Push(_tags, freeIndex, free, ClassOf(more), IsScarce);
            if (_indexed)
            {
                Index(oldEnd, more, freeIndex);
            }
        }

        if (_indexed)
        {
            NoteFreed(oldEnd, more, span->Previous);
        }

        _spans.Resize(start, size, newSize, spanIndex);
        ChangeTotal(TotalSize + more);
    }

    /// <summary>Makes a span shorter at its end. Needs <see cref="ReserveToFree"/> before.</summary>
    /// <returns>False, and nothing is changed, if what goes is not free.</returns>
    public bool TryShrinkSpan(uint spanIndex, T start, T size, T newSize)
    {
        Tag<T>* span = _tags.At(spanIndex);
        uint lastIndex = span->Previous;
        Tag<T>* last = _tags.At(lastIndex);
        T free = span->Start - last->Start;
        T less = size - newSize;
        Invariant.Assert(newSize < size && !T.IsZero(newSize), "a span that shrinks does not vanish");
        if (!span->PreviousFree || free < less)
        {
            return false;
        }

        T end = start + newSize;
        if (free > less)
        {
            ResizeLast(span, lastIndex, last, end);
        }
        else
        {
            _freeLists.Remove(_tags, last, ClassOf(free));
            if (_indexed)
            {
                Unindex(end, free, lastIndex);
            }

            _tags.At(last->Previous)->Next = spanIndex;
            span->Previous = last->Previous;
            span->PreviousFree = false;
            span->Start = end;
            _tags.Return(lastIndex);
        }

        if (_indexed)
        {
            NoteTaken(end, less);
        }

        _spans.Resize(start, size, newSize, spanIndex);
        ChangeTotal(TotalSize - less);
        return true;
    }

    /// <summary>The span ends elsewhere from now on, and so does the free segment at its end.</summary>
    private void ResizeLast(Tag<T>* span, uint lastIndex, Tag<T>* last, T end)
    {
        T size = span->Start - last->Start;
        T newSize = end - last->Start;
        _freeLists.Remove(_tags, last, ClassOf(size));
        span->Start = end;
        _freeLists.Push(_tags, lastIndex, last, ClassOf(newSize), IsScarce);
        if (_indexed)
        {
            Reindex(last->Start, size, lastIndex, last->Start, newSize, lastIndex);
        }
    }

    private bool HasNeighborBelow(T start, out uint span, out T size)
    {
        span = T.IsZero(start) ? 0 : FindSpan(start - T.One, out _, out size);
        return IsJoinable(span, start, out size);
    }

    private bool HasNeighborAbove(T end, out uint span, out T size)
    {
        span = T.IsZero(end) ? 0 : FindSpan(end, out _, out size);
        return IsJoinable(span, end, out size);
    }

    private bool IsJoinable(uint span, T seam, out T size)
    {
        bool isJoinable = span != 0 && !IsImported(span) && !Drains(seam == _tags.At(span)->Start ? seam - T.One : seam);
        T start = isJoinable ? _tags.At(_tags.At(span)->Next)->Start : T.Zero;
        size = isJoinable ? _tags.At(span)->Start - start : T.Zero;
        Invariant.Assert(!isJoinable || start == seam || _tags.At(span)->Start == seam, "neighbours touch");
        return isJoinable;
    }

    /// <summary>Makes two spans that touch one: their rings become one ring, and the tag of the second is the tag of both.</summary>
    private void Join(uint leftIndex, uint rightIndex)
    {
        Tag<T>* left = _tags.At(leftIndex);
        Tag<T>* right = _tags.At(rightIndex);
        (uint firstLeft, uint lastLeft, uint firstRight) = (left->Next, left->Previous, right->Next);
        T start = _tags.At(firstLeft)->Start;
        T seam = left->Start;
        Invariant.Assert(_tags.At(firstRight)->Start == seam, "spans that are joined touch");
        _tags.At(lastLeft)->Next = firstRight;
        _tags.At(firstRight)->Previous = lastLeft;
        _tags.At(firstRight)->PreviousFree = left->PreviousFree;
        _tags.At(firstLeft)->Previous = rightIndex;
        right->Next = firstLeft;
        _tags.Return(leftIndex);
        if (T.IsZero(right->Start - start))
        {
            BecomeWhole(rightIndex);
        }
        else
        {
            _spans.Join(start, seam - start, seam, right->Start - seam, rightIndex);
        }

        if (!IsAllFree)
        {
            MergeFree(lastLeft, firstRight);
        }
    }

    /// <summary>Makes two neighbours one if both are free.</summary>
    private void MergeFree(uint leftIndex, uint rightIndex)
    {
        Tag<T>* left = _tags.At(leftIndex);
        Tag<T>* right = _tags.At(rightIndex);
        if (left->Kind != TagKind.Free || right->Kind != TagKind.Free)
        {
            return;
        }

        ReserveToFree();
        T start = left->Start;
        T middle = right->Start;
        uint next = right->Next;
        T leftSize = middle - start;
        T rightSize = _tags.At(next)->Start - middle;
        _freeLists.Remove(_tags, left, ClassOf(leftSize));
        _freeLists.Remove(_tags, right, ClassOf(rightSize));
        left->Next = next;
        _tags.At(next)->Previous = leftIndex;
        Invariant.Assert(_tags.At(next)->PreviousFree, "what follows a free segment knows it");
        _tags.Return(rightIndex);
        _freeLists.Push(_tags, leftIndex, left, ClassOf(leftSize + rightSize), IsScarce);
        if (_indexed)
        {
            Unindex(middle, rightSize, rightIndex);
            Reindex(start, leftSize, leftIndex, start, leftSize + rightSize, leftIndex);
        }
    }
}
