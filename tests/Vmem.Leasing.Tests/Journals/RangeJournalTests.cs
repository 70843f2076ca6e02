using System.Numerics;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>The files of a durable arena's exact mode: what was noted is read again, whatever was torn.</summary>
public sealed class RangeJournalTests : IDisposable
{
    private const ulong Name = 17;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmem-journal-").FullName;
    private readonly SortedDictionary<ulong, ulong> _live = [];

    private string Path => System.IO.Path.Combine(_folder, "ranges");

    private string Second => Path + "-2";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Lives of random length; each begins with what the last one left, and writes snapshots as it fills its files.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_was_noted_is_what_is_read(int seed)
    {
        Random random = new(seed);
        int snapshots = 0;
        for (int life = 0; life < 6; life++)
        {
            using (RangeJournal<ulong> journal = Begin())
            {
                for (int i = random.Next(100_000); i > 0; i--)
                {
                    Step(journal, random, most: 1 << random.Next(14));
                }

                snapshots += journal.Snapshots;
            }

            Assert.Equal(Ranges(), Read().Live);
        }

        Assert.InRange(snapshots, 7, int.MaxValue);            // more than the one that each life begins with
    }

    [Fact]
    public void A_torn_last_record_is_cut_at_whatever_byte_it_was_torn()
    {
        Cut((ulong)1 << 40, 3UL);
        Cut<UInt128>((UInt128.One << 100) + 5, (UInt128.One << 70) + 1);
        Cut<ushort>(60_000, 12);

        void Cut<T>(T start, T size)
            where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
        {
            string path = System.IO.Path.Combine(_folder, typeof(T).Name);
            T first = T.CreateChecked(7);
            using (RangeJournal<T> journal = new(path, Name, new(new(), 0, 1), [], static () => new()))
            {
                Note(journal, first);
                Note(journal, start);
            }

            string[] paths = RangeJournal<T>.PathsOf(path);
            string written;
            using (JournalRecovery<T> found = JournalRecovery<T>.Read(paths, Name))
            {
                written = paths[found.Place];
            }

            byte[] whole = File.ReadAllBytes(written);
            int record = typeof(T) == typeof(UInt128) ? 48 : 32;
            int last = 4096 + record;
            Assert.Equal([(first, size), (start, size)], ReadFrom(path));
            for (int torn = 0; torn < record; torn++)
            {
                byte[] rest = [.. whole];
                for (int i = torn; i < record; i++)
                {
                    rest[last + i] ^= 0xFF;                    // what lay there before
                }

                File.WriteAllBytes(written, rest);
                Assert.Equal([(first, size)], ReadFrom(path));
                rest = [.. whole];
                rest[last + torn] ^= 0x10;
                File.WriteAllBytes(written, rest);
                Assert.Equal([(first, size)], ReadFrom(path));
            }

            void Note(RangeJournal<T> journal, T from)
            {
                journal.Enter();
                Assert.True(journal.TryReserve());
                journal.Allocated(from, size);
                journal.Exit();
            }

            static (T Start, T Size)[] ReadFrom(string path)
            {
                using JournalRecovery<T> found = JournalRecovery<T>.Read(RangeJournal<T>.PathsOf(path), Name);
                return [.. found.Live.Notes.ToArray().Select(static note => (note.Start, note.Size))];
            }
        }
    }

    [Fact]
    public void A_snapshot_that_was_not_finished_leaves_the_file_before_it()
    {
        Random random = new(4);
        using (RangeJournal<ulong> journal = Begin())
        {
            for (int i = 0; i < 1000; i++)
            {
                Step(journal, random, most: 200);
            }
        }

        (ulong, ulong)[] before = Ranges();
        Found found = Read();
        string[] paths = RangeJournal<ulong>.PathsOf(Path);
        Begin().Dispose();                                     // a snapshot into the other file
        string newer = paths[1 - found.Place];
        byte[] whole = File.ReadAllBytes(newer);
        for (int torn = 0; torn < 64; torn += 8)
        {
            byte[] part = [.. whole];
            part.AsSpan(torn, 64 - torn).Clear();              // its header, word by word
            File.WriteAllBytes(newer, part);
            Assert.Equal(before, Read().Live);
        }

        byte[] lost = [.. whole];
        lost.AsSpan(4096 + 32 * 10, 512).Clear();              // a sector of the snapshot, by a power failure
        File.WriteAllBytes(newer, lost);
        Found older = Read();
        Assert.Equal(found.Place, older.Place);
        Assert.Equal(before, older.Live);
        Assert.InRange(older.Generation, found.Generation + 1, ulong.MaxValue);
        Begin().Dispose();                                     // does not overwrite the only good one before it has another
        Assert.Equal(before, Read().Live);
    }

