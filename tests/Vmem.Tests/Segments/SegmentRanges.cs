namespace Vmem.Tests.Segments;

/// <summary>A naive map: a list of spans and a list of what is held in them. Everything else is looked for one by one.</summary>
internal sealed class SegmentRanges
{
    /// <summary>In address order.</summary>
    public List<Held> Taken { get; } = [];

    /// <summary>In address order.</summary>
    public List<(int Start, int Size, bool IsImported)> Spans { get; } = [];

    /// <summary>What is held.</summary>
    /// <param name="Start">Its first value.</param>
    /// <param name="Size">Its length.</param>
    /// <param name="Generation">That of its handle; 0: it is held by address.</param>
    public readonly record struct Held(int Start, int Size, ulong Generation);

    public int InUse => Taken.Sum(held => held.Size);

    /// <summary>All segments, the spans before theirs.</summary>
    public List<(int Start, int Size, SegmentKind Kind)> Segments()
    {
        List<(int, int, SegmentKind)> all = [];
        foreach ((int start, int size, _) in Spans)
        {
            all.Add((start, size, SegmentKind.Span));
            int at = start;
            foreach (Held held in Taken.Where(held => held.Start >= start && held.Start < start + size))
            {
                AddFree(all, at, held.Start);
                all.Add((held.Start, held.Size, SegmentKind.Allocated));
                at = held.Start + held.Size;
            }

            AddFree(all, at, start + size);
        }

        return all;
    }

    public List<(int Start, int Size)> Free() =>
        [.. Segments().Where(segment => segment.Kind == SegmentKind.Free).Select(segment => (segment.Start, segment.Size))];

    public void Take(int start, int size, ulong generation)
    {
        int index = Taken.FindIndex(held => held.Start > start);
        Taken.Insert(index < 0 ? Taken.Count : index, new Held(start, size, generation));
    }

    public void Add(int start, int size, bool isImported)
    {
        Spans.Add((start, size, isImported));
        Spans.Sort();
    }

    /// <summary>The span that holds a value, or -1.</summary>
    public int SpanAt(int value) => Spans.FindIndex(span => value >= span.Start && value < span.Start + span.Size);

    /// <summary>The spans that were added and touch [start, start + size) count as one with it.</summary>
    public (int Start, int Size) WithNeighbors(int start, int size)
    {
        int below = Spans.FindIndex(span => !span.IsImported && span.Start + span.Size == start);
        int above = Spans.FindIndex(span => !span.IsImported && span.Start == start + size);
        return (below < 0 ? start : Spans[below].Start, size + (below < 0 ? 0 : Spans[below].Size) + (above < 0 ? 0 : Spans[above].Size));
    }

    private static void AddFree(List<(int, int, SegmentKind)> all, int start, int end)
    {
        if (end > start)
        {
            all.Add((start, end - start, SegmentKind.Free));
        }
    }
}
