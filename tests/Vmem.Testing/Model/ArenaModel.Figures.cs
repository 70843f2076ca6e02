namespace Vmem.Testing.Model;

public sealed partial class ArenaModel
{
    private readonly List<ModelSegment> _scan = [];

    /// <summary>The amounts, counted afresh over all segments; the counters of calls are the driver's to fill in.</summary>
    public ModelStatistics MeasureAmounts()
    {
        CopySegments(_scan);
        return MeasureAmounts(_scan);
    }

    /// <summary>The same over segments that have been scanned already.</summary>
    public ModelStatistics MeasureAmounts(List<ModelSegment> segments)
    {
        long total = 0;
        long inUse = 0;
        long largestFree = 0;
        long live = 0;
        long free = 0;
        long resting = 0;
        long draining = 0;
        foreach (ModelSegment segment in segments)
        {
            switch (segment.Kind)
            {
                case SegmentKind.Span:
                    total += segment.Size;
                    break;
                case SegmentKind.Allocated:
                    inUse += segment.Size;
                    live++;
                    break;
                case SegmentKind.Resting:
                    resting += segment.Size;
                    break;
                case SegmentKind.Draining:
                    draining += segment.Size;
                    break;
                default:
                    largestFree = Math.Max(largestFree, segment.Size);
                    free++;
                    break;
            }
        }

        return new ModelStatistics(
            Saturate(total),
            Saturate(inUse),
            Saturate(total - inUse - resting - draining),
            Saturate(largestFree),
            0,
            0,
            0,
            0,
            live,
            free,
            Saturate(resting),
            Saturate(draining));
    }

    /// <summary>An amount as the arena's integer type shows it.</summary>
    public long Saturate(long amount) => Math.Min(amount, _maxAmount);

    /// <summary>What <c>Explain</c> must answer to a well-formed question.</summary>
    public ModelReport Explain(int size, in ModelConstraints constraints)
    {
        ModelStatistics amounts = MeasureAmounts();
        int rounded = RoundUp(size);
        long freeTotal = _scan.Where(segment => segment.Kind == SegmentKind.Free).Sum(segment => (long)segment.Size);
        long longEnough = _scan.LongCount(segment => segment.Kind == SegmentKind.Free && segment.Size >= rounded);
        int largestSpan = _spans.Where(span => !IsDraining(span)).Select(span => span.Size).DefaultIfEmpty().Max();
        Outcome place = FindPlace(size, constraints, FitPolicy.FirstFit);
        FitFailure failure = place.Kind == OutcomeKind.Done ? FitFailure.None
            : largestSpan == 0 ? FitFailure.NoSpan
            : rounded > largestSpan ? FitFailure.LargerThanAnySpan
            : rounded > freeTotal ? FitFailure.NotEnoughFree
            : longEnough == 0 ? FitFailure.Fragmented
            : FitFailure.Constraints;
        return new ModelReport(failure, place.Value, rounded, amounts.Free, amounts.LargestFree, Saturate(largestSpan), longEnough);
    }
}
