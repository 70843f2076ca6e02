using System.Numerics;

namespace Vmem.Recording;

/// <summary>What a recording consists of, line by line: docs/recording.md has the list. On the recorder's own thread.</summary>
internal sealed class RecordLines<T>(RecordText<T> text, Func<ulong, string?>? tagName)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>So many tags are asked for their names: a program may tag by request, without end. Arbitrary.</summary>
    private const int MostNames = 1 << 16;

    private readonly HashSet<ulong> _named = [];
    private long _events;
    private long _lost;
    private long _stampedAt = -1;

    /// <summary>How many allocations, frees and changes of size were written.</summary>
    public long Events => Volatile.Read(ref _events);

    /// <summary>The head, and what is live at the beginning.</summary>
    /// <param name="name">The arena's name.</param>
    /// <param name="quantum">Its quantum.</param>
    /// <param name="isScaled">Whether the text's unit is the quantum.</param>
    /// <param name="segments">Spans, each followed by its segments.</param>
    public void Head(string name, T quantum, bool isScaled, List<Segment<T>> segments)
    {
        text.Verbatim("vmem 2");
        text.Line('n', name);
        if (isScaled)
        {
            text.Verbatim($"u {quantum}");
        }

        text.Line('q', quantum);
        foreach (Segment<T> segment in segments)
        {
            if (segment.Kind == SegmentKind.Span)
            {
                text.Line('s', segment.Start, segment.Size, 0);
            }
            else if (segment.Kind == SegmentKind.Allocated)
            {
                text.Line('a', segment.Start, segment.Size, 0);
                Count();
            }
        }
    }

    public void Record(RecordKind kind, in RecordRing<T>.Slot slot)
    {
        switch (kind)
        {
            case RecordKind.Allocate:
                NameOf(slot.Tag);
                text.Line('a', slot.Start, slot.Size, slot.Tag);
                Count();
                break;

            case RecordKind.Free:
                text.Line('f', slot.Start);
                Count();
                break;

            case RecordKind.Resize:
                text.Line('r', slot.Start, slot.Size, 0);
                Count();
                break;

            case RecordKind.AddSpan:
                text.Line('s', slot.Start, slot.Size, 0);
                break;

            case RecordKind.RemoveSpan:
                text.Line('d', slot.Start, slot.Size, 0);
                break;
        }
    }

    /// <summary>A time stamp, unless there is one of that time already.</summary>
    public void Time(long microseconds)
    {
        if (microseconds > _stampedAt)
        {
            _stampedAt = microseconds;
            text.Line('t', (ulong)microseconds);
        }
    }

    /// <summary>So many records were turned away so far: those that are not noted yet, if any, are missing here.</summary>
    public void Gap(long lost)
    {
        if (lost > _lost)
        {
            text.Line('x', (ulong)(lost - _lost));
            _lost = lost;
        }
    }

    public void End() => text.Verbatim($"# end: {_events} events, {_lost} left out");

    private void Count() => Volatile.Write(ref _events, _events + 1);

    /// <summary>The name of a tag, before the first line that has it.</summary>
    private void NameOf(ulong tag)
    {
        if (tag != 0 && tagName is not null && _named.Count < MostNames && _named.Add(tag) && tagName(tag) is { } name)
        {
            text.Line('g', tag, name);
        }
    }
}
