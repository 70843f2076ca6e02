using Vmem.Caching;
using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Looking at an arena: which segment, how much, would it fit, is all well.
public sealed partial class Arena<T>
{
    /// <summary>How many segments an enumeration copies under one lock. Arbitrary: some microseconds.</summary>
    private const int EnumerationBatch = 256;

    /// <summary>The segment, allocated or free, that holds a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="segment">The segment.</param>
    /// <returns>False if no span holds the value.</returns>
    /// <remarks>O(1) for the start of an allocated segment; else O(log n) and a walk over the allocated segments between the value and the
    /// last free segment before it. With quantum caches also a look into all magazines of the segment's size.</remarks>
    public bool TryGetSegment(T value, out Segment<T> segment)
    {
        EnterFrozen();
        try
        {
            uint index = _map.Locate(value, buildIndex: true);
            segment = index == 0 ? default : _caches is null ? _map.GetSegment(index) : CallersSegment(index, value);
            return index != 0;
        }
        finally
        {
            ExitFrozen();
        }
    }

    /// <summary>All spans in address order, each followed by its segments in address order (vmem_walk).</summary>
    /// <returns>The segments. They are copied in batches: the enumeration holds no lock while the caller looks at them.</returns>
    /// <remarks>
    /// Safe while others allocate: each value is reported at most once, a batch shows one moment, and what does not change during the
    /// enumeration is reported exactly as it is. A segment that grew or coalesced across the end of a batch is reported from there on. In an
    /// arena with quantum caches everything is copied at once.
    /// </remarks>
    public IEnumerable<Segment<T>> GetSegments()
    {
        EnterFrozen();
        try
        {
            return _caches is null ? Enumerate() : CopyCallersView();
        }
        finally
        {
            ExitFrozen();
        }
    }

    private IEnumerable<Segment<T>> Enumerate()
    {
        var batch = new Segment<T>[EnumerationBatch];
        var position = SegmentMap<T>.Position.First;
        T from = T.Zero;
        while (position.More)
        {
            int count;
            Enter();
            try
            {
                count = _map.CopySegments(ref position, batch);
            }
            finally
            {
                Exit();
            }

            for (int i = 0; i < count; i++)
            {
                yield return i == 0 ? ClipFront(batch[0], from) : batch[i];
            }

            from = position.Start;
        }
    }

    /// <summary>A segment that now begins before the place where the last batch ended: what lies before was reported already.</summary>
    private static Segment<T> ClipFront(Segment<T> segment, T from) =>
        segment.Kind != SegmentKind.Span && segment.Start < from ? segment with { Start = from, Size = segment.Size - (from - segment.Start) } : segment;

    /// <summary>What the arena holds and has done, exact at the time of the call.</summary>
    /// <returns>The figures.</returns>
    /// <remarks>O(1), but for the largest free segment: until the index by address exists, that looks at the members of one free
    /// list. With quantum caches O(threads) for each cached size, and the magazines of all threads stand still meanwhile.</remarks>
    public ArenaStatistics<T> GetStatistics()
    {
        EnterFrozen();
        try
        {
            T free = _map.TotalSize - _map.InUse;
            MagazineTotals<T> magazines = _caches?.Count() ?? default;
            long live = LiveRanges(magazines);
            T cached = magazines.Units + (_idlePlus1 - T.One);
            return new ArenaStatistics<T>
            {
                TotalSize = Saturate(_map.TotalSize, _map.SpanCount),
                InUse = Saturate(_map.InUse - cached, live),
                Cached = CachedUnits(magazines),
                Free = Saturate(free, _map.FreeSegments),
                Imported = Saturate(_map.Imported, _imports - _releases),
                LargestFree = _map.LargestFree(),
                PeakInUse = _allocations == 0 ? T.Zero : _peakLess1 == T.MaxValue ? T.MaxValue : _peakLess1 + T.One,
                Allocations = _allocations + magazines.Taken,
                Frees = _allocations + magazines.Taken - live,
                Failures = _failures,
                Waits = _waits,
                TimeWaited = TimeSpan.FromTicks(Volatile.Read(ref _ticksWaited)),
                Imports = _imports,
                Releases = _releases,
                LiveSegments = live,
                FreeSegments = _map.FreeSegments,
                BookkeepingBytes = _map.BookkeepingBytes + (_caches?.Slabs.Bytes ?? 0),
            };
        }
        finally
        {
            ExitFrozen();
        }
    }

