using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Which segment holds a value, the segments in address order, and the largest free one.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Where an enumeration goes on: a tag, and the start it had. If the tag has another by then, the place is found again by
    /// address.</summary>
    public struct Position
    {
        internal T Start;
        internal uint Tag;

        /// <summary>Whether there is anything from here on.</summary>
        public bool More;

        public static Position First => new() { More = true };
    }

    /// <summary>The segment that holds a value; 0 if no span does. With the index by address O(log n) to the last free segment at or before
    /// it, then a walk over the allocated ones between; without it, a walk from the beginning of the span.</summary>
    /// <param name="value">The value.</param>
    /// <param name="buildIndex">Whether the look-up takes a step towards the index, which later changes of free segments pay for. A
    /// mistaken free does not.</param>
    /// <remarks>Rejected: an index over the allocated segments too, for which every allocation and free would pay.</remarks>
    public uint Locate(T value, bool buildIndex)
    {
        uint span = FindSpan(value, out T spanStart, out _);
        if (span == 0)
        {
            return 0;
        }

        uint exact = FindLive(value);
        if (exact != 0)
        {
            Invariant.Assert(_tags.At(exact)->Kind == TagKind.Allocated && _tags.At(exact)->Start == value, "what is listed as live is allocated");
            return exact;
        }

        uint index = _tags.At(span)->Next;
        if ((buildIndex ? HasByAddress(inSteps: true) : _byAddress.IsComplete)
            && _byAddress.Tree!.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor)
            && cursor.Key >= spanStart)
        {
            index = cursor.Item;
        }

        for (Tag<T>* tag = _tags.At(index); value - tag->Start >= SizeOf(tag); tag = _tags.At(index))
        {
            StepCounter.Count();
            index = tag->Next;
            Invariant.Assert(index != span, "a value of a span is in one of its segments");
        }

        return index;
    }

    /// <summary>Copies segments in address order, and moves the position past them. Spans come before their segments.</summary>
    /// <param name="position">From where.</param>
    /// <param name="segments">Receives them; at least two long.</param>
    /// <returns>How many were copied.</returns>
    public int CopySegments(ref Position position, Span<Segment<T>> segments)
    {
        int count = 0;
        T from = position.Start;
        uint span = FindSpan(from, out T start, out T size);
        uint index = span != 0 ? Resume(position) : 0;
        if (span == 0)
        {
            span = FindSpanFrom(from, out start, out size);
        }

        position.More = false;
        while (span != 0)
        {
            // A batch never ends between a span and its first segment: to begin at a span's start is to begin with the span.
            if (start >= from)
            {
                segments[count++] = new Segment<T>(start, size, SegmentKind.Span);
            }

            for (index = index != 0 ? index : _tags.At(span)->Next; index != span; index = _tags.At(index)->Next)
            {
                if (count == segments.Length)
                {
                    position = new Position { Start = _tags.At(index)->Start, Tag = index, More = true };
                    return count;
                }

                segments[count++] = ToSegment(_tags.At(index));
            }

            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : FindSpanFrom(last + T.One, out start, out size);
            index = 0;
            if (span != 0 && count + 2 > segments.Length)
            {
                position = new Position { Start = start, More = true };
                return count;
            }
        }

        return count;
    }

    private uint Resume(in Position position)
    {
        Tag<T>* tag = _tags.At(position.Tag);
        return position.Tag != 0 && tag->Kind is TagKind.Allocated or TagKind.Free && tag->Start == position.Start
            ? position.Tag
            : Locate(position.Start, buildIndex: false);
    }

    /// <summary>
    /// The size of the largest free segment: from an index if there is one, else from the highest list that is not empty. The members of an
    /// exact list are all of one size; those of another differ by less than 1/64, and each is looked at.
    /// </summary>
    public T LargestFree()
    {
        if (_byAddress.IsComplete)
        {
            return _byAddress.Tree!.LargestValue;
        }

        T largest = T.Zero;
        int sizeClass = _freeLists.FindHighest();
        for (uint index = sizeClass < 0 ? 0 : _freeLists.First(sizeClass); index != 0; index = _tags.At(index)->LinkA)
        {
            T size = SizeOf(_tags.At(index));
            largest = size > largest ? size : largest;
            if (sizeClass < 2 * SizeClass.RowLength)
            {
                break;
            }
        }

        return largest;
    }
}
