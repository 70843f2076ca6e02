using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem;

// Snapshots: what an arena holds, to be kept, looked at, or restored; and the arena over all values, which is made like a restored one.
public sealed partial class Arena<T>
{
    /// <summary>What the arena holds at this moment.</summary>
    /// <returns>The snapshot: one consistent moment.</returns>
    /// <remarks>O(n), under the lock.</remarks>
    public ArenaSnapshot<T> Snapshot()
    {
        var spans = new List<SpanSnapshot<T>>();
        List<RangeSnapshot<T>> allocated = [];
        _space.EndDueRestsUnheard();
        ulong now = _space.RestNow;
        using Visit<T> visit = _space.VisitFrozen();
        foreach (Segment<T> segment in CopySegments())
        {
            if (segment.Kind == SegmentKind.Span)
            {
                allocated = [];
                bool imported = _space.Map.IsImported(_space.Map.FindSpan(segment.Start, out _, out _));
                T size = _space.Map.IsWhole ? T.Zero : segment.Size;
                spans.Add(new SpanSnapshot<T>
                {
                    Start = segment.Start,
                    Size = size,
                    IsWhole = _space.Map.IsWhole,
                    IsDraining = segment.IsDraining,
                    Imported = imported,
                    Allocated = allocated
                });
            }
            else if (segment.Kind == SegmentKind.Allocated)
            {
                allocated.Add(new RangeSnapshot<T>(segment.Start, segment.Size) { Tag = segment.Tag, Kind = segment.RangeKind });
            }
        }

        (T rotor, T lead) = (_space.Map.Rotor, _space.Map.Lead);
        return new ArenaSnapshot<T>
        {
            Name = Name,
            Quantum = Quantum,
            Policy = _policy,
            Rotor = rotor,
            RotorLead = lead == rotor ? null : lead,
            Freed = _policy == FitPolicy.OldestFit ? _space.Map.CopyFreedOrder() : [],
            Spans = spans,
            Resting = _space.CopyRests(now),
            CompletedFence = _space.CompletedFence,
        };
    }

    /// <summary>Makes an arena over all values of the type, as one span: 2^16 IDs of <c>ushort</c>, the 2^64 addresses of
    /// <c>ulong</c>.</summary>
    /// <param name="name">A name for messages, dumps and metrics.</param>
    /// <param name="quantum">The unit of allocation, a power of two.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <returns>The arena. A range may lie anywhere in it; the longest is all but one quantum, as no size says more.</returns>
    /// <exception cref="ArgumentException">The quantum is not a power of two, or an option makes no sense: such an arena has no limit and
    /// no source.</exception>
    /// <remarks>Where a figure would be 2^bits it is <c>T.MaxValue</c>: <see cref="ArenaStatistics{T}.TotalSize"/> always, and while
    /// nothing is allocated what is free, and the one free segment. The span cannot be removed or resized. A snapshot has it with size 0.
    /// Frees take a longer path than in other arenas.</remarks>
    public static Arena<T> OverAll(string name, T quantum, ArenaOptions<T>? options = null)
    {
        if (options?.Source is not null)
        {
            throw new ArgumentException($"An arena over all values of {typeof(T).Name} has nothing to import.", nameof(options));
        }

        if (!T.IsPow2(quantum))
        {
            throw new ArgumentException($"All values of {typeof(T).Name} are whole quanta of a power of two, and {quantum} is none.", nameof(quantum));
        }

        var arena = new Arena<T>(name, quantum, options);
        try
        {
            T half = T.MaxValue - (T.MaxValue >> 1);             // no size says all of it
            arena.AddSpan(T.Zero, half);
            arena.AddSpan(half, half, joinNeighbors: true);
            return arena;
        }
        catch
        {
            arena.Dispose();
            throw;
        }
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

        T lead = snapshot.RotorLead ?? snapshot.Rotor;
        if (!Multiples<T>.Has(snapshot.Rotor, snapshot.Quantum) || !Multiples<T>.Has(lead, snapshot.Quantum))
        {
            throw new FormatException($"In the snapshot of arena '{snapshot.Name}' next fit goes on at {snapshot.Rotor} and {lead}: not at multiples of the quantum.");
        }

        var arena = new Arena<T>(snapshot.Name, snapshot.Quantum, options ?? new ArenaOptions<T> { Policy = snapshot.Policy });
        try
        {
            AuditSite? site = arena._space.Auditor?.Sign(AuditCall.Restore);
            RestSnapshot<T>[] rests = [.. snapshot.Resting.OrderBy(static rest => rest.Start)];
            int carved = 0;
            foreach (SpanSnapshot<T> span in snapshot.Spans)
            {
                carved += arena.RestoreSpan(span, rests, site);
            }

            if (carved != rests.Length)
            {
                throw new ArgumentException("a range that rests lies in no span, or its rest begins below one.");
            }

            arena._space.Map.SetRotor(snapshot.Rotor, lead);
            arena.RestoreFreedOrder(snapshot.Freed);
            foreach (SpanSnapshot<T> span in snapshot.Spans)
            {
                if (span.IsDraining && !arena.TryDrainSpan(span.Start))
                {
                    throw new ArgumentException("a span drains that holds every value of the type.");
                }
            }

            arena.RestoreRests(snapshot, site);   // last: with a rest that ends at once a span may go
            return arena;
        }
        catch (Exception e)
        {
            // It releases no import, as the source has not lent this arena anything yet, and has leaked nothing. What a clock throws now
            // matters less than why that was.
            Conclusion end = default;
            using (arena._space.VisitFrozen(evenEnded: true))
            {
                _ = arena._space.TryEnd();
                end.Take(() => arena._caches?.End());
                arena._space.ReleaseTables();
            }

            arena.Leave(ref end);
            if (e is ArgumentException)
            {
                throw new FormatException($"The snapshot of arena '{snapshot.Name}' contradicts itself: {e.Message}", e);
            }

            throw;
        }
    }

