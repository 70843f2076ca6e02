using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>How long the files are, and when the other one is written.</summary>
public sealed class JournalRoomTests : JournalFolder
{
    private const int Fewest = (int)RangeJournal<ulong>.FewestRecords;

    private ulong _next;

    /// <summary>A place is kept for each live range: so many allocations fit into half of a file.</summary>
    [Fact]
    public void The_other_file_is_written_when_all_places_are_used_or_kept()
    {
        using RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, Fewest / 2);
        Assert.Equal(1, journal.Snapshots);
        AllocateSome(journal, 1);
        Assert.Equal(2, journal.Snapshots);
    }

    /// <summary>What was freed, and what went with its span, has no place kept for it any more.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void What_is_not_live_any_more_needs_no_place(int revoked)
    {
        using RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, revoked);
        Revoke(journal, [.. Enumerable.Range(0, revoked).Select(static start => (ulong)start)]);
        Assert.Empty(Ranges());
        for (int pair = revoked; pair < Fewest / 2; pair++)
        {
            Allocate(journal, 5, 1);
            Free(journal, 5);
        }

        Assert.Equal(1, journal.Snapshots);
        Allocate(journal, 6, 1);
        Assert.Equal(2, journal.Snapshots);
        journal.Dispose();
        Assert.Equal(Ranges(), Read().Live);
    }

    [Fact]
    public void What_went_with_its_span_is_not_read_again()
    {
        RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, 6);
        Revoke(journal, 2, 4);
        journal.Dispose();
        Assert.Equal([(0, 1), (1, 1), (3, 1), (5, 1)], Read().Live);
        journal.Enter();
        journal.Revoked([new Segment<ulong>(0, 1, SegmentKind.Allocated)]);
        journal.Exit();
        Assert.Equal(4, Read().Live.Length);                   // it was closed
    }

    /// <summary>Refused frees have used up the places: the snapshot that is written then has nothing of what went.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    public void What_went_and_has_no_place_is_left_out_of_the_next_snapshot(int places, int snapshots)
    {
        RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, 6);
        RefuseFrees(journal, Fewest - 6 - places);
        Revoke(journal, 2, 4);
        Assert.Equal(1 + snapshots, journal.Snapshots);
        Allocate(journal, 9, 1);
        journal.Dispose();
        Assert.Equal([(0, 1), (1, 1), (3, 1), (5, 1), (9, 1)], Read().Live);
    }

    /// <summary>The snapshot has counted what is left. To the brim, each live range has its place: none needs another snapshot.</summary>
    [Fact]
    public void What_went_and_had_no_place_is_not_counted_again()
    {
        using RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, 6);
        RefuseFrees(journal, Fewest - 6);
        Revoke(journal, 2, 4);
        AllocateSome(journal, Fewest / 2 - 4);
        Assert.Equal(2, journal.Snapshots);
        Assert.All(Ranges(), range => Free(journal, range.Start));
        Assert.Equal(2, journal.Snapshots);
    }

    [Fact]
    public void A_free_that_has_no_place_makes_room()
    {
        using RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, 2);
        RefuseFrees(journal, Fewest - 3);
        Free(journal, 0);
        Assert.Equal(1, journal.Snapshots);
        Free(journal, 1);
        Assert.Equal(2, journal.Snapshots);
        journal.Dispose();
        Assert.Empty(Read().Live);
    }

    /// <summary>Three times as long as the snapshot, and replaced where the old one is shorter, or longer than four times that.</summary>
    [Fact]
    public void Files_grow_and_shrink_with_what_is_live()
    {
        RangeJournal<ulong> journal = Begin();
        AllocateSome(journal, 32_769);
        Assert.Equal((2, 65_536, 98_304), (journal.Snapshots, RecordsIn(Path), RecordsIn(Second)));
        AllocateSome(journal, 49_153 - 32_769);
        Assert.Equal((3, 147_456, 98_304), (journal.Snapshots, RecordsIn(Path), RecordsIn(Second)));
        AllocateSome(journal, 111_000 - 49_153);
        Assert.Equal((5, 331_776, 221_184), (journal.Snapshots, RecordsIn(Path), RecordsIn(Second)));
        for (ulong start = 0; start < 111_000; start++)
        {
            Free(journal, start);
        }

        WriteSnapshot();
        Assert.Equal((6, 331_776, 221_184), (journal.Snapshots, RecordsIn(Path), RecordsIn(Second)));
        WriteSnapshot();
        Assert.Equal((7, 65_536, 221_184), (journal.Snapshots, RecordsIn(Path), RecordsIn(Second)));
        journal.Dispose();
        Assert.Equal((0, 1), (Read().Place, Read().Live.Length));

        void WriteSnapshot()
        {
            for (int before = journal.Snapshots; journal.Snapshots == before;)
            {
                Allocate(journal, 5, 1);
                if (journal.Snapshots == before)
                {
                    Free(journal, 5);
                }
            }

            Free(journal, 5);
            Allocate(journal, 5, 1);
            if (journal.Snapshots == 6)
            {
                Free(journal, 5);
            }
        }
    }

    /// <summary>It is written and read in parts of 16,384 records.</summary>
    [Theory]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(16_385)]
    [InlineData(40_000)]
    public void A_long_snapshot_is_whole(int count)
    {
        using (RangeJournal<ulong> journal = Begin())
        {
            AllocateSome(journal, count);
        }

        Begin().Dispose();
        Found found = Read();
        Assert.Equal(Ranges(), found.Live);
        Begin().Dispose();
        Assert.Equal((1 - found.Place, found.Generation + 1), (Read().Place, Read().Generation));
        Assert.Equal(Ranges(), Read().Live);
    }

    [Fact]
    public void A_longer_file_of_another_life_is_cut()
    {
        File.WriteAllBytes(Path, new byte[5_000_000]);
        Begin().Dispose();
        Assert.Equal(Fewest, RecordsIn(Path));
    }

    [Fact]
    public void A_journal_that_cannot_begin_can_begin_later()
    {
        Directory.CreateDirectory(Path);
        JournalRecovery<ulong> none = new(new(), 0, 1);
        LeaseJournalException fault = Assert.Throws<LeaseJournalException>(
            () => new RangeJournal<ulong>(Path, Name, none, [], static () => new()));
        Assert.Contains("cannot be written", fault.Message, StringComparison.Ordinal);
        Directory.Delete(Path);
        RangeJournal<ulong> journal = Begin();
        Allocate(journal, 1, 1);
        journal.Dispose();
        Assert.Equal([(1, 1)], Read().Live);
    }

    private void AllocateSome(RangeJournal<ulong> journal, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Allocate(journal, _next++, 1);
        }
    }

    private static void RefuseFrees(RangeJournal<ulong> journal, int count)
    {
        journal.Enter();
        for (int i = 0; i < count; i++)
        {
            Assert.True(journal.TryFree(1_000, 1));
        }

        journal.Exit();
    }

    private static int RecordsIn(string path) => (int)((new FileInfo(path).Length - 4_096) / 32);
}
