using System.Numerics;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>What a power failure tore, or somebody else wrote.</summary>
public sealed class JournalDamageTests : JournalFolder
{
    [Fact]
    public void A_torn_last_record_is_cut_at_whatever_byte_it_was_torn()
    {
        Cut((ulong)1 << 40, 3UL);
        Cut<UInt128>((UInt128.One << 100) + 5, (UInt128.One << 70) + 1);
        Cut<ushort>(60_000, 12);

        void Cut<T>(T start, T size)
            where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
        {
            string path = System.IO.Path.Combine(Folder, typeof(T).Name);
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

    [Theory]
    [InlineData("is no journal of ranges", 0)]
    [InlineData("is a journal of version 1", 8)]
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
            bytes[at] = at == 8 ? (byte)1 : (byte)'x';
            File.WriteAllBytes(written, bytes);
        }

        LeaseJournalException fault = Assert.Throws<LeaseJournalException>(
            () => JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(Path), at == -1 ? Name + 1 : Name));
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
        journal.Dispose();
        foreach (string path in RangeJournal<ulong>.PathsOf(Path).Where(File.Exists))
        {
            // Nobody has the file any more. The next one to look need not wait for a collection.
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
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
}