    /// <returns>How many of the ranges that rest lie in the span: they are allocated for now.</returns>
    private int RestoreSpan(SpanSnapshot<T> span, RestSnapshot<T>[] rests, AuditSite? site)
    {
        if (span?.Allocated is null)
        {
            throw new ArgumentException("a span or its list of ranges is missing.");
        }

        bool isWhole = span.IsWhole && T.IsZero(span.Start) && T.IsZero(span.Size);
        if (!isWhole)
        {
            _space.CheckSpan(span.Start, span.Size);
        }

        int first = ~rests.AsSpan().BinarySearch(new RestsFrom<T>(span.Start));
        int count = rests.Skip(first).TakeWhile(rest => isWhole || rest.Start - span.Start < span.Size).Count();
        IEnumerable<RangeSnapshot<T>> ranges = count == 0 ? span.Allocated
            : span.Allocated.Concat(rests.Skip(first).Take(count).Select(static rest =>
                new RangeSnapshot<T>(rest.Start, rest.Size) { Tag = rest.Tag, Kind = rest.Kind }))
                .OrderBy(static range => range.Start);
        using Visit<T> visit = _space.Visit();
        uint free = isWhole ? _space.RestoreWhole() : _space.RestoreSpan(span.Start, span.Size, span.Imported);
        T from = span.Start;
        T last = span.Start + (span.Size - T.One);
        bool isFull = false;
        foreach (RangeSnapshot<T> range in ranges)
        {
            bool isQuanta = Multiples<T>.Has(range.Start, Quantum) && Multiples<T>.Has(range.Size, Quantum);
            if (T.IsZero(range.Size) || !isQuanta || isFull || range.Start < from || range.Start > last
                || range.Size - T.One > last - range.Start)
            {
                throw new ArgumentException($"the range of {range.Size} at {range.Start} is out of order, outside its span, or not whole quanta.");
            }

            RangeNote note = _space.NoteOf(range.Tag, range.Kind);
            if (!_space.Map.MayLie(note.Kind, free, range.Start, range.Size))
            {
                throw new ArgumentException($"the range of {range.Size} at {range.Start} shares a page of {_space.KindGranularity} with one of another kind.");
            }

            free = _space.TakeAt(free, range.Start, range.Size, site, note);
            from = range.Start + range.Size;
            isFull = from - T.One == last;
        }

        return count;
    }

    /// <summary>The order in which free space was freed goes on, if the arena's own policy goes by it.</summary>
    private void RestoreFreedOrder(IReadOnlyList<FreedSnapshot<T>> freed)
    {
        if (_policy == FitPolicy.OldestFit)
        {
            using Visit<T> visit = _space.Visit();
            _space.Map.SetFreedOrder(freed);
        }
    }

    /// <summary>What rests goes on for what remained, or until its fence. What would be over by now rests for a moment.</summary>
    private void RestoreRests(ArenaSnapshot<T> snapshot, AuditSite? site)
    {
        foreach (RestSnapshot<T> rest in snapshot.Resting)
        {
            _space.RestRestored(rest.Start, rest.Size, rest.Fence is { } fence ? _space.UntilFence(fence)
                : _space.UntilAfter(TimeSpan.FromTicks(Math.Max(1, rest.Remaining.Ticks))), site);
        }

        if (snapshot.CompletedFence is { } completed)
        {
            _space.CompleteFence(completed);
        }

        _space.SetRestTimer();
    }
}
