using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Recording;
using Vmem.Segments;

namespace Vmem.Space;

// Looking at the whole.
internal sealed partial class Space<T>
{
    /// <summary>Records what happens; null: no recording is under way. Changes with the caches empty.</summary>
    public ArenaRecorder<T>? Recorder { get; private set; }

    /// <summary>What slabs hold and nobody does, in units.</summary>
    public T Idle => _tally.Idle;

    /// <summary>Gives memory back that the tables do not need, in steps. An audit and notes know tags by their numbers: they
    /// stay.</summary>
    public void Trim()
    {
        using (Visit())
        {
            Map.ForgetLookUps();
        }

        for (bool isDone = false; !isDone;)
        {
            using Visit<T> visit = Visit();
            isDone = Map.Trim(mayMove: Auditor is null && Map.Notes is null, (slab, tag) => Caches!.SlabMoved(slab, tag));
        }
    }

    /// <summary>Comes near the segment that holds a value, in steps: the look-up that follows is short.</summary>
    public void Approach(T value)
    {
        bool isNear = false;
        while (!isNear)
        {
            using Visit<T> visit = Visit();
            isNear = Map.TryApproach(value);
        }
    }

    /// <summary>Throws what is wrong with a free, unless the range belongs to a handle. The lock is held.</summary>
    public void CheckFree(T start, T size) => _ = Check.Find(start, size);

    /// <summary>An exception that says what was wrong with a free.</summary>
    public InvalidFreeException WrongFree(InvalidFreeReason reason, T start, T size, string detail) =>
        Check.Wrong(reason, start, size, detail);

    /// <summary>From now on some of the allocations are written as events, or none any more. While they are, no allocation takes the good
    /// fit that nothing may follow.</summary>
    public void SetSampled(bool isSampled)
    {
        using Visit<T> visit = VisitEvenEnded();
        _isSampled = isSampled;
        UpdateGoodFit();
    }

    /// <summary>Begins or ends a recording. The lock is held, and the caches are frozen and empty.</summary>
    public void SetRecorder(ArenaRecorder<T>? recorder)
    {
        AssertHeld();
        Recorder = recorder;
        _sequel = recorder is null ? _sequel & ~Sequel.Recording : _sequel | Sequel.Recording;
        UpdateGoodFit();
    }

    /// <summary>Would a request fit, and if not, why not?</summary>
    public FitReport<T> Report(in Placement<T> placement)
    {
        while (true)
        {
            using Visit<T> visit = Visit();
            if (TryReport(placement, cached: null, out FitReport<T> report))
            {
                return report;
            }
        }
    }

    /// <summary>The same, were the caches empty.</summary>
    public FitReport<T> ReportWithoutCaches(in Placement<T> placement)
    {
        while (true)
        {
            using Visit<T> visit = VisitFrozen();
            if (TryReport(placement, new CachedRuns<T>(Map, Caches!.CopyCached()), out FitReport<T> report))
            {
                return report;
            }
        }
    }

    /// <summary>The report, or a step towards an index that it needs.</summary>
    private bool TryReport(in Placement<T> placement, CachedRuns<T>? cached, out FitReport<T> report)
    {
        T size = placement.Size;
        T largestFree = T.Max(Map.LargestFree(), cached?.Longest ?? T.Zero);
        T free = Saturate(Map.FreeSize + (cached?.Units ?? T.Zero), Map.FreeSegments + (cached?.Count ?? 0));
        T start = T.Zero;
        FitFailure failure =
            Map.SpanCount == Map.DrainingSpans ? FitFailure.NoSpan :
            Map.LargestSpan < size ? FitFailure.LargerThanAnySpan :
            free < size ? FitFailure.NotEnoughFree :
            largestFree < size ? FitFailure.Fragmented : FitFailure.None;
        long longEnough = 0;
        if (failure == FitFailure.None)
        {
            uint place = Map.Survey(placement, out start);
            if (place == SegmentMap<T>.Unfinished || !Map.TryCountLongEnough(size, out longEnough))
            {
                report = default;
                return false;
            }

            if (cached is not null)
            {
                bool fits = cached.TryLowest(placement, out T other) && (place == 0 || other < start);
                start = fits ? other : start;
                place = fits ? 1 : place;
                longEnough += cached.CountLongEnough(size);
            }

            failure = place != 0 ? FitFailure.None : FitFailure.Constraints;
        }

        report = new FitReport<T>
        {
            Size = size,
            Start = start,
            Failure = failure,
            Free = free,
            LargestFree = largestFree,
            LargestSpan = Map.LargestSpan,
            LongEnough = longEnough,
            Draining = Map.Draining,
        };
        return failure == FitFailure.None || TryNameObstacle(placement, cached, ref report);
    }

    /// <summary>The exception for a request that nothing could meet.</summary>
    public ArenaExhaustedException Exhausted(in FitReport<T> report, string message) => new(
        Name, UInt128.CreateTruncating(report.Size), UInt128.CreateTruncating(report.Free), UInt128.CreateTruncating(report.LargestFree),
            report.Failure, message, "Arena", report.Obstacle,
            UInt128.CreateTruncating(report.Holder?.Start ?? report.OutsideStart),
            UInt128.CreateTruncating(report.Holder?.Size ?? report.OutsideSize),
            UInt128.CreateTruncating(report.Limit));

