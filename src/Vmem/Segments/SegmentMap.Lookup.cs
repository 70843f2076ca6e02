namespace Vmem.Segments;

/// <summary>Which segment holds a value, the segments in address order, and the largest free one.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The segment that holds a value; 0 if no span does. O(log n) to the last free segment at or before it, then a walk over the allocated ones between.</summary>
    /// <remarks>Rejected: an index over the allocated segments too, for which every allocation and free would pay.</remarks>
    public uint Locate(T value)
    {
        uint span = FindSpan(value, out T spanStart, out _);
        if (span == 0)
        {
            return 0;
        }

        uint exact = FindLive(value);
        if (exact != 0)
        {
            return exact;
        }

        uint index = _tags.At(span)->Next;
        if (ByAddress.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor) && cursor.Key >= spanStart)
        {
            index = cursor.Item;
        }

        for (Tag<T>* tag = _tags.At(index); value - tag->Start >= SizeOf(tag); tag = _tags.At(index))
        {
            StepCounter.Count();
            index = tag->Next;
        }

        return index;
    }

    /// <summary>Copies segments in address order, from the one that holds <paramref name="from"/> or the first after it; spans come before their segments.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="segments">Receives them; at least two long.</param>
    /// <param name="next">Where to go on.</param>
    /// <param name="more">Whether there is anything from there on.</param>
    /// <returns>How many were copied.</returns>
    public int CopySegments(T from, Span<Segment<T>> segments, out T next, out bool more)
    {
        int count = 0;
        next = from;
        more = false;
        uint span = FindSpan(from, out T start, out T size);
        uint index = span != 0 ? Locate(from) : 0;
        if (span == 0)
        {
            span = FindSpanFrom(from, out start, out size);
        }

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
                    next = _tags.At(index)->Start;
                    more = true;
                    return count;
                }

                segments[count++] = ToSegment(_tags.At(index));
            }

            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : FindSpanFrom(last + T.One, out start, out size);
            index = 0;
            if (span != 0 && count + 2 > segments.Length)
            {
                next = start;
                more = true;
                return count;
            }
        }

        return count;
    }

    /// <summary>
    /// The size of the largest free segment: from an index if there is one, else from the highest list that is not empty,
    /// whose members differ by less than 1/64 of their size.
    /// </summary>
    public T LargestFree()
    {
        if (_byAddress is not null)
        {
            return _byAddress.LargestValue;
        }

        T largest = T.Zero;
        int sizeClass = _freeLists.FindHighest();
        for (uint index = sizeClass < 0 ? 0 : _freeLists.First(sizeClass); index != 0; index = _tags.At(index)->LinkA)
        {
            T size = SizeOf(_tags.At(index));
            largest = size > largest ? size : largest;
        }

        return largest;
    }
}
