using System.Buffers;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem;

// Looking at an arena: which segment, how much, would it fit, is all well.
public sealed partial class Arena<T>
{
    /// <summary>How many segments an enumeration copies under one lock. Arbitrary: some microseconds.</summary>
    private const int EnumerationBatch = 256;

    /// <summary>Whether a value lies in any span, allocated or not (vmem_contains).</summary>
    /// <param name="value">The value.</param>
    /// <returns>Whether the arena manages it.</returns>
    /// <remarks>O(log spans).</remarks>
    public bool Contains(T value)
    {
        using Visit<T> visit = _space.Visit();
        return _space.Map.FindSpan(value, out _, out _) != 0;
    }

    /// <summary>The segment, allocated or free, that holds a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="segment">The segment.</param>
    /// <returns>False if no span holds the value.</returns>
    /// <remarks>O(1) for the start of a segment that was allocated by address; else O(log n), and a walk over segments that no look-up has
    /// walked past yet, in steps that others come between. With quantum caches also a look into all magazines of the segment's
    /// size.</remarks>
    public bool TryGetSegment(T value, out Segment<T> segment)
    {
        _space.EndDueRestsUnheard();
        _space.Approach(value);
        using Visit<T> visit = _space.VisitFrozen();
        uint index = _space.Map.Locate(value);
        segment = index == 0 ? default : _caches is null ? _space.Map.GetSegment(index) : _caches.View().At(index, value);
        return index != 0;
    }

    /// <summary>All spans in address order, each followed by its segments in address order (vmem_walk). O(segments).</summary>
    /// <returns>The segments. They are copied in batches: the enumeration holds no lock while the caller looks at them.</returns>
    /// <remarks>
    /// Safe while others allocate: each value is reported at most once, a batch shows one moment, and what does not change during the
    /// enumeration is reported exactly as it is. A segment that grew or coalesced across the end of a batch is reported from there on. In
    /// an arena with quantum caches everything is copied at once.
    /// </remarks>
    public IEnumerable<Segment<T>> GetSegments()
    {
        _space.EndDueRestsUnheard();
        using Visit<T> visit = _space.VisitFrozen();
        return _caches is null ? Enumerate() : _caches.View().Copy();
    }

    /// <remarks>The array is one of the pool's: a heap comes here each time it gives pages back.</remarks>
    private IEnumerable<Segment<T>> Enumerate()
    {
        Segment<T>[] batch = ArrayPool<Segment<T>>.Shared.Rent(EnumerationBatch);
        try
        {
            var position = SegmentMap<T>.Position.First;
            T from = T.Zero;
            while (position.More)
            {
                int count;
                using (_space.Visit())
                {
                    count = _space.Map.TryApproach(position) ? _space.Map.CopySegments(ref position, batch.AsSpan(0, EnumerationBatch)) : 0;
                }

                for (int i = 0; i < count; i++)
                {
                    yield return i == 0 ? ClipFront(batch[0], from) : batch[i];
                }

                from = position.Start;
            }
        }
        finally
        {
            ArrayPool<Segment<T>>.Shared.Return(batch);
        }
    }

    /// <summary>A segment that now begins before the place where the last batch ended: what lies before was reported already.</summary>
    private static Segment<T> ClipFront(Segment<T> segment, T from) =>
        segment.Kind != SegmentKind.Span && segment.Start < from
            ? segment with { Start = from, Size = segment.Size - (from - segment.Start) } : segment;

    /// <summary>What the arena holds and has done.</summary>
    /// <returns>The figures. Exact at the time of the call, if the arena has no quantum caches, or no other thread takes or frees a range
    /// of a cached size meanwhile.</returns>
    /// <remarks>
    /// <para>
    /// O(1). With quantum caches O(threads) for each cached size.
    /// </para>
    /// <para>
    /// No thread is stopped. While threads use the caches, each one's share of <c>InUse</c>, <c>Cached</c>, <c>LiveSegments</c>,
    /// <c>Allocations</c> and <c>Frees</c> is that of some moment during the call. A range that passes from one to another may be missed or
    /// be counted twice. The figures add up all the same: <c>TotalSize = InUse + Cached + Resting + Draining + Free</c> and
    /// <c>Allocations = Frees + LiveSegments</c>. All others are exact.
    /// </para>
    /// </remarks>
    public ArenaStatistics<T> GetStatistics()
    {
        _space.EndDueRestsUnheard();
        using Visit<T> visit = _space.Visit();
        return Figures() with { LargestFree = _space.Map.LargestFree() };
    }