    /// <summary>All spans and segments of the map. The lock is held.</summary>
    public IEnumerable<Segment<T>> Segments()
    {
        var batch = new Segment<T>[256];          // arbitrary
        var position = SegmentMap<T>.Position.First;
        while (position.More)
        {
            int count = Map.CopySegments(ref position, batch);
            for (int i = 0; i < count; i++)
            {
                yield return batch[i];
            }
        }
    }

    /// <summary>The arena's figures. Under the lock, and frozen if it has caches.</summary>
    /// <param name="cached">What lies in magazines, in units.</param>
    /// <param name="cachedRanges">How many ranges these are.</param>
    /// <param name="taken">How many ranges were ever taken from magazines.</param>
    /// <param name="live">What callers hold, in ranges.</param>
    public ArenaStatistics<T> GetStatistics(T cached, long cachedRanges, long taken, long live)
    {
        AssertHeld();
        T idle = _tally.Idle;
        long imports = _imports?.Imports ?? 0;
        long releases = _imports?.Releases ?? 0;
        long allocations = _tally.Allocations + taken;
        return new ArenaStatistics<T>
        {
            TotalSize = Saturate(Map.TotalSize, Map.SpanCount),
            InUse = Saturate(Map.InUse - cached - idle, live),
            Cached = Saturate(cached + idle, cachedRanges + (T.IsZero(idle) ? 0 : 1)),
            Resting = Saturate(Map.Resting, Map.RestingSegments),
            Draining = Map.Draining,
            DrainingSpans = Map.DrainingSpans,
            Free = Saturate(Map.FreeSize, Map.FreeSegments),
            Imported = Saturate(Map.Imported, _imports?.Count ?? 0),
            PeakInUse = _tally.Peak,
            Allocations = allocations,
            Frees = allocations - live,
            Failures = _tally.Failures,
            Imports = imports,
            Releases = releases,
            Revocations = _imports?.Revocations ?? 0,
            LiveSegments = live,
            FreeSegments = Map.FreeSegments,
            BookkeepingBytes = Map.BookkeepingBytes + (_rests?.Bytes ?? 0),
        };
    }

    /// <summary>Every invariant of the segments, the imports and the audit. The lock is held.</summary>
    public void Validate()
    {
        AssertHeld();
        Map.Validate();
        T sum = T.Zero;
        List<Segment<T>> empty = EmptyImports();
        empty.ForEach(span => sum += span.Size);
        (T counted, long spans) = (_imports?.Empty ?? T.Zero, _imports?.EmptySpans ?? 0);
        long listed = 0;
        for (uint span = Map.FirstEmpty; span != 0; span = Map.NextEmpty(span))
        {
            Invariant.Hold(Map.IsImported(span) && Map.IsWhollyFree(span), "what is listed as an empty import is one", $"number {listed} is not");
            listed++;
        }

        Invariant.Hold(listed == spans, "empty imports are listed", $"{listed} of {spans}");
        Invariant.Hold(sum == counted && empty.Count == spans, "wholly free imports are counted", $"{empty.Count} of {sum} are there, {spans} of {counted} are counted");
        Invariant.Hold(T.IsZero(Limit) || Map.TotalSize <= Limit, "an arena stays below its limit", $"it has {Map.TotalSize} of {Limit}");
        Sequel expected = (Source is null ? 0 : Sequel.Imports) | (Auditor is null ? 0 : Sequel.Audit) | (Recorder is null ? 0
            : Sequel.Recording) | (Map.IsWhole ? Sequel.Whole : 0) | (DelaysReuse ? Sequel.Rest : 0)
            | (Map.DrainingSpans > 0 ? Sequel.Draining : 0) | (_sequel & Sequel.Watchers);
        bool good = Auditor is null && Recorder is null && Map.Notes is null && spans == 0 && !Map.IsAllFree && !_isSampled;
        Invariant.Hold(_sequel == expected && _mayTakeGoodFit == good, "a free knows what follows it", $"{_sequel}, and {expected} is true; it may take a good fit: {_mayTakeGoodFit}");
        Auditor?.Validate(Map.LiveSegments, Map.IsAllocated);
    }

    private List<Segment<T>> EmptyImports()
    {
        List<Segment<T>> spans = [];
        uint span = Map.FindSpanFrom(T.Zero, out T start, out T size);
        while (span != 0)
        {
            if (Map.IsImported(span) && Map.IsWhollyFree(span) && !Map.Drains(start))
            {
                spans.Add(new Segment<T>(start, size, SegmentKind.Span));
            }

            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : Map.FindSpanFrom(last + T.One, out start, out size);
        }

        return spans;
    }

    /// <summary>Sums are kept modulo 2^bits; the only one that does not fit is that of every value of the type, and it reads 0.</summary>
    public static T Saturate(T sum, long parts) => T.IsZero(sum) && parts > 0 ? T.MaxValue : sum;
}
