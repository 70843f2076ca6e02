using Microsoft.Win32.SafeHandles;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>The files of a durable arena's exact mode: what was noted is read again.</summary>
public sealed class RangeJournalTests : JournalFolder
{
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
        Assert.Equal((ulong)RangeJournal<ulong>.FewestRecords / 2, next);
        for (ulong i = 1; i < next; i++)
        {
            Free(journal, i);
        }

        journal.Enter();
        Assert.True(journal.TryFree(77, 1));                   // in the place that the first range has
        Assert.Throws<LeaseJournalException>(() => journal.TryFree(77, 1));
        journal.Exit();
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

    /// <summary>After a failed flush Linux takes the file's pages for clean: it would write nothing, and succeed.</summary>
    [Fact]
    public void After_a_flush_that_failed_everything_is_written_into_the_other_file_and_flushed_there()
    {
        Disk disk = new();
        RangeJournal<ulong> journal = Begin(disk.Flush);
        Allocate(journal, 1, 4);
        journal.Flush();
        Allocate(journal, 8, 4);
        disk.Failures = 1;
        Assert.Throws<IOException>(journal.Flush);
        journal.Flush();
        Assert.Equal([0, 0, 1], disk.Flushed);
        journal.Flush();                                       // nothing is left to do
        Assert.Equal((2, 3), (journal.Snapshots, disk.Flushed.Count));
        journal.Dispose();
        Assert.Equal(1, Read().Place);
        Assert.Equal(Ranges(), Read().Live);
    }

    /// <summary>The other file is the only one that the disk surely has, so the one that failed is written again before it.</summary>
    [Fact]
    public void After_a_flush_that_failed_what_the_disk_has_is_kept_until_there_is_another()
    {
        using (RangeJournal<ulong> before = Begin())
        {
            Allocate(before, 1, 4);
            before.Flush();
        }

        Disk disk = new() { Failures = 2 };
        RangeJournal<ulong> journal = Begin(disk.Flush);
        Allocate(journal, 8, 4);
        Assert.Throws<IOException>(journal.Flush);
        LeaseJournalException again = Assert.Throws<LeaseJournalException>(journal.Flush);
        Assert.Contains("bad sector", again.Message, StringComparison.Ordinal);
        Assert.Equal(1, journal.Snapshots);
        journal.Flush();
        Assert.Equal([0, 0, 0, 1], disk.Flushed);              // the first that it saw is the second file
        journal.Dispose();
        Assert.Equal(0, Read().Place);
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

    /// <summary>A disk that fails when told to.</summary>
    private sealed class Disk
    {
        private readonly List<SafeFileHandle> _files = [];

        /// <summary>So many flushes are to fail.</summary>
        public int Failures { get; set; }

        /// <summary>Which file each flush was of, in the order in which they were first seen.</summary>
        public List<int> Flushed { get; } = [];

        public void Flush(SafeFileHandle file)
        {
            if (!_files.Contains(file))
            {
                _files.Add(file);
            }

            Flushed.Add(_files.IndexOf(file));
            if (Failures-- > 0)
            {
                throw new IOException("bad sector");
            }

            RandomAccess.FlushToDisk(file);
        }
    }
}