    [Fact]
    public void What_was_flushed_and_is_damaged_is_an_error()
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            Allocate(journal, 1, 1);
            Allocate(journal, 2, 1);
            journal.Flush();
            Allocate(journal, 3, 1);
        }

        string written = RangeJournal<ulong>.PathsOf(Path)[Read().Place];
        byte[] whole = File.ReadAllBytes(written);
        Spoil(2);
        Assert.Equal([(1UL, 1UL), (2UL, 1UL)], Read().Live);
        Spoil(1);
        LeaseJournalException fault = Assert.Throws<LeaseJournalException>(Read);
        Assert.Contains("record 1 cannot be read", fault.Message, StringComparison.Ordinal);

        void Spoil(int record)
        {
            byte[] damaged = [.. whole];
            damaged[4096 + 32 * record + 8] ^= 1;
            File.WriteAllBytes(written, damaged);
        }
    }

    /// <summary>A flush belongs to a file. Before that one is overwritten, the newer one is flushed. Who never flushes pays nothing for
    /// it.</summary>
    [Fact]
    public void A_flushed_file_is_not_overwritten_before_the_newer_one_is_flushed()
    {
        Random random = new(5);
        using RangeJournal<ulong> journal = Begin();
        Fill(4);
        Assert.Equal(0, journal.Flushes);
        journal.Flush();
        journal.Flush();
        Assert.Equal(1, journal.Flushes);                      // nothing had been noted in between
        Fill(5);
        Assert.Equal(1, journal.Flushes);                      // into the file that was not flushed
        Fill(6);
        Assert.Equal(2, journal.Flushes);

        void Fill(int wanted)
        {
            while (journal.Snapshots < wanted)
            {
                Step(journal, random, most: 50);
            }
        }
    }

    [Theory]
    [InlineData("is no journal of ranges", 0)]
    [InlineData("is a journal of version 2", 8)]
    [InlineData("of another arena", -1)]
    [InlineData("Another process or another arena", -2)]
    public void What_cannot_be_used_is_said(string text, int at)
    {
        RangeJournal<ulong> journal = Begin();
        Allocate(journal, 1, 1);
        if (at != -2)
        {
            journal.Dispose();
        }

        if (at >= 0)
        {
            string written = RangeJournal<ulong>.PathsOf(Path)[Read().Place];
            byte[] bytes = File.ReadAllBytes(written);
            bytes[at] = at == 8 ? (byte)2 : (byte)'x';
            File.WriteAllBytes(written, bytes);
        }

        LeaseJournalException fault = Assert.Throws<LeaseJournalException>(
            () => JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(Path), at == -1 ? Name + 1 : Name));
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
        journal.Dispose();
    }

    /// <summary>A full disk refuses allocations, with the reason, and no free.</summary>
    [Fact]
    public void On_a_full_disk_nothing_is_allocated_and_all_can_be_freed()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        RangeJournal<ulong> journal = Begin();
        string full = Second;                                  // the first snapshot went into the first file
        File.Delete(full);
        File.CreateSymbolicLink(full, "/dev/full");
        ulong next = 0;
        LeaseJournalException fault = Assert.Throws<LeaseJournalException>(Fill);
        Assert.Contains("Make room on the disk", fault.Message, StringComparison.Ordinal);
        Assert.InRange(next, 1000UL, (ulong)RangeJournal<ulong>.FewestRecords);
        for (ulong i = 1; i < next; i++)
        {
            Free(journal, i);
        }

        File.Delete(full);
        Allocate(journal, 5, 1);                               // there is room again
        journal.Dispose();
        Assert.Equal([(0UL, 1UL), (5UL, 1UL)], Read().Live);

        void Fill()
        {
            for (; next <= (ulong)RangeJournal<ulong>.FewestRecords; next++)
            {
                Allocate(journal, next, 1);
            }
        }
    }

    /// <summary>Whoever made the file died before its header was written: nothing was handed out.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(5000)]
    public void A_file_of_zeros_is_a_journal_that_was_never_begun(int length)
    {
        File.WriteAllBytes(Path, new byte[length]);
        Assert.Empty(Read().Live);
        RangeJournal<ulong> journal = Begin();
        Allocate(journal, 1, 1);
        journal.Dispose();
        Assert.Equal([(1UL, 1UL)], Read().Live);
    }

    /// <summary>Flushes beside notes, snapshots and files that grow: each ends, and nothing is lost.</summary>
    [Fact]
    public async Task Flushes_beside_everything_else_end()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        RangeJournal<ulong> journal = Begin();
        bool isOver = false;
        Task[] flushing = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                journal.Flush();
            }
        }, token))];
        for (ulong i = 0; i < 60_000; i++)
        {
            Allocate(journal, i, 1);
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(flushing);
        Assert.InRange(journal.Snapshots, 2, int.MaxValue);
        journal.Dispose();
        Assert.Throws<ObjectDisposedException>(journal.Flush);
        Assert.Equal(Ranges(), Read().Live);
    }

    /// <summary>A free that the arena refuses was noted before: it means nothing.</summary>
    [Fact]
    public void A_free_of_what_is_not_live_changes_nothing_and_uses_up_no_place_for_ever()
    {
        RangeJournal<ulong> journal = Begin();
        Allocate(journal, 1, 4);
        for (int i = 0; i < 3 * RangeJournal<ulong>.FewestRecords; i++)
        {
            journal.Enter();
            Assert.True(journal.TryFree(1, 3));
            Assert.True(journal.TryFree(9, 4));
            journal.Exit();
        }

        journal.Dispose();
        Assert.Equal([(1UL, 4UL)], Read().Live);
    }

    /// <summary>A range that went with its lease was perhaps not freed: what was allocated in its place is newer.</summary>
    [Fact]
    public void Of_ranges_that_overlap_the_newest_is_live()
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            Allocate(journal, 0, 8);
            Allocate(journal, 8, 8);
            Allocate(journal, 4, 6);
            Allocate(journal, 20, 2);
            Allocate(journal, 16, 5);
        }

        Assert.Equal([(4UL, 6UL), (16UL, 5UL)], Read().Live);
    }

    [Fact]
    public void What_is_closed_notes_nothing()
    {
        RangeJournal<ulong> journal = Begin();
        journal.Dispose();
        journal.Enter();
        Assert.False(journal.TryReserve());
        Assert.False(journal.TryFree(1, 1));
        journal.Exit();
        journal.Dispose();
    }

    private RangeJournal<ulong> Begin()
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
        });
    }

    private Found Read()
    {
        using JournalRecovery<ulong> found = JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(Path), Name);
        return new([.. found.Live.Notes.ToArray().Select(static note => (note.Start, note.Size))], found.Generation, found.Place);
    }

    private (ulong Start, ulong Size)[] Ranges() => [.. _live.Select(static range => (range.Key, range.Value))];

    private void Allocate(RangeJournal<ulong> journal, ulong start, ulong size)
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

    private void Free(RangeJournal<ulong> journal, ulong start)
    {
        journal.Enter();
        Assert.True(journal.TryFree(start, _live[start]));
        Assert.True(_live.Remove(start));
        journal.Freed();
        journal.Exit();
    }

    /// <summary>Allocates, or frees where there is no more to be.</summary>
    private void Step(RangeJournal<ulong> journal, Random random, int most)
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

    private sealed record Found((ulong Start, ulong Size)[] Live, ulong Generation, int Place);
}
