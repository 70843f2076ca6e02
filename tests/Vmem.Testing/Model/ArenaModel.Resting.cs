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

    /// <summary>Ends the oldest rests that a time would end, until a request has a place; all of them, if none helps. Not if so much could
    /// never be had.</summary>
    public void CutShort(int size, in ModelConstraints constraints)
    {
        ModelStatistics amounts = MeasureAmounts();
        if (!CutsRestsShort || RoundUp(size) > amounts.Free + amounts.Resting
            || !_spans.Exists(span => span.Size >= RoundUp(size) && !IsDraining(span)))
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
