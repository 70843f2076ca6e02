using System.Runtime.InteropServices;
using System.Text;
using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>The words of a journal's files, which other versions of the library must find as they are. The sums were computed apart from
/// it.</summary>
public sealed class JournalFormatTests : JournalFolder
{
    private const int FirstRecord = 512;          // words: a page

    [Fact]
    public void A_file_has_a_header_and_records_of_four_words()
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            Allocate(journal, 7, 3);
            Free(journal, 7);
        }

        ulong[] words = ReadWords(Path);
        Assert.Equal(FirstRecord + (4 * 65_536), words.Length);
        Assert.Equal("vmemjrnl", Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words.AsSpan(0, 1))));
        Assert.Equal([2, Name, 1, 0, 0x86936346E688E853, 0, 0], words[1..8]);
        Assert.Equal([0, 7, 3, 0x43784CE9C30D17D1], words[FirstRecord..(FirstRecord + 4)]);
        Assert.Equal([(1UL << 63) + 1, 7, 3, 0x078CCFB45D541698], words[(FirstRecord + 4)..(FirstRecord + 8)]);
        Assert.Equal(-1, Array.FindIndex(words, FirstRecord + 8, static word => word != 0));
    }

    [Fact]
    public void What_was_flushed_stands_in_the_header()
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            Allocate(journal, 7, 3);
            Free(journal, 7);
            journal.Flush();
        }

        Assert.Equal([2, 0x6C4B716C5211892F], ReadWords(Path)[6..8]);
    }

    [Fact]
    public void Values_of_128_bits_have_records_of_six_words()
    {
        string path = System.IO.Path.Combine(Folder, "wide");
        using (RangeJournal<UInt128> journal = new(path, Name, new(new(), 0, 1), [], static () => new()))
        {
            journal.Enter();
            Assert.True(journal.TryReserve());
            journal.Allocated(7, 3);
            Assert.True(journal.TryReserve());
            journal.Allocated((UInt128.One << 100) + 5, (UInt128.One << 70) + 1);
            journal.Exit();
        }

        ulong[] words = ReadWords(path);
        Assert.Equal([1, 5, 1UL << 36, 1, 64, 0x1D4D5D1864387180], words[(FirstRecord + 6)..(FirstRecord + 12)]);
    }

    [Fact]
    public void A_text_has_the_sum_that_files_of_its_name_have()
    {
        Assert.Equal(0x5284829FD29B8136u, JournalHash.Of("ids UInt64 1"));
        Assert.Equal(0u, JournalHash.Of(""));
        Assert.Equal(0x35F06611D5E5E996u, JournalHash.Mix(1, 2, 3));
    }

    /// <summary>A death may leave any of the header's words unwritten. What says that somebody else wrote it is refused.</summary>
    [Theory]
    [InlineData(0, 0, 0, null)]
    [InlineData(0, 0, 9, "is no journal of ranges")]
    [InlineData(0, 2, 0, null)]
    [InlineData(5, 2, 0, "is no journal of ranges")]
    [InlineData(1, 2, 0, null)]
    [InlineData(1, 0, 0, null)]
    [InlineData(1, 0, 9, "are damaged")]
    [InlineData(1, 2, 9, "are damaged")]
    [InlineData(1, 1, 0, "is a journal of version 1")]
    [InlineData(1, 3, 9, "is a journal of version 3")]
    public void A_header_is_of_this_library_or_refused(int magic, int version, int generation, string? fault)
    {
        ulong[] words = new ulong[1024];
        (words[0], words[1], words[3]) = (magic == 1 ? 0x6C6E726A6D656D76u : (ulong)magic, (ulong)version, (ulong)generation);
        File.WriteAllBytes(Path, MemoryMarshal.AsBytes(words.AsSpan()));
        if (fault is null)
        {
            Assert.Equal((0u, 1), (Read().Generation, Read().Place));
            return;
        }

        Assert.Contains(fault, Assert.Throws<LeaseJournalException>(Read).Message, StringComparison.Ordinal);
    }

    /// <summary>What lies behind the end of a file was never written.</summary>
    [Theory]
    [InlineData(0, 2)]
    [InlineData(10, 2)]
    [InlineData(31, 2)]
    [InlineData(32, 3)]
    public void A_file_that_is_cut_off_has_the_records_before(int bytes, int records)
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            Array.ForEach([1UL, 2UL, 3UL, 4UL], start => Allocate(journal, start, 1));
        }

        using (FileStream file = new(Path, FileMode.Open))
        {
            file.SetLength(4_096 + (2 * 32) + bytes);
        }

        Assert.Equal(Ranges()[..records], Read().Live);
    }

    private static ulong[] ReadWords(string path) => MemoryMarshal.Cast<byte, ulong>(File.ReadAllBytes(path)).ToArray();
}
