using Vmem.Lending;
using Vmem.Space;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>How many wholly free imports are kept, how long, and what is counted.</summary>
public sealed class ImportLedgerTests
{
    private readonly Owner _owner = new();

    private ImportLedger<uint> Make(uint retained, bool borrows = false) => new(TestSources.Empty(1u), retained,
        borrows ? new Membership(new Borrowers(_owner, below: null, isShared: true)) : null, _owner);

    [Fact]
    public void By_default_one_span_is_kept_however_long()
    {
        ImportLedger<uint> ledger = Make(0);
        Assert.True(ledger.Keeps(uint.MaxValue));
        ledger.NoteEmpty(10);
        Assert.False(ledger.Keeps(1));
        Assert.False(ledger.HasSurplus);
        ledger.NoteEmpty(1);
        Assert.True(ledger.HasSurplus);
        Assert.Equal((11u, 2L), (ledger.Empty, ledger.EmptySpans));
        ledger.NoteUsed(10);
        Assert.False(ledger.HasSurplus);
        Assert.Equal((1u, 1L), (ledger.Empty, ledger.EmptySpans));
        ledger.NoteUsed(1);
        Assert.True(ledger.Keeps(1));
    }

    [Fact]
    public void A_length_that_is_kept_is_all_of_it_and_no_more()
    {
        ImportLedger<uint> ledger = Make(100);
        Assert.True(ledger.Keeps(100));
        Assert.False(ledger.Keeps(101));
        ledger.NoteEmpty(60);
        Assert.True(ledger.Keeps(40));
        Assert.False(ledger.Keeps(41));
        ledger.NoteEmpty(40);
        Assert.False(ledger.HasSurplus);
        ledger.NoteEmpty(1);
        Assert.True(ledger.HasSurplus);
        Assert.False(ledger.Keeps(1));            // more is kept already than should be
    }

    [Fact]
    public void Nothing_is_kept_where_that_is_asked()
    {
        ImportLedger<uint> ledger = Make(ArenaOptions<uint>.RetainNone);
        Assert.False(ledger.Keeps(1));
        Assert.False(ledger.HasSurplus);
        ledger.NoteEmpty(1);
        Assert.True(ledger.HasSurplus);
    }

    /// <summary>What counts is the fewest at any time of the interval, of two in a row.</summary>
    [Fact]
    public void Idle_is_what_two_intervals_did_not_need()
    {
        ImportLedger<uint> ledger = Make(1_000);
        ledger.NoteEmpty(1);
        ledger.NoteEmpty(1);
        ledger.NoteEmpty(1);
        Assert.Equal(0L, ledger.EndInterval());
        Assert.Equal(0L, ledger.EndInterval());
        Assert.Equal(3L, ledger.EndInterval());
        ledger.NoteUsed(1);
        ledger.NoteUsed(1);
        ledger.NoteEmpty(1);
        Assert.Equal(1L, ledger.EndInterval());
        Assert.Equal(1L, ledger.EndInterval());
        Assert.Equal(2L, ledger.EndInterval());
        ledger.NoteEmpty(1);
        Assert.Equal(2L, ledger.EndInterval());
        Assert.Equal(2L, ledger.EndInterval());
        Assert.Equal(3L, ledger.EndInterval());
    }

    [Fact]
    public void What_came_went_back_or_was_lost_is_counted()
    {
        ImportLedger<uint> ledger = Make(0);
        for (int i = 0; i < 6; i++)
        {
            ledger.NoteImport();
        }

        ledger.NoteGone(isLost: false);
        ledger.NoteGone(isLost: false);
        ledger.NoteGone(isLost: true);
        Assert.Equal((6L, 2L, 1L, 3L), (ledger.Imports, ledger.Releases, ledger.Revocations, ledger.Count));
    }

    /// <summary>While somebody waits for room in the source nothing is kept, and all that is kept is too much.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(100u)]
    public void What_somebody_waits_for_below_is_not_kept(uint retained)
    {
        ImportLedger<uint> ledger = Make(retained, borrows: true);
        Assert.True(ledger.Keeps(1));
        ledger.NoteEmpty(1);
        Assert.False(ledger.HasSurplus);
        _owner.IsWatched = true;
        Assert.True(ledger.HasSurplus);
        ledger.NoteUsed(1);
        Assert.False(ledger.Keeps(1));
        Assert.False(ledger.HasSurplus);
    }

    /// <summary>Whoever keeps something is asked for it.</summary>
    [Fact]
    public void Who_keeps_something_is_listed_until_it_leaves()
    {
        ImportLedger<uint> ledger = Make(0, borrows: true);
        Assert.Equal(-1, ledger.Membership!.Place);
        ledger.NoteEmpty(1);
        Assert.Equal(0, ledger.Membership.Place);
        Assert.Same(_owner, ledger.Membership.Borrower);
        ledger.Leave();
        Assert.Equal(-1, ledger.Membership.Place);
        Make(0).Leave();
    }

    private sealed class Owner : IBorrower
    {
        public bool IsWatched { get; set; }

        public long Removals => 0;

        public bool IsWatchedBeside(int listeners) => IsWatched;

        public bool GiveBack(Recall recall) => false;

        public void EndRecall()
        {
        }
    }
}
