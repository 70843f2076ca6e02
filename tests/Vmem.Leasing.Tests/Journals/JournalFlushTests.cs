using Vmem.Leasing.Journals;

namespace Vmem.Leasing.Tests.Journals;

/// <summary>When the disk has it.</summary>
public sealed class JournalFlushTests : JournalFolder
{
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
}
