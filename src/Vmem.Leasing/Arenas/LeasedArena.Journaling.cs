using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Vmem.Leasing.Arenas;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing;

// Exact mode: what is handed out is noted in a journal, and adopted by the next session of the name.
public sealed partial class LeasedArena<T>
{
    /// <summary>Waits until all that was allocated and freed before is on the disk, so that it survives a power failure, too. Those who
    /// wait together share one flush.</summary>
    /// <param name="cancellationToken">Ends the attempt before it begins.</param>
    /// <returns>A task for the flush.</returns>
    /// <exception cref="InvalidOperationException">The arena has no journal.</exception>
    /// <exception cref="IOException">The disk failed. The next call writes everything anew, into the other file, which takes as long as a
    /// snapshot of all live ranges.</exception>
    /// <exception cref="LeaseJournalException">The disk failed before, and the other file cannot be written, either.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed of.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        RangeJournal<T> journal = _journal
            ?? throw new InvalidOperationException($"Arena '{Name}' has no journal: set LeasedArenaOptions.JournalPath.");
        return Task.Run(journal.Flush, cancellationToken);
    }

    /// <summary>Reads what the last session of the name noted, allocates it again, and begins a journal with it.</summary>
    private void BeginJournal(string path, Action<SafeFileHandle>? flushToDisk)
    {
        ulong arena = JournalHash.Of($"{Name} {typeof(T).Name} {Arena.Quantum}");
        using JournalRecovery<T> former = JournalRecovery<T>.Read(RangeJournal<T>.PathsOf(path), arena);
        CallMark call = CallMark.Begin();
        try
        {
            Adopt(former.Live);
        }
        finally
        {
            call.End();
        }

        _journal = new RangeJournal<T>(path, arena, former, former.Live.Notes, ReadLive, flushToDisk);
    }

    private NoteBuffer<T> ReadLive()
    {
        NoteBuffer<T> live = new();
        try
        {
            foreach (Segment<T> segment in Arena.GetSegments())
            {
                if (segment.Kind == SegmentKind.Allocated)
                {
                    live.Add(segment.Start, segment.Size);
                }
            }

            return live;
        }
        catch
        {
            live.Dispose();
            throw;
        }
    }

    private async ValueTask EndJournalAsync()
    {
        if (_journal is { } journal)
        {
            try
            {
                await Task.Run(journal.Flush).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or LeaseJournalException)
            {
                _session.NoteFault(fault);                     // what was noted survives the process all the same
            }
            finally
            {
                journal.Dispose();
            }
        }
    }

    // As many as the arena claims under one lock, or more: less than a page of them is not worth a call. Arbitrary.
    private const int AdoptedAtATime = 1024;

    /// <summary>With a journal: the ranges that the last session of the name held, under their new fences. They are this arena's, to be
    /// used and freed like any. The program says what of them lives by freeing the rest. Empty without a journal.</summary>
    /// <remarks>An allocation that was under way when the process died may be among them, and a free that was not. Ranges whose span was
    /// taken away meanwhile are not.</remarks>
    public IReadOnlyList<LeasedRange<T>> Adopted { get; private set; } = [];

    /// <summary>Allocates again those of the ranges, which are sorted, of which the spans are still held.</summary>
    /// <param name="live">The ranges; afterwards those that were allocated.</param>
    /// <remarks>In each span the first range makes the rest of the span free, as <see cref="Restore"/> does. The others are claimed in
    /// batches. Rejected: to split each off from what the whole span was: two splits and a free for each.</remarks>
    private void Adopt(NoteBuffer<T> live)
    {
        List<LeasedRange<T>> adopted = new(live.Count);
        var batch = new Segment<T>[Math.Min(AdoptedAtATime, live.Count)];
        Span<JournalNote<T>> ranges = live.Notes;
        foreach (LeasedSpan<T> span in BeginRestore())
        {
            ranges = ranges[CountBefore(ranges, span.Start, T.Zero)..];
            Span<JournalNote<T>> within = ranges[..CountBefore(ranges, span.Start, span.Size)];
            ranges = ranges[within.Length..];
            if (within is [.., var last] && span.Size - (last.Start - span.Start) < last.Size)
            {
                within = within[..^1];                         // what reaches into the next span was not allocated in these
            }

            if (TryAdopt(span, within, batch))
            {
                int place = adopted.Count;
                Append(adopted, within, span.Fence);
                within.CopyTo(live.Notes[place..]);            // onto themselves, unless some before them were not adopted
            }

            ForgetInherited(span);
        }

        live.Cut(adopted.Count);
        Adopted = adopted;
        _stock.Expect(0);                                      // nobody can wait yet, who would have to be told
    }

    /// <returns>False if the span was lost.</returns>
    private bool TryAdopt(LeasedSpan<T> span, ReadOnlySpan<JournalNote<T>> live, Segment<T>[] batch)
    {
        List<LeasedRange<T>> first = [];
        Append(first, live.IsEmpty ? [] : live[..1], span.Fence);
        if (!TryRestoreSpan(span, first))
        {
            return false;
        }

        try
        {
            for (live = live[first.Count..]; !live.IsEmpty; live = live[Math.Min(batch.Length, live.Length)..])
            {
                Arena.AllocateAtMany(Fill(batch, live));
            }

            return true;
        }
        catch (Exception fault) when (span.IsLost && fault is ArenaExhaustedException or InvalidFreeException)
        {
            return false;
        }
    }

    /// <summary>How many of the ranges, which are sorted, start below a place or within so much from it.</summary>
    private static int CountBefore(ReadOnlySpan<JournalNote<T>> ranges, T start, T size)
    {
        int low = 0;
        int high = ranges.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (ranges[middle].Start < start || ranges[middle].Start - start < size)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]     // a million of them, once: there is no time to get warm
    private static ReadOnlySpan<Segment<T>> Fill(Span<Segment<T>> batch, ReadOnlySpan<JournalNote<T>> ranges)
    {
        batch = batch[..Math.Min(batch.Length, ranges.Length)];
        for (int i = 0; i < batch.Length; i++)
        {
            batch[i] = new Segment<T>(ranges[i].Start, ranges[i].Size, SegmentKind.Allocated);
        }

        return batch;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Append(List<LeasedRange<T>> list, ReadOnlySpan<JournalNote<T>> ranges, long fence)
    {
        int count = list.Count;
        CollectionsMarshal.SetCount(list, count + ranges.Length);
        Span<LeasedRange<T>> added = CollectionsMarshal.AsSpan(list)[count..];
        for (int i = 0; i < ranges.Length; i++)
        {
            added[i] = new LeasedRange<T>(ranges[i].Start, ranges[i].Size, fence);
        }
    }
}
