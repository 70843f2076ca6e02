using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Space;

// What is in the way of a request at the place or in the window that its constraints name.
internal sealed partial class Space<T>
{
    /// <summary>Names it in a report of a request that does not fit. The lock is held.</summary>
    /// <returns>False after a step towards the answer.</returns>
    private bool TryNameObstacle(in Placement<T> placement, CachedRuns<T>? cached, ref FitReport<T> report)
    {
        bool isWindow = !T.IsZero(placement.Min) || placement.Last != T.MaxValue;
        bool isAligned = placement.Align != Quantum || !T.IsZero(placement.NoCross);
        RangeConstraints<T> asked = placement.Constraints;
        report = report with { Constraints = asked.Align == Quantum ? asked with { Align = T.Zero } : asked };
        if (isWindow && !placement.TryLowest(T.Zero, T.MaxValue, out _))
        {
            report = report with { Obstacle = FitObstacle.WindowTooShort };
            return true;
        }

        if (isWindow && placement.IsOnePlace)
        {
            return TryNameObstacleAt(placement, cached, ref report);
        }

        if (isWindow && !Map.TryFindOverlap(placement.Min, placement.Last, out _))
        {
            report = report with
            {
                Obstacle = FitObstacle.OutsideSpans,
                OutsideStart = placement.Min,
                OutsideSize = placement.Last - placement.Min + T.One,
            };
            return true;
        }

        if (!isWindow && !isAligned)
        {
            return true;
        }

        if (placement.Kind != 0)
        {
            uint elsewhere = Map.Survey(placement.OfAnyKind, out _);
            if (elsewhere != 0)
            {
                return elsewhere != SegmentMap<T>.Unfinished;           // only its neighbours are in the way
            }
        }

        // With the alignment out of the way: if there is a place now, that was it. Without a window one need not look for it.
        var window = new Placement<T>(placement.Size, new RangeConstraints<T> { Min = asked.Min, Max = asked.Max }, Quantum);
        uint place =
            !isAligned ? 0 :
            !isWindow ? (report.LargestFree >= placement.Size ? 1u : 0) :
            cached?.TryLowest(window, out _) == true ? 1 : Map.Survey(window, out _);
        FitObstacle obstacle = place != 0 ? FitObstacle.Misaligned : isWindow ? FitObstacle.Taken : FitObstacle.None;
        report = report with { Obstacle = obstacle };
        return place != SegmentMap<T>.Unfinished;
    }

    private bool TryNameObstacleAt(in Placement<T> placement, CachedRuns<T>? cached, ref FitReport<T> report)
    {
        uint home = 0;
        FitObstacle? obstacle = Map.FindObstacle(placement.Min, placement.Last, ref home, out uint holder, out (T Start, T Size) outside);
        Segment<T>? segment = HolderOf(holder, placement.Min);
        while (cached is not null && segment is { } range && cached.Has(range.Start))
        {
            T end = range.Start + (range.Size - T.One);
            obstacle = end >= placement.Last ? FitObstacle.None
                : Map.FindObstacle(end + T.One, placement.Last, ref home, out holder, out outside);
            segment = end >= placement.Last ? null : HolderOf(holder, end + T.One);
        }

        report = report with
        {
            Obstacle = obstacle ?? FitObstacle.None,
            Holder = segment,
            OutsideStart = outside.Start,
            OutsideSize = outside.Size,
        };
        return obstacle is not null;
    }

    /// <summary>The segment, or the range of the slab that it is, that holds a place or begins in it.</summary>
    private Segment<T>? HolderOf(uint holder, T from)
    {
        Segment<T>? segment = holder == 0 ? null : Map.GetSegment(holder);
        if (holder != 0 && Map.SlabOf(holder) is var slab and not 0)
        {
            (T start, T size, _) = Caches!.RangeAt(slab, T.Max(from, segment!.Value.Start));
            segment = new Segment<T>(start, size, SegmentKind.Allocated);
        }

        return segment;
    }
}
