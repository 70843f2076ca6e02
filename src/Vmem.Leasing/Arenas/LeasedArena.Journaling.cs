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
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed of.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        RangeJournal<T> journal = _journal
            ?? throw new InvalidOperationException($"Arena '{Name}' has no journal: set LeasedArenaOptions.JournalPath.");
        return Task.Run(journal.Flush, cancellationToken);
    }

    private async Task BeginJournalAsync(string path)
    {
        try
        {
            await Task.Run(() => BeginJournal(path)).ConfigureAwait(false);              // a million ranges take a while
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads what the last session of the name noted, allocates it again, and begins a journal with it.</summary>
    private void BeginJournal(string path)
    {
        ulong arena = JournalHash.Of($"{Name} {typeof(T).Name} {Arena.Quantum}");
        using JournalRecovery<T> former = JournalRecovery<T>.Read(RangeJournal<T>.PathsOf(path), arena);
        Adopt(former.Live);
        _journal = new RangeJournal<T>(path, arena, former, former.Live.Notes, ReadLive);
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

    /// <summary>Frees what was lost with its span. If the whole session is lost, its spans wait for the next of the name, and so do the
    /// notes.</summary>
    /// <exception cref="InvalidFreeException">The program freed it meanwhile.</exception>
    private void FreeLost(T start, T size)
    {
        if (_journal is not { } journal || _session.State == LeaseState.Lost)
        {
            Arena.Free(start, size);
            return;
        }

        journal.Enter();
        try
        {
            bool isNoted = journal.TryFree(start, size);
            Arena.Free(start, size);
            if (isNoted)
            {
                journal.Freed();
            }
        }
        finally
        {
            journal.Exit();
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
            catch (IOException fault)
            {
                _session.NoteFault(fault);
            }

            journal.Dispose();
        }
    }
}
