using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

/// <summary>Compares all that can be seen of an arena with the model, and keeps the counters that the arena's statistics must
/// show.</summary>
internal sealed class StateComparison(ArenaModel model, IArenaUnderTest arena)
{
    private readonly List<ModelSegment> _expected = [];
    private readonly List<ModelSegment> _actual = [];
    private long _peakInUse;
    private bool _isCounting = true;
    private bool _mayShowOneMoreFailure;

    public long Allocations { get; set; }

    public long Frees { get; set; }

    public long Failures { get; set; }

    /// <summary>The next check accepts one failure more than was counted, and counts it then.</summary>
    public void AllowOneMoreFailure() => _mayShowOneMoreFailure = true;

    /// <summary>The next check takes over whatever the counters of a restored arena show.</summary>
    public void StartCountingAfresh() => _isCounting = false;

    public void Check()
    {
        arena.Validate();
        model.CopySegments(_expected);
        arena.CopySegments(_actual);
        CompareSegments();
        CompareStatistics();
    }

    private void CompareSegments()
    {
        for (int i = 0; i < Math.Max(_expected.Count, _actual.Count); i++)
        {
            ModelSegment expected = i < _expected.Count ? _expected[i] : default;
            ModelSegment actual = i < _actual.Count ? _actual[i] : default;
            if (expected != actual)
            {
                throw new DivergenceException($"Segment {i}: the model has {expected}, the arena {actual}.");
            }
        }
    }

    private void CompareStatistics()
    {
        ModelStatistics actual = arena.GetStatistics();
        ModelStatistics amounts = model.MeasureAmounts(_expected);
        _peakInUse = Math.Max(_peakInUse, amounts.InUse);
        if (!_isCounting)
        {
            (Allocations, Frees, Failures) = (actual.Allocations, actual.Frees, actual.Failures);
            _peakInUse = Math.Max(actual.PeakInUse, amounts.InUse);
            _isCounting = true;
        }

        if (_mayShowOneMoreFailure && actual.Failures == Failures + 1)
        {
            Failures++;
        }

        _mayShowOneMoreFailure = false;
        ModelStatistics expected = amounts with { PeakInUse = _peakInUse, Allocations = Allocations, Frees = Frees, Failures = Failures };
        if (expected != actual)
        {
            throw new DivergenceException($"Statistics: the model has {expected}, the arena {actual}.");
        }
    }
}
