using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

/// <summary>Compares all that can be seen of an arena with the model, and keeps the counters that the arena's statistics must
/// show.</summary>
internal sealed class StateComparison(ArenaModel model, IArenaUnderTest arena, bool hasCaches)
{
    private readonly List<ModelSegment> _expected = [];
    private readonly List<ModelSegment> _actual = [];
    private long _peakInUse;
    private bool _isCounting = true;
    private bool _mayShowOneMoreFailure;
    private bool _mayShowPairs;

    public long Allocations { get; set; }

    public long Frees { get; set; }

    public long Failures { get; set; }

    /// <summary>The next check accepts one failure more than was counted, and counts it then.</summary>
    public void AllowOneMoreFailure() => _mayShowOneMoreFailure = true;

    /// <summary>The next check accepts any number of allocations, and as many frees, more than were counted.</summary>
    public void AllowPairs() => _mayShowPairs = hasCaches;

    /// <summary>The next check takes over whatever the counters of a restored arena show.</summary>
    public void StartCountingAfresh() => _isCounting = false;

    /// <summary>A segment as the arena's type shows it: all of its values are more than it can say.</summary>
    public static ModelSegment Saturate(in ModelSegment segment, IArenaUnderTest arena) =>
        segment with { Size = (int)Math.Min(segment.Size, arena.MaxAmount) };

    /// <summary>So much was in use in the middle of a step.</summary>
    public void NotePeak(long inUse) => _peakInUse = Math.Max(_peakInUse, inUse);

    public void Check()
    {
        arena.Validate();
        model.CopySegments(_expected);
        arena.CopySegments(_actual);
        if (hasCaches)
        {
            JoinCached();
        }

        CompareSegments();
        CompareStatistics();
    }

    /// <summary>What caches keep is free as far as the model goes.</summary>
    private void JoinCached()
    {
        int count = 0;
        foreach (ModelSegment segment in _actual.ToArray())
        {
            ModelSegment next = segment.Kind == SegmentKind.Cached ? segment with { Kind = SegmentKind.Free } : segment;
            ModelSegment last = count > 0 ? _actual[count - 1] : default;
            if (next.Kind == SegmentKind.Free && last.Kind == SegmentKind.Free && last.End == next.Start)
            {
                _actual[count - 1] = last with { Size = last.Size + next.Size };
            }
            else
            {
                _actual[count++] = next;
            }
        }

        _actual.RemoveRange(count, _actual.Count - count);
    }

    private void CompareSegments()
    {
        for (int i = 0; i < Math.Max(_expected.Count, _actual.Count); i++)
        {
            ModelSegment expected = i < _expected.Count ? _expected[i] : default;
            ModelSegment actual = i < _actual.Count ? _actual[i] : default;
            if (Saturate(expected, arena) != Saturate(actual, arena))
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
        if (_mayShowPairs && actual.Allocations - Allocations == actual.Frees - Frees)
        {
            (Allocations, Frees) = (actual.Allocations, actual.Frees);
        }

        _mayShowPairs = false;
        ModelStatistics expected = amounts with { PeakInUse = _peakInUse, Allocations = Allocations, Frees = Frees, Failures = Failures };
        if (hasCaches)
        {
            // What lies in caches is not free, but not in use either; and what lies in magazines counts towards the peak.
            if (actual.PeakInUse < expected.PeakInUse || actual.LargestFree > expected.LargestFree)
            {
                throw new DivergenceException($"Statistics: the model has {expected}, the arena {actual}.");
            }

            actual =
                actual with { PeakInUse = expected.PeakInUse, LargestFree = expected.LargestFree, FreeSegments = expected.FreeSegments };
        }

        if (expected != actual)
        {
            throw new DivergenceException($"Statistics: the model has {expected}, the arena {actual}.");
        }
    }
}
