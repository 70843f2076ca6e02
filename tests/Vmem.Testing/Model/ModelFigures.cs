namespace Vmem.Testing.Model;

/// <summary>A segment on the model's number line.</summary>
public readonly record struct ModelSegment(int Start, int Size, SegmentKind Kind)
{
    /// <summary>One past the last value.</summary>
    public int End => Start + Size;
}

/// <summary>The figures of <see cref="ArenaStatistics{T}"/> that the model keeps, saturated as the arena saturates them.</summary>
public readonly record struct ModelStatistics(
    long TotalSize,
    long InUse,
    long Free,
    long LargestFree,
    long PeakInUse,
    long Allocations,
    long Frees,
    long Failures,
    long LiveSegments,
    long FreeSegments,
    long Resting,
    long Draining);

/// <summary>The figures of <see cref="FitReport{T}"/>.</summary>
public readonly record struct ModelReport(
    FitFailure Failure,
    int Start,
    int Size,
    long Free,
    long LargestFree,
    long LargestSpan,
    long LongEnough);
