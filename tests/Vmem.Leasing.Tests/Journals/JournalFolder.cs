using Microsoft.Win32.SafeHandles;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>A journal in a folder of its own, and what is live by it.</summary>
public abstract class JournalFolder : IDisposable
{
    private protected const ulong Name = 17;

    private readonly SortedDictionary<ulong, ulong> _live = [];

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("vmem-journal-").FullName;

    private protected string Path => System.IO.Path.Combine(Folder, "ranges");

    private protected string Second => Path + "-2";

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected RangeJournal<ulong> Begin(Action<SafeFileHandle>? flushToDisk = null)
    {
        using JournalRecovery<ulong> former = JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(Path), Name);
        return new(Path, Name, former, former.Live.Notes, () =>
        {
            NoteBuffer<ulong> live = new();
            foreach ((ulong start, ulong size) in _live)
            {
                live.Add(start, size);
            }

            return live;
        }, flushToDisk);
    }

    private protected Found Read()
    {
        using JournalRecovery<ulong> found = JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(Path), Name);
        return new([.. found.Live.Notes.ToArray().Select(static note => (note.Start, note.Size))], found.Generation, found.Place);
    }

    private protected (ulong Start, ulong Size)[] Ranges() => [.. _live.Select(static range => (range.Key, range.Value))];

    private protected void Allocate(RangeJournal<ulong> journal, ulong start, ulong size)
    {
        journal.Enter();
        try
        {
            Assert.True(journal.TryReserve());
            journal.Allocated(start, size);
            _live[start] = size;
        }
        finally
        {
            journal.Exit();
        }
    }

    private protected void Free(RangeJournal<ulong> journal, ulong start)
    {
        journal.Enter();
        Assert.True(journal.TryFree(start, _live[start]));
        Assert.True(_live.Remove(start));
        journal.Freed();
        journal.Exit();
    }

    /// <summary>The arena has lost ranges with their span.</summary>
    private protected void Revoke(RangeJournal<ulong> journal, params ulong[] starts)
    {
        journal.Enter();
        Segment<ulong>[] ranges = [.. starts.Select(start => new Segment<ulong>(start, _live[start], SegmentKind.Allocated))];
        Assert.All(starts, start => Assert.True(_live.Remove(start)));
        journal.Revoked(ranges);
        journal.Exit();
    }

    /// <summary>Allocates, or frees where there is no more to be.</summary>
    private protected void Step(RangeJournal<ulong> journal, Random random, int most)
    {
        ulong start = 16 * (ulong)random.Next(most);
        if (_live.ContainsKey(start))
        {
            Free(journal, start);
        }
        else
        {
            Allocate(journal, start, (ulong)random.Next(1, 17));
        }
    }

    private protected sealed record Found((ulong Start, ulong Size)[] Live, ulong Generation, int Place);
}
