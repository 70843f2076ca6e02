namespace Vmem.Testing.Model;

// Oldest fit: every cell knows when it became free. A request for one quantum gets the one that did so first.
public sealed partial class ArenaModel
{
    private readonly int[] _freedAt;
    private int _frees;

    /// <summary>Whether any valid place is right: under instant fit and random fit, and where oldest fit is not laid down, which is for
    /// more than one quantum, under constraints, and in an arena that has another policy.</summary>
    public bool IsFreeToChoose(int size, in ModelConstraints constraints, FitPolicy policy) =>
        policy is FitPolicy.InstantFit or FitPolicy.RandomFit
        || (policy == FitPolicy.OldestFit && (Policy != FitPolicy.OldestFit || RoundUp(size) != Quantum || !IsPlain(constraints)));

    /// <summary>What is free, in the order in which it was freed.</summary>
    public List<(int Start, int Size)> FreedOrder() =>
    [
        .. _spans.Where(span => !IsDraining(span))
            .SelectMany(span => Enumerable.Range(0, span.Size / Quantum).Select(cell => span.Start + (cell * Quantum)))
            .Where(start => OwnerOf(start) == Nobody).OrderBy(start => _freedAt[start / Quantum]).Select(start => (start, Quantum)),
    ];

    /// <summary>What is free was freed in this order; the rest before.</summary>
    public void SetFreedOrder(IReadOnlyList<(int Start, int Size)> order)
    {
        Array.Clear(_freedAt);
        foreach ((int start, int size) in order)
        {
            _freedAt.AsSpan(start / Quantum, size / Quantum).Fill(++_frees);
        }
    }

    private Outcome FindOldest()
    {
        int oldest = -1;
        foreach (ModelSegment span in _spans.Where(span => !IsDraining(span)))
        {
            for (int start = span.Start; start < span.End; start += Quantum)
            {
                bool isOlder = OwnerOf(start) == Nobody && (oldest < 0 || _freedAt[start / Quantum] < _freedAt[oldest / Quantum]);
                oldest = isOlder ? start : oldest;
            }
        }

        return oldest < 0 ? Outcome.Refused : Outcome.Done(oldest);
    }

    private void MakeFree(int start, int size)
    {
        Cells(start, size).Clear();
        _freedAt.AsSpan(start / Quantum, size / Quantum).Fill(++_frees);
    }
}