    /// <summary>All figures that need no search. Under the lock.</summary>
    internal ArenaStatistics<T> Figures()
    {
        CacheFigures<T> caches = _caches?.Count() ?? new CacheFigures<T>(T.Zero, 0, 0, _space.Map.LiveSegments);
        ArenaStatistics<T> figures = _space.GetStatistics(caches.Units, caches.Ranges, caches.Taken, caches.Live);
        return figures with
        {
            Waits = _room?.Times.Count ?? 0,
            TimeWaited = _room?.Times.Total ?? TimeSpan.Zero,
            BookkeepingBytes = figures.BookkeepingBytes + (_caches?.BookkeepingBytes ?? 0),
        };
    }

    /// <summary>Would a request fit, and if not, why not?</summary>
    /// <param name="size">The length asked for, in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <returns>The answer, from what the arena holds now; nothing is imported.</returns>
    /// <exception cref="ArgumentException">The request is not well formed.</exception>
    /// <remarks>Of a place, a window that is just as long as the request, it says who is there. O(1) if no free segment is long enough, and
    /// the constraints name no window. Else the first segments are looked at; if none of them will do, the index by
    /// address decides, as it does for first fit. Those that are long enough are counted; if they are many, by counts that are built in
    /// steps, and go again, as an index does. What quantum caches hold is free to a request that does not fit without it: it is counted,
    /// and nothing is emptied for the answer. The caches of all threads stand still for that, for O(n log n) in what they hold.</remarks>
    public FitReport<T> Explain(T size, in RangeConstraints<T> constraints = default)
    {
        size = _space.RoundUp(size);
        RangeConstraints<T> mine = constraints;   // the caller's variable may change under us
        Request<T>.CheckConstraints(size, mine, Quantum);
        return Report(new Placement<T>(size, mine, Quantum, _space.NoteOf(mine).Kind));
    }

    private FitReport<T> Report(in Placement<T> placement)
    {
        _space.EndDueRestsUnheard();
        FitReport<T> report = _space.Report(placement);
        report = !report.Fits && _caches?.MayHold == true ? _space.ReportWithoutCaches(placement) : report;
        return _importer is null ? report : _importer.Complete(report, placement);
    }

    /// <summary>Checks every invariant of the arena's tables.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; it names which.</exception>
    /// <remarks>O(n log n), under the lock.</remarks>
    public void Validate()
    {
        using Visit<T> visit = _space.VisitFrozen();
        _space.Validate();
        _space.ValidateRests();
        _caches?.Validate();
        _room?.Validate();
    }

    /// <inheritdoc/>
    ArenaView IListed<ArenaView>.View => new ArenaView<T>(this, _space, _caches?.Max ?? T.Zero, _metered);

    /// <summary>The first who wait, and how many there are.</summary>
    internal List<ArenaWait> CopyWaits(int most, out int count)
    {
        count = 0;
        return _room?.Copy(most, out count) ?? [];
    }

    private ArenaLeak<T>? DescribeLeak()
    {
        ArenaStatistics<T> figures = Figures();
        return figures.LiveSegments == 0
            ? null
            : new ArenaLeak<T>(Name, figures.LiveSegments, figures.InUse,
                [.. CopySegments().Where(static segment => segment.Kind == SegmentKind.Allocated).Take(16)]);
    }

    /// <summary>All spans and segments, as callers see them. Frozen, and under the lock.</summary>
    private IEnumerable<Segment<T>> CopySegments() => _caches is null ? _space.Segments() : _caches.View().Copy();

    /// <inheritdoc/>
    /// <remarks>Under the lock, if there is one. A single-threaded arena has none, and is read while it works: its figures are of some
    /// moment during the reading, and of a type wider than the machine's words possibly of two. What lies in its tables is not read:
    /// they may go meanwhile.</remarks>
    bool IMetered.TryRead(int figure, out long value)
    {
        var wanted = (ArenaFigure)figure;
        bool isOfCaches = wanted is ArenaFigure.InUse or ArenaFigure.Cached or ArenaFigure.Segments or ArenaFigure.Allocations
            or ArenaFigure.Frees;
        bool isOfTables = wanted is ArenaFigure.LargestFree or ArenaFigure.Fragmentation;
        _space.BeginReading();
        try
        {
            bool isThere = !_space.HasEnded && (_space.IsShared || !isOfTables);
            ArenaStatistics<T> figures = !isThere ? default : isOfCaches ? Figures() : _space.GetStatistics(T.Zero, 0, 0, 0);
            figures = isThere && isOfTables ? figures with { LargestFree = _space.Map.LargestFree() } : figures;
            value = wanted.Of(figures with { Waits = _room?.Times.Count ?? 0 }, waiting: _room?.Count ?? 0);
            return isThere;
        }
        finally
        {
            _space.EndReading();
        }
    }
}
