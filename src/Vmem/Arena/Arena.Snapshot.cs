using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem;

// Snapshots: what an arena holds, to be kept, looked at, or restored.
public sealed partial class Arena<T>
{
    /// <summary>What the arena holds at this moment.</summary>
    /// <returns>The snapshot: one consistent moment.</returns>
    /// <remarks>O(n), under the lock.</remarks>
    public ArenaSnapshot<T> Snapshot()
    {
        var spans = new List<SpanSnapshot<T>>();
        List<RangeSnapshot<T>> allocated = [];
        using Visit<T> visit = _space.VisitFrozen();
        foreach (Segment<T> segment in CopySegments())
        {
            if (segment.Kind == SegmentKind.Span)
            {
                allocated = [];
                bool imported = _space.Map.IsImported(_space.Map.FindSpan(segment.Start, out _, out _));
                spans.Add(new SpanSnapshot<T> { Start = segment.Start, Size = segment.Size, Imported = imported, Allocated = allocated });
            }
            else if (segment.Kind == SegmentKind.Allocated)
            {
                allocated.Add(new RangeSnapshot<T>(segment.Start, segment.Size));
            }
        }

        return new ArenaSnapshot<T> { Name = Name, Quantum = Quantum, Policy = _policy, Spans = spans };
    }

    /// <summary>Makes an arena that holds what a snapshot says.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="options">How the arena behaves, its policy included; null for the defaults with the snapshot's policy.</param>
    /// <returns>The arena. Its ranges are freed by address; handles of the former arena are stale.</returns>
    /// <exception cref="FormatException">The snapshot contradicts itself: spans or ranges that overlap, lie outside, or are not multiples
    /// of the quantum.</exception>
    /// <remarks>
    /// O(n log n). With a source among the options, spans that were imported are its again: they will be released to it when free. Without
    /// one they are spans like any other.
    /// </remarks>
    public static Arena<T> Restore(ArenaSnapshot<T> snapshot, ArenaOptions<T>? options = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (snapshot.Version != ArenaSnapshot<T>.CurrentVersion)
        {
            throw new FormatException($"The snapshot's version is {snapshot.Version}, and only {ArenaSnapshot<T>.CurrentVersion} is known.");
        }

        if (T.IsZero(snapshot.Quantum) || snapshot.Name is null || snapshot.Spans is null)
        {
            throw new FormatException($"The snapshot of arena '{snapshot.Name}' has no name, no list of spans, or a quantum of 0.");
        }

        var arena = new Arena<T>(snapshot.Name, snapshot.Quantum, options ?? new ArenaOptions<T> { Policy = snapshot.Policy });
        try
        {
            AuditSite? site = arena._space.Auditor?.Sign(AuditCall.Restore);
            foreach (SpanSnapshot<T> span in snapshot.Spans)
            {
                arena.RestoreSpan(span, site);
            }

            return arena;
        }
        catch (Exception e)
        {
            arena._caches?.Dispose();
            arena._space.Map.Dispose();           // not Dispose: the source has not lent this arena anything yet
            ArenaMetrics.Arenas.Remove(arena._metered);
            if (e is ArgumentException)
            {
                throw new FormatException($"The snapshot of arena '{snapshot.Name}' contradicts itself: {e.Message}", e);
            }

            throw;
        }
    }

    private void RestoreSpan(SpanSnapshot<T> span, AuditSite? site)
    {
        if (span?.Allocated is null)
        {
            throw new ArgumentException("a span or its list of ranges is missing.");
        }

        _space.CheckSpan(span.Start, span.Size);
        using Visit<T> visit = _space.Visit();
        uint free = _space.RestoreSpan(span.Start, span.Size, span.Imported);
        T from = span.Start;
        T left = span.Size;
        foreach (RangeSnapshot<T> range in span.Allocated)
        {
            T gap = range.Start - from;
            bool isWhole = Multiples<T>.Has(range.Start, Quantum) && Multiples<T>.Has(range.Size, Quantum);
            if (T.IsZero(range.Size) || !isWhole || gap > left || range.Size > left - gap)
            {
                throw new ArgumentException($"the range of {range.Size} at {range.Start} is out of order, outside its span, or not whole quanta.");
            }

            _space.TakeAt(free, range.Start, new Request<T>(new Placement<T>(range.Size, default, Quantum), FitPolicy.InstantFit,
                RequestKind.Segment, site));
            free = _space.Map.Following(_space.Map.FindLive(range.Start));
            from = range.Start + range.Size;
            left -= gap + range.Size;
        }
    }
}
