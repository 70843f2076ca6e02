namespace Vmem.Testing.Model;

// Spans that drain: nothing of them can be had, and one of which nobody holds anything is gone as soon as anybody looks.
public sealed partial class ArenaModel
{
    private readonly HashSet<int> _draining = [];

    /// <summary>A span drains from now on.</summary>
    public Outcome Drain(int start)
    {
        bool isSpan = _spans.Exists(span => span.Start == start && span.Size <= _maxAmount);
        if (isSpan)
        {
            _draining.Add(start);
        }

        return Outcome.When(isSpan);
    }

    /// <summary>It does no more.</summary>
    public Outcome StopDraining(int start)
    {
        bool didDrain = _draining.Remove(start);
        ModelSegment span = didDrain ? _spans.Find(span => span.Start == start) : default;
        for (int value = span.Start; value < span.End; value += Quantum)
        {
            if (OwnerOf(value) == Nobody)
            {
                MakeFree(value, Quantum);         // it is free as of now
            }
        }

        return Outcome.When(didDrain);
    }

    private bool Drains(int value) => _spans.Exists(span => IsDraining(span) && value >= span.Start && value < span.End);

    private bool IsDraining(in ModelSegment span) => _draining.Contains(span.Start);

    private void EndDrains()
    {
        foreach (ModelSegment span in _draining.Count == 0 ? [] : _spans.Where(span => IsDraining(span)).ToArray())
        {
            Span<int> cells = Cells(span.Start, span.Size);
            if (!cells.ContainsAnyExcept(Nobody))
            {
                cells.Fill(Outside);
                _spans.Remove(span);
                _draining.Remove(span.Start);
            }
        }
    }
}
