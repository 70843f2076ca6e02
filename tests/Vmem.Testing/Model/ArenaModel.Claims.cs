namespace Vmem.Testing.Model;

public sealed partial class ArenaModel
{
    /// <summary>Whether exactly this range can be taken. Nothing is changed.</summary>
    public Outcome JudgePlace(int start, int size) =>
        IsBadSize(size) || start % Quantum != 0 || start + RoundUp(size) > Top ? Outcome.BadArgument
        : Outcome.When(IsValidPlace(start, size, default));

    /// <summary>Whether all of these ranges, in the order of their starts, can be taken. Nothing is changed.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="taken">Those before the first that cannot.</param>
    public Outcome JudgePlaces(IReadOnlyList<(int Start, int Size)> ranges, out List<(int Start, int Size)> taken)
    {
        taken = [];
        int end = 0;
        foreach ((int start, int size) in ranges.OrderBy(range => range.Start))
        {
            Outcome judgement = JudgePlace(start, size) is { Kind: OutcomeKind.BadArgument } bad ? bad
                : start < end ? Outcome.BadArgument : JudgePlace(start, size);
            if (judgement.Kind != OutcomeKind.Done)
            {
                return judgement;
            }

            end = start + RoundUp(size);
            taken.Add((start, size));
        }

        return Outcome.Done();
    }

    /// <summary>What is free of a window.</summary>
    public List<(int Start, int Size)> FreeOf(int start, int size)
    {
        int end = start + RoundUp(size);
        return
        [
            .. ScanSegments().Where(segment => segment.Kind == SegmentKind.Free && segment.Start < end && segment.End > start)
                .Select(segment => (Math.Max(segment.Start, start), Math.Min(segment.End, end) - Math.Max(segment.Start, start))),
        ];
    }

    /// <summary>Adds a span and makes it one with those that it touches.</summary>
    public Outcome JoinSpan(int start, int size)
    {
        Outcome added = AddSpan(start, size);
        for (int i = added.Kind == OutcomeKind.Done ? _spans.Count - 1 : 0; i > 0; i--)
        {
            (ModelSegment below, ModelSegment above) = (_spans[i - 1], _spans[i]);
            bool touch = below.End == above.Start && !IsDraining(below) && !IsDraining(above);
            if (touch && (below.Start == start || above.Start == start || (below.Start < start && below.End > start)))
            {
                _spans[i - 1] = below with { Size = below.Size + above.Size };
                _spans.RemoveAt(i);
            }
        }

        return added;
    }

    /// <summary>Makes a span longer or shorter at its end.</summary>
    public Outcome GrowSpan(int start, int oldSize, int newSize)
    {
        int index = _spans.FindIndex(span => span.Start == start && span.Size == oldSize);
        if (index < 0 || IsBadSize(newSize) || newSize % Quantum != 0 || start + newSize > Top)
        {
            return Outcome.BadArgument;
        }

        if (newSize != oldSize && IsDraining(_spans[index]))
        {
            return Outcome.Refused;
        }

        bool grows = newSize > oldSize;
        Span<int> cells = Cells(start + Math.Min(oldSize, newSize), Math.Abs(newSize - oldSize));
        if (cells.ContainsAnyExcept(grows ? Outside : Nobody))
        {
            return Outcome.Refused;
        }

        cells.Fill(Outside);
        if (grows)
        {
            MakeFree(start + oldSize, newSize - oldSize);
        }

        _spans[index] = _spans[index] with { Size = newSize };
        return Outcome.Done();
    }

    /// <summary>Whether an allocation starts there.</summary>
    public bool HasRangeAt(int start) => _live.ContainsKey(start);

    /// <summary>Makes two allocations of the one that starts there; a handle stays with the first.</summary>
    public void Split(int start, int at)
    {
        ModelAllocation whole = Vacate(start);
        Occupy(start, at - start, FitPolicy.FirstFit, whole.Handle);
        Occupy(at, start + whole.Size - at, FitPolicy.FirstFit);
    }
}
