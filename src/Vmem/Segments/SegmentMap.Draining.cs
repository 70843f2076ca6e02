using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Spans that drain: nothing is taken from them any more, and each goes with its last range.</summary>
/// <remarks>
/// <para>
/// What is free of such a span is held by nobody, as what rests is: its tag is that of an allocated segment whose handle has generation 1,
/// which is none. So it is in no list and no index, no search and no request meets it, and taking has nothing new to look for. Two that
/// touch are one, so a span is empty when it is one such segment.
/// </para>
/// <para>
/// These spans have an index of their own. So the longest span, and the spans that a request could have a place in, are those of the other
/// index, and nothing has to be passed over.
/// </para>
/// <para>
/// A span begins to drain at once: what is freed in it from then on becomes draining. What was free before becomes so in steps
/// (<see cref="TryTurn"/>), between which others may still take from what the steps have not come to. Rejected: a mark in each free
/// segment that every search would have to look at; and all of the span in one step, which takes as long as there are segments in it.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many segments a step looks at: some ten microseconds. Otherwise arbitrary.</summary>
    private const int TurnedAtATime = 512;

    /// <summary>Makes sure that one more span can drain, or one fewer. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void ReserveDrain()
    {
        _spans.Reserve();
        _drains.Reserve();
    }

    /// <summary>A span drains from now on, or does no more. Needs <see cref="ReserveDrain"/> before; <see cref="TryTurn"/> does the
    /// rest.</summary>
    public void SetDraining(uint spanIndex, bool drains)
    {
        T start = _tags.At(_tags.At(spanIndex)->Next)->Start;
        T size = _tags.At(spanIndex)->Start - start;
        Invariant.Assert(!IsWhole && Drains(start) != drains, "a span that can go begins to drain, or ceases to");
        if (drains)
        {
            _spans.Remove(start, size);
            _drains.Add(start, size, spanIndex);
        }
        else
        {
            _drains.Remove(start, size);
            _spans.Add(start, size, spanIndex);
        }
    }

    /// <summary>The spans that drain, in address order.</summary>
    public Segment<T>[] CopyDraining()
    {
        var spans = new Segment<T>[_drains.Count];
        T from = T.Zero;
        for (int i = 0; i < spans.Length; i++)
        {
            _ = _drains.FindFirst(from, T.Zero, out T start, out T size);
            spans[i] = ToSpan(start, size);
            from = start + size;                  // where the last one ends at the top of the type, nobody looks any more
        }

        return spans;
    }

    /// <summary>An allocated segment of such a span, which is in no table any more, becomes draining, and one with what drains beside it.
    /// Needs no memory.</summary>
    /// <returns>The tag of all of it.</returns>
    public uint Withdraw(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(tag->Kind == TagKind.Allocated && !tag->ByHandle && LiveSegments > 0, "what is withdrawn was allocated, and nobody's handle is left");
        InUse -= SizeOf(tag);
        LiveSegments--;
        return BecomeDraining(index, tag);
    }

    /// <summary>Whether a segment drains, and is all that there is of its span.</summary>
    public bool IsDrained(uint index, out uint spanIndex)
    {
        Tag<T>* tag = _tags.At(index);
        spanIndex = tag->Next;
        return tag->Previous == spanIndex && tag->IsDraining;
    }

    /// <summary>The first segment of a span that is not draining; 0: all of it drains.</summary>
    public uint FirstHeld(uint spanIndex)
    {
        uint first = _tags.At(spanIndex)->Next;
        first = _tags.At(first)->IsDraining ? _tags.At(first)->Next : first;
        return first == spanIndex ? 0 : first;
    }

    /// <summary>Removes such a span.</summary>
    public void RemoveDrained(uint spanIndex)
    {
        uint index = _tags.At(spanIndex)->Next;
        T start = _tags.At(index)->Start;
        T size = _tags.At(spanIndex)->Start - start;
        Invariant.Assert(IsDrained(index, out _), "a span that goes has drained");
        NoteDraining(T.Zero - size, -1);
        _drains.Remove(start, size);
        ForgetSpan(spanIndex, index, size);
    }

    /// <summary>Takes a step along a span: what is free of it becomes draining, or, if it drains no more, free.</summary>
    /// <param name="spanStart">Where the span begins.</param>
    /// <param name="position">How far the steps have come.</param>
    /// <param name="slab">A slab that must become segments of its own before the next step; 0: there is none.</param>
    /// <param name="turned">The tag of the last segment that has changed; 0: none has.</param>
    /// <returns>Whether that was the last step. So it is if the span is gone.</returns>
    public bool TryTurn(T spanStart, ref Position position, out uint slab, out uint turned)
    {
        slab = 0;
        turned = 0;
        uint span = FindSpan(spanStart, out T start, out T size);
        if (span == 0 || start != spanStart || position.Start - start > size - T.One)
        {
            return true;
        }

        if (!TryApproach(position))
        {
            return false;
        }

        bool drains = Drains(spanStart);
        uint index = Resume(position);
        for (int looks = 0; index != span && looks < TurnedAtATime; looks++)
        {
            StepCounter.Count();
            slab = drains ? SlabOf(index) : 0;
            if (slab != 0)
            {
                break;
            }

            if (drains ? _tags.At(index)->Kind == TagKind.Free : _tags.At(index)->IsDraining)
            {
                ReserveToFree();
                index = drains ? WithdrawFree(index) : FreeDraining(index);
                turned = index;
            }

            index = _tags.At(index)->Next;
        }

        position = new Position { Start = _tags.At(index)->Start, Tag = index, More = true };
        return index == span;
    }

    private uint WithdrawFree(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        Tag<T>* next = _tags.At(tag->Next);
        T size = SizeOf(tag);
        Invariant.Assert(next->PreviousFree && next->Previous == index, "a free segment and the one behind it know each other");
        _freeLists.Remove(_tags, tag, ClassOf(size));
        next->PreviousFree = false;
        tag->Kind = TagKind.Allocated;
        if (_indexed)
        {
            NoteTaken(tag->Start, size);
            Unindex(tag->Start, size, index);
        }

        return BecomeDraining(index, tag);
    }

    private uint FreeDraining(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(tag->IsDraining && DrainingSegments > 0, "what becomes free drained");
        NoteDraining(T.Zero - SizeOf(tag), -1);
        tag->ByHandle = false;
        return Coalesce(index, tag, tag->Next, _tags.At(tag->Next));
    }

    private uint BecomeDraining(uint index, Tag<T>* tag)
    {
        NoteDraining(SizeOf(tag), 1);
        tag->SetDraining();
        if (_tags.At(tag->Next)->IsDraining)
        {
            MergeDraining(index, tag->Next);
        }

        if (_tags.At(tag->Previous)->IsDraining)
        {
            uint previous = tag->Previous;
            MergeDraining(previous, index);
            index = previous;
        }

        return index;
    }

    private void MergeDraining(uint leftIndex, uint rightIndex)
    {
        uint next = _tags.At(rightIndex)->Next;
        _tags.At(leftIndex)->Next = next;
        _tags.At(next)->Previous = leftIndex;
        _tags.Return(rightIndex);
        NoteDraining(T.Zero, -1);
    }

    /// <summary>What drains counts as full where it is asked how scarce space is.</summary>
    private void NoteDraining(T more, int by)
    {
        _draining.Size += more;
        _draining.Count += by;
        _scarceAbove -= more;
    }
}
