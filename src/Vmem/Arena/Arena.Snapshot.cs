using Vmem.Diagnostics;
using Vmem.Segments;

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
        EnterFrozen();
        try
        {
            foreach (Segment<T> segment in _caches is null ? EnumerateLocked() : CopyCallersView())
            {
                if (segment.Kind == SegmentKind.Span)
                {
                    allocated = [];
                    bool imported = _map.IsImported(_map.FindSpan(segment.Start, out _, out _));
                    spans.Add(new SpanSnapshot<T> { Start = segment.Start, Size = segment.Size, Imported = imported, Allocated = allocated });
                }
                else if (segment.Kind == SegmentKind.Allocated)
                {
                    allocated.Add(new RangeSnapshot<T>(segment.Start, segment.Size));
                }
            }
        }
        finally
        {
            ExitFrozen();
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

        if (!T.IsPow2(snapshot.Quantum) || snapshot.Name is null || snapshot.Spans is null)
        {
            throw new FormatException($"The snapshot of arena '{snapshot.Name}' has no name, no list of spans, or a quantum that is no power of two: {snapshot.Quantum}.");
        }

        var arena = new Arena<T>(snapshot.Name, snapshot.Quantum, options ?? new ArenaOptions<T> { Policy = snapshot.Policy });
        try
        {
            if (arena._audit is null)
            {
                arena.RestoreSpans(snapshot.Spans);
            }
            else
            {
                using AuditSignature signature = arena._audit.Sign(AuditCall.Restore);
                arena.RestoreSpans(snapshot.Spans);
            }

            return arena;
        }
        catch (Exception e)
        {
            arena._upkeep?.Dispose();
            arena._map.Dispose();                 // not Dispose: the source has not lent this arena anything yet
            ArenaMetrics.Arenas.Remove(arena._metered);
            if (e is ArgumentException)
            {
                throw new FormatException($"The snapshot of arena '{snapshot.Name}' contradicts itself: {e.Message}", e);
            }

            throw;
        }
    }

    private void RestoreSpans(IReadOnlyList<SpanSnapshot<T>> spans)
    {
        foreach (SpanSnapshot<T> span in spans)
        {
            RestoreSpan(span);
        }
    }

    private void RestoreSpan(SpanSnapshot<T> span)
    {
        if (span?.Allocated is null)
        {
            throw new ArgumentException("a span or its list of ranges is missing.");
        }

        CheckSpan(span.Start, span.Size);
        Enter();
        try
        {
            if (_map.TryFindOverlap(span.Start, span.Start + (span.Size - T.One), out Segment<T> other))
            {
                throw new ArgumentException($"the span of {span.Size} at {span.Start} overlaps the one of {other.Size} at {other.Start}.");
            }

            if (ExceedsLimit(span.Size))
            {
                throw new ArgumentException($"its spans are more than the limit of {_limit}.");
            }

            bool imported = span.Imported && _source is not null;
            _map.ReserveSpan(span.Size);
            uint free = _map.AddSpan(span.Start, span.Size, imported);
            if (imported)
            {
                _imports++;
                _retained += span.Size;
                RetainedSpans++;
            }

            RestoreRanges(span, free);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Carves the ranges from the free rest of the span, in address order.</summary>
    private void RestoreRanges(SpanSnapshot<T> span, uint free)
    {
        T from = span.Start;
        T left = span.Size;
        foreach (RangeSnapshot<T> range in span.Allocated)
        {
            T gap = range.Start - from;
            if (T.IsZero(range.Size) || !T.IsZero((range.Start | range.Size) & _quantumMask) || gap > left || range.Size > left - gap)
            {
                throw new ArgumentException($"the range of {range.Size} at {range.Start} is out of order, outside its span, or not whole quanta.");
            }

            _ = Claim(free, range.Start, range.Size, FitPolicy.InstantFit, byHandle: false);
            free = _map.Following(_map.FindLive(range.Start));
            from = range.Start + range.Size;
            left -= gap + range.Size;
        }
    }
}
