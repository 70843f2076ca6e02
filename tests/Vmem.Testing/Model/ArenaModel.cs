// Theory. An arena is a set of integers, of which some are taken. The model says so literally: one cell per quantum of the number line, and
// in each cell the number
// of the allocation that owns it, or that nobody does, or that the cell is in no span. There are no boundary tags, no free lists, no trees
// and no coalescing that could
// be wrong: a free segment is whatever a scan over a span's cells finds, and a request is answered by trying every address (PlacementRule)
// and keeping the one that
// the policy wants (PlacementChooser). It is meant for number lines of 8 or 16 bits with a few hundred cells in spans; wider types are
// tested by shifting this number line to where it is wanted, the very top included.
namespace Vmem.Testing.Model;

/// <summary>A brute-force arena: obviously right rather than fast.</summary>
public sealed partial class ArenaModel
{
    private const int Outside = -1;

    // Zero, so that clearing cells frees them.
    private const int Nobody = 0;

    private readonly int[] _owners;
    private readonly long _maxAmount;
    private readonly List<ModelSegment> _spans = [];
    private readonly SortedList<int, ModelAllocation> _live = [];
    private int _lastOwner;

    /// <summary>An empty arena over <c>[0, top)</c>.</summary>
    /// <param name="top">One past the last value of the number line.</param>
    /// <param name="quantum">The unit of allocation.</param>
    /// <param name="policy">The policy of the calls that name none.</param>
    /// <param name="maxAmount">What the arena's integer type can hold.</param>
    public ArenaModel(int top, int quantum, FitPolicy policy, long maxAmount)
    {
        Top = top;
        Quantum = quantum;
        Policy = policy;
        _maxAmount = maxAmount;
        _owners = new int[(top + quantum - 1) / quantum];
        _freedAt = new int[_owners.Length];
        Array.Fill(_owners, Outside);
    }

    public int Top { get; }

    public int Quantum { get; }

    public FitPolicy Policy { get; }

    public IReadOnlyList<ModelSegment> Spans => _spans;

    public int LiveCount => _live.Count;

    /// <summary>The allocation at an index in address order.</summary>
    public ModelAllocation LiveAt(int index) => _live.GetValueAtIndex(index);

    public int RoundUp(int size) => (size + Quantum - 1) / Quantum * Quantum;

    /// <summary>A size is bad if it is zero or if its rounding is more than the type can hold.</summary>
    public bool IsBadSize(int size) => size == 0 || RoundUp(size) > _maxAmount;

    public Outcome AddSpan(int start, int size)
    {
        if (size == 0 || start % Quantum != 0 || size % Quantum != 0 || start + size > Top)
        {
            return Outcome.BadArgument;
        }

        Span<int> cells = Cells(start, size);
        if (cells.ContainsAnyExcept(Outside))
        {
            return Outcome.BadArgument;
        }

        MakeFree(start, size);
        int index = _spans.FindIndex(span => span.Start > start);
        _spans.Insert(index < 0 ? _spans.Count : index, new ModelSegment(start, size, SegmentKind.Span));
        return Outcome.Done();
    }

    public Outcome RemoveSpan(int start, int size)
    {
        int index = _spans.FindIndex(span => span.Start == start && span.Size == size);
        if (index < 0)
        {
            return Outcome.BadArgument;
        }

        Span<int> cells = Cells(start, size);
        if (cells.ContainsAnyExcept(Nobody))
        {
            return Outcome.Refused;
        }

        cells.Fill(Outside);
        _spans.RemoveAt(index);
        return Outcome.Done();
    }

    public bool Contains(int value) => _owners[value / Quantum] != Outside;

    /// <summary>The allocated or free segment that holds a value.</summary>
    public bool TryGetSegment(int value, out ModelSegment segment)
    {
        foreach (ModelSegment candidate in ScanSegments())
        {
            if (candidate.Kind != SegmentKind.Span && value >= candidate.Start && value < candidate.End)
            {
                segment = candidate;
                return true;
            }
        }

        segment = default;
        return false;
    }

    /// <summary>For each span in address order: the span, then its segments in address order.</summary>
    public IEnumerable<ModelSegment> ScanSegments()
    {
        List<ModelSegment> segments = [];
        CopySegments(segments);
        return segments;
    }

    /// <summary>The same, into a list that the caller keeps.</summary>
    public void CopySegments(List<ModelSegment> segments)
    {
        EndDrains();
        segments.Clear();
        foreach (ModelSegment span in _spans)
        {
            segments.Add(span);
            for (int start = span.Start; start < span.End;)
            {
                int end = EndOfSegment(start, span);
                segments.Add(new ModelSegment(start, end - start, OwnerOf(start) == Nobody
                    ? IsDraining(span) ? SegmentKind.Draining : SegmentKind.Free
                    : _resting.ContainsKey(start) ? SegmentKind.Resting : SegmentKind.Allocated));
                start = end;
            }
        }
    }

    private int EndOfSegment(int start, in ModelSegment span)
    {
        int owner = OwnerOf(start);
        int end = start + Quantum;
        while (end < span.End && OwnerOf(end) == owner)
        {
            end += Quantum;
        }

        return end;
    }

    private int OwnerOf(int value) => _owners[value / Quantum];

    private Span<int> Cells(int start, int size) => _owners.AsSpan(start / Quantum, size / Quantum);
}
