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

    /// <summary>How many segments a look-up walks past under one lock: some hundred microseconds if each is a cache miss. Otherwise
    /// arbitrary.</summary>
    private const long StepsAtATime = 4096;

    /// <summary>The segment that holds a value; 0 if no span does. O(log n), and a walk over what no look-up has walked past yet, or has
    /// changed since.</summary>
    public uint Locate(T value)
    {
        _ = TryWalk(value, long.MaxValue, out uint index);
        return index;
    }

    /// <summary>Takes a step towards the segment that holds a value.</summary>
    /// <returns>Whether <see cref="Locate"/> would be short now; else it is to be asked again, best after others had their turn.</returns>
    public bool TryApproach(T value) => TryWalk(value, StepsAtATime, out _);

    /// <summary>The same for where an enumeration goes on.</summary>
    public bool TryApproach(in Position position, long steps = StepsAtATime) =>
        IsThere(position) || TryWalk(position.Start, steps, out _);

    /// <summary>Gives back what look-ups have left behind, and what more spans needed than there are.</summary>
    public void ForgetLookUps()
    {
        _milestones.Release();
        _spans.Shrink();
        _drains.Shrink();
    }

    private bool TryWalk(T value, long steps, out uint index)
    {
        index = 0;
        uint span = FindSpan(value, out T spanStart, out _);
        if (span == 0)
        {
            return true;
        }

        index = FindLive(value);
        if (index != 0)
        {
            Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && _tags.At(index)->Start == value, "what is listed as live is allocated");
            return true;
        }

        index = _tags.At(span)->Next;
        if (_indexes is { ByAddress.IsComplete: true }
            && _indexes.ByAddress.Tree!.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor)
            && cursor.Key >= spanStart)
        {
            index = cursor.Item;
        }

        return _milestones.TryWalk(_tags, ref index, value, steps);
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
        uint index = Resume(position);
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
                segments[count++] = ToSpan(start, size);
            }

            if (IsAllFree)
            {
                segments[count++] = new Segment<T>(from, T.IsZero(from) ? T.MaxValue : T.Zero - from, SegmentKind.Free);
                break;
            }

            for (index = index != 0 ? index : _tags.At(span)->Next; index != span; index = _tags.At(index)->Next)
            {
                if (count == segments.Length)
                {
                    position = new Position { Start = _tags.At(index)->Start, Tag = index, More = true };
                    return count;
                }

                segments[count++] = GetSegment(index);
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

    private uint Resume(in Position position) => IsThere(position) ? position.Tag : Locate(position.Start);

    private bool IsThere(in Position position)
    {
        Tag<T>* tag = _tags.At(position.Tag);     // tag 0 is none of these
        return position.Tag < _tags.HighWater && tag->Kind is TagKind.Allocated or TagKind.Free && tag->Start == position.Start;
    }

    /// <summary>The size of the largest free segment; of all values of the type it saturates.</summary>
    public T LargestFree() => IsAllFree ? T.MaxValue : _freeLists.LargestSize(_tags);
}
