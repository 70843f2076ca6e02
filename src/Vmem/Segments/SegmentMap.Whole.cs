using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>A span that holds every value of the type.</summary>
/// <remarks>
/// <para>
/// It is 2^bits long, which no <typeparamref name="T"/> says. In the index of spans its size is 0. As soon as anything is allocated, every
/// segment is shorter than that, and the span is one like any other. While nothing is, its one free segment would have no size, and so no
/// free list. Then it is kept as two that touch: all but the last quantum, and the last quantum.
/// </para>
/// <para>
/// A range is shorter than the span, so it leaves the first or the last quantum out. The seam is moved to there before the range is carved,
/// and what is free on both sides of it becomes one again. Only the first allocation and the last free do more than others, and all frees
/// go the way of those that have something to follow: the arena's quick ways never ask whether it is whole.
/// </para>
/// <para>
/// Rejected: sizes less one everywhere, which costs every operation of every arena a subtraction; two spans with a seam that gives way,
/// which free segments, growth and look-ups would all have to know of.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Allocates a place while all is free. Takes as many tags as <see cref="Carve"/>.</summary>
    public uint CarveAll(T start, T size)
    {
        Invariant.Assert(IsAllFree, "what is carved is all free");
        uint frontIndex = FirstOfAll();
        uint backIndex = _tags.At(frontIndex)->Next;
        bool isFront = start + (size - T.One) < _tags.At(backIndex)->Start;
        if (!isFront)
        {
            MoveSeam(frontIndex, backIndex, _quantum);
        }

        uint index = Carve(isFront ? frontIndex : backIndex, start, size);
        MergeFree(isFront ? _tags.At(backIndex)->Previous : frontIndex, isFront ? backIndex : _tags.At(frontIndex)->Next);
        return index;
    }

    /// <summary>Frees the only segment, which is in no table any more. Then all is free.</summary>
    public uint FreeAll(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(IsWhole && LiveSegments == 1 && tag->Kind == TagKind.Allocated && !tag->ByHandle, "what is freed is the last");
        (T start, T size) = (tag->Start, SizeOf(tag));
        InUse -= size;
        LiveSegments--;
        uint span = _spans.FindLast(T.Zero, out _, out _);
        DropFree(tag->Next);
        DropFree(tag->Previous);
        Divide(span, index);
        if (_indexed)
        {
            NoteFreed(start, size, index);
        }

        return index;
    }

    private uint FirstOfAll() => _tags.At(_spans.FindLast(T.Zero, out _, out _))->Next;

    /// <summary>A span has become whole. Its two halves may both be free.</summary>
    private void BecomeWhole(uint span)
    {
        _spans.SetWhole(span);
        IsWhole = true;
        if (IsAllFree)
        {
            uint first = _tags.At(span)->Next;    // each index has these two entries, so that nothing of it is full
            MoveSeam(first, _tags.At(first)->Next, T.Zero - _quantum);
        }
    }

    /// <summary>Makes one tag, that of the only segment, two free segments.</summary>
    private void Divide(uint span, uint frontIndex)
    {
        uint backIndex = _tags.Take();
        Tag<T>* front = _tags.At(frontIndex);
        Tag<T>* back = _tags.At(backIndex);
        T seam = T.Zero - _quantum;
        front->Start = T.Zero;
        front->Place(span, backIndex, TagKind.Free);
        back->Start = seam;
        back->Place(frontIndex, span, TagKind.Free);
        back->PreviousFree = true;
        _tags.At(span)->Next = frontIndex;
        _tags.At(span)->SetPreviousFree(backIndex);
        _freeLists.Push(_tags, frontIndex, front, ClassOf(seam), IsScarce);
        _freeLists.Push(_tags, backIndex, back, ClassOf(T.Zero - seam), IsScarce);
        if (_indexed)
        {
            Index(T.Zero, seam, frontIndex);
            Index(seam, T.Zero - seam, backIndex);
        }
    }

    /// <summary>Where the two free segments touch.</summary>
    private void MoveSeam(uint frontIndex, uint backIndex, T seam)
    {
        Tag<T>* front = _tags.At(frontIndex);
        Tag<T>* back = _tags.At(backIndex);
        T old = back->Start;
        Invariant.Assert(T.IsZero(front->Start) && front->Kind == TagKind.Free && back->Kind == TagKind.Free, "all is free");
        _freeLists.Remove(_tags, front, ClassOf(old));
        _freeLists.Remove(_tags, back, ClassOf(T.Zero - old));
        back->Start = seam;
        _freeLists.Push(_tags, frontIndex, front, ClassOf(seam), IsScarce);
        _freeLists.Push(_tags, backIndex, back, ClassOf(T.Zero - seam), IsScarce);
        if (_indexed)
        {
            Unindex(old, T.Zero - old, backIndex);
            Reindex(T.Zero, old, frontIndex, T.Zero, seam, frontIndex);
            Index(seam, T.Zero - seam, backIndex);
        }
    }

    private void DropFree(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        if (tag->Kind == TagKind.Free)
        {
            T size = SizeOf(tag);
            _freeLists.Remove(_tags, tag, ClassOf(size));
            _tags.At(tag->Previous)->Next = tag->Next;
            _tags.At(tag->Next)->Previous = tag->Previous;
            if (_indexed)
            {
                Unindex(tag->Start, size, index);
            }

            _tags.Return(index);
        }
    }
}
