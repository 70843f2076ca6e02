namespace Vmem.Testing.Model;

public sealed partial class ArenaModel
{
    private readonly SortedList<int, ModelRest> _resting = [];
    private int _turn;
    private int _now;
    private int _completed = -1;

    /// <summary>How long rests whatever is freed.</summary>
    public int ReuseDelay { get; init; }

    /// <summary>Whether a request that fails cuts rests short.</summary>
    public bool CutsRestsShort { get; init; }

    /// <summary>Ends the oldest rests that a time would end, until a request has a place; none, if it has none without them.</summary>
    public void CutShort(int size, in ModelConstraints constraints)
    {
        if (!CutsRestsShort || !WouldFit(size, constraints))
        {
            return;
        }

        while (FindPlace(size, constraints, FitPolicy.FirstFit).Kind == OutcomeKind.Refused
            && _resting.Values.Where(static rest => rest.Fence < 0).OrderBy(static rest => (rest.Until, rest.Turn)).FirstOrDefault() is
            { Size: > 0 } oldest)
        {
            MakeFree(oldest.Start, oldest.Size);
            _resting.Remove(oldest.Start);
        }
    }

    /// <summary>Whether a request would have a place if nothing rested for a time.</summary>
    private bool WouldFit(int size, in ModelConstraints constraints)
    {
        int[] owners = [.. _owners];
        foreach (ModelRest rest in _resting.Values.Where(static rest => rest.Fence < 0))
        {
            Cells(rest.Start, rest.Size).Clear();
        }

        bool fits = FindPlace(size, constraints, FitPolicy.FirstFit).Kind == OutcomeKind.Done;
        owners.CopyTo(_owners, 0);
        return fits;
    }

    /// <summary>Whether a part of a place, in the span where it begins, is held or drains.</summary>
    public bool IsHeld(int start, int size)
    {
        int span = _spans.FindIndex(span => start >= span.Start && start < span.End);
        int end = span < 0 ? 0 : Math.Min(start + RoundUp(size), _spans[span].End);
        return span >= 0 && (IsDraining(_spans[span]) || _live.Values.Any(held => held.Start < end && start < held.Start + held.Size));
    }

    /// <summary>The allocation that starts there is its caller's no more, and nobody's yet.</summary>
    /// <param name="start">Where it starts.</param>
    /// <param name="delay">For how long.</param>
    /// <param name="fence">Or until which fence; -1: the delay counts.</param>
    public void Rest(int start, int delay, int fence = -1)
    {
        ModelAllocation allocation = _live[start];
        _live.Remove(start);
        Rest(start, allocation.Size, delay, fence);
    }

    private void Rest(int start, int size, int delay, int fence)
    {
        _resting.Add(start, new ModelRest(start, size, _now + delay, fence, _turn++));
        EndRests();
    }

    public void Advance(int by)
    {
        _now += by;
        EndRests();
    }

    public void CompleteFence(int fence)
    {
        _completed = Math.Max(_completed, fence);
        EndRests();
    }

    private bool IsResting(int value) => _resting.Values.Any(rest => value >= rest.Start && value < rest.Start + rest.Size);

    private void EndRests()
    {
        foreach (ModelRest rest in _resting.Values.OrderBy(static rest => (rest.Fence < 0 ? rest.Until : rest.Fence, rest.Turn)).ToArray())
        {
            if (rest.Fence >= 0 ? rest.Fence <= _completed : rest.Until <= _now)
            {
                MakeFree(rest.Start, rest.Size);
                _resting.Remove(rest.Start);
            }
        }
    }

    private readonly record struct ModelRest(int Start, int Size, int Until, int Fence, int Turn);
}