    /// <summary>What caches hold, in magazines and in slabs; never 0 while they hold anything.</summary>
    private T CachedUnits(in MagazineTotals<T> magazines)
    {
        T idle = _idlePlus1 - T.One;
        return Saturate(magazines.Units + idle, magazines.Ranges + (T.IsZero(idle) ? 0 : 1));
    }

    /// <summary>The ranges that callers hold: segments, those of slabs that are out instead of the slabs, less what lies in
    /// magazines.</summary>
    private long LiveRanges(in MagazineTotals<T> magazines) =>
        _map.LiveSegments - (_caches is null ? 0 : _caches.Slabs.Count - _caches.Slabs.RangesOut + magazines.Ranges);

    /// <summary>Would a request fit, and if not, why not?</summary>
    /// <param name="size">The length asked for, in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <returns>The answer, from what the arena holds now; nothing is imported.</returns>
    /// <exception cref="ArgumentException">The request is not well formed.</exception>
    /// <remarks>O(1) for each free segment that is long enough; O(1) altogether if none is.</remarks>
    public FitReport<T> Explain(T size, in RangeConstraints<T> constraints = default)
    {
        size = RoundUp(size);
        CheckConstraints(size, constraints);
        var placement = new Placement<T>(size, constraints, Quantum);
        FitReport<T> report = Report(placement);
        return !report.Fits && !T.IsZero(EmptyCaches(out _)) ? Report(placement) : report;
    }

    private FitReport<T> Report(in Placement<T> placement)
    {
        T size = placement.Size;
        Enter();
        try
        {
            T largestFree = _map.LargestFree();
            T free = Saturate(_map.TotalSize - _map.InUse, _map.FreeSegments);
            T start = T.Zero;
            long longEnough = 0;
            FitFailure failure =
                _map.SpanCount == 0 ? FitFailure.NoSpan :
                _map.LargestSpan < size ? FitFailure.LargerThanAnySpan :
                free < size ? FitFailure.NotEnoughFree :
                largestFree < size ? FitFailure.Fragmented :
                _map.Survey(placement, out start, out longEnough) ? FitFailure.None : FitFailure.Constraints;
            return new FitReport<T>
            {
                Size = size,
                Start = start,
                Failure = failure,
                Free = free,
                LargestFree = largestFree,
                LargestSpan = _map.LargestSpan,
                LongEnough = longEnough,
                CanImport = _source is not null && !ExceedsLimit(size),
            };
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Checks every invariant of the arena's tables.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; it names which.</exception>
    /// <remarks>O(n log n), under the lock.</remarks>
    public void Validate()
    {
        EnterFrozen();
        try
        {
            _map.Validate();
            ValidateImports();
            _caches?.Validate(_map);
            Invariant.Hold(_caches is null || _idlePlus1 == _caches.Slabs.Idle + T.One, "the arena knows what slabs hold idle", $"{_idlePlus1} less 1, and {_caches?.Slabs.Idle}");
            Invariant.Hold(_faults.Count == 0, "what comes back from the caches is in order", $"{string.Join("; ", _faults)}");
            _audit?.Validate(_map);
            ValidateWaiters();
        }
        finally
        {
            ExitFrozen();
        }
    }

    private void ValidateImports()
    {
        List<Segment<T>> empty = [];
        CollectImports(empty, emptyOnly: true);
        T sum = T.Zero;
        foreach (Segment<T> span in empty)
        {
            sum += span.Size;
        }

        Invariant.Hold(sum == _retained && empty.Count == _retainedSpans, "wholly free imports are counted", $"{empty.Count} of {sum} are there, {_retainedSpans} of {_retained} are counted");
        Invariant.Hold(T.IsZero(_limit) || _map.TotalSize <= _limit, "an arena stays below its limit", $"it has {_map.TotalSize} of {_limit}");
    }

    private ArenaLeak<T>? DescribeLeak()
    {
        MagazineTotals<T> magazines = _caches?.Count() ?? default;
        long live = LiveRanges(magazines);
        if (live == 0)
        {
            return null;
        }

        IEnumerable<Segment<T>> segments = _caches is null ? EnumerateLocked() : CopyCallersView();
        List<Segment<T>> first = [.. segments.Where(static segment => segment.Kind == SegmentKind.Allocated).Take(16)];
        T inUse = _map.InUse - magazines.Units - (_idlePlus1 - T.One);
        return new ArenaLeak<T>(Name, live, Saturate(inUse, live), first);
    }

    /// <summary>Sums are kept modulo 2^bits; the only one that does not fit is that of every value of the type, and it reads 0.</summary>
    private static T Saturate(T sum, long parts) => T.IsZero(sum) && parts > 0 ? T.MaxValue : sum;
}
