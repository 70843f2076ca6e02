using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>The two magazines of one thread, alone: what its owner and a claimant can do with them.</summary>
public class MagazinePairTests
{
    private const int M = 3;

    [Fact]
    public void A_pair_begins_with_no_magazine()
    {
        ThreadMagazines<int> pair = new();
        Assert.False(pair.HasRoom || pair.HasItems);
        Assert.False(pair.TryPush(1));
        Assert.False(pair.TryPop(out _));
        Assert.False(pair.TrySwap(full: true) || pair.TrySwap(full: false));
        Assert.Equal((0L, 0), (pair.Taken, pair.Rounds));
    }

    [Fact]
    public void The_loaded_magazine_is_a_stack()
    {
        ThreadMagazines<int> pair = Loaded(0);
        Assert.Equal([true, true, true, false], Enumerable.Range(1, M + 1).Select(pair.TryPush));
        Assert.False(pair.HasRoom);
        Assert.Equal((0L, M), (pair.Taken, pair.Rounds));
        Assert.Equal([3, 2, 1], Enumerable.Range(0, M).Select(_ => pair.TryPop(out int item) ? item : 0));
        Assert.False(pair.TryPop(out int none));
        Assert.Equal(0, none);
        Assert.True(pair.HasRoom && !pair.HasItems);
        Assert.Equal((3L, 0), (pair.Taken, pair.Rounds));
    }

    [Fact]
    public void The_largest_magazine_there_may_be_is_filled_and_emptied()
    {
        const int Most = MagazinePair<int>.MaxRounds;
        ThreadMagazines<int> pair = new();
        pair.Load(new Magazine<int>(new int[Most], 0), isClosed: false);
        for (int turn = 1; turn <= 3; turn++)
        {
            Assert.Equal(Most, Enumerable.Range(0, Most + 1).Count(pair.TryPush));
            Assert.Equal(Most, pair.Rounds);
            Assert.Equal(Most, Enumerable.Range(0, Most + 1).Count(_ => pair.TryPop(out int _)));
            Assert.Equal((Most * (long)turn, 0), (pair.Taken, pair.Rounds));
        }
    }

    /// <summary>Neither a magazine that has been emptied nor its array keeps an object alive.</summary>
    [Fact]
    public void What_is_taken_is_not_kept_alive()
    {
        object[] items = new object[M];
        ThreadMagazines<object> pair = new();
        pair.Load(new Magazine<object>(items, 0), isClosed: false);
        Assert.True(pair.TryPush(new object()));
        Assert.NotNull(items[0]);
        Assert.True(pair.TryPop(out _));
        Assert.Null(items[0]);
    }

    /// <summary>By how many items the loaded magazine and the previous one have, and whether a full one is wanted.</summary>
    [Theory]
    [InlineData(0, 0, true, false)]
    [InlineData(0, M, true, true)]
    [InlineData(1, M, true, false)]
    [InlineData(M, M, true, false)]
    [InlineData(0, 0, false, false)]
    [InlineData(1, 0, false, false)]
    [InlineData(M, 0, false, true)]
    [InlineData(M, M, false, false)]
    public void They_change_places_if_the_previous_one_can_serve_and_the_loaded_one_cannot(int loaded, int previous, bool full, bool swaps)
    {
        ThreadMagazines<int> pair = Loaded(loaded);
        pair.Previous = new Magazine<int>(new int[M], previous);
        int[] before = pair.Loaded.Items;
        Assert.Equal(swaps, pair.TrySwap(full));
        Assert.Equal(swaps, !ReferenceEquals(before, pair.Loaded.Items));
        Assert.Equal(swaps ? (previous, loaded) : (loaded, previous), (pair.Loaded.Rounds, pair.Previous.Rounds));
        Assert.Equal((0L, loaded + previous), (pair.Taken, pair.Rounds));
        Assert.Equal(pair.Loaded.Rounds < M, pair.TryPush(9));
    }

    [Fact]
    public void A_claimed_pair_serves_nothing_and_shows_what_it_has()
    {
        ThreadMagazines<int> pair = Loaded(2);
        pair.Previous = new Magazine<int>(new int[M], M);
        pair.BeginClaim();
        Assert.False(pair.TryPush(9) || pair.TryPop(out _) || pair.TrySwap(full: true) || pair.TrySwap(full: false));
        Assert.Equal([1, 2], pair.Loaded.Contents.ToArray());
        pair.Load(Full(), isClosed: false);
        Assert.False(pair.TryPop(out _));
        pair.EndClaim(isClosed: false);
        Assert.Equal((M, M), (pair.Loaded.Rounds, pair.Previous.Rounds));
        Assert.True(pair.TryPop(out int item) && item == 3);
        Assert.True(pair.TryPush(9));
    }

    [Fact]
    public void A_claimed_pair_does_not_give_its_only_item()
    {
        ThreadMagazines<int> pair = Loaded(1);
        pair.BeginClaim();
        Assert.False(pair.TryPop(out _));
        Assert.Equal([1], pair.Loaded.Contents.ToArray());
        pair.EndClaim(isClosed: false);
    }

    /// <summary>Whatever came of it: else a claimant would wait for ever.</summary>
    [Fact]
    public void No_operation_leaves_its_owner_at_work()
    {
        ThreadMagazines<int> pair = Loaded(1);
        Action[] operations =
        [
            () => pair.TryPop(out _), () => pair.TryPop(out _), () => pair.TryPush(1), () => pair.TryPush(new Watch(), 2),
            () => pair.TrySwap(full: true), () => pair.TrySwap(full: false), () => pair.Holds(1, static (one, other) => one == other),
            () => pair.TryPutBack(default(Unguarded<int>), 2), () => pair.TryPutBack(default(Unguarded<int>), 9),
        ];
        foreach (Action operation in operations)
        {
            operation();
            pair.BeginClaim();
            pair.AwaitOwner();
            pair.EndClaim(isClosed: false);
        }
    }

    [Fact]
    public void A_closed_pair_gives_and_takes_nothing_in_until_it_is_opened()
    {
        ThreadMagazines<int> pair = Loaded(2);
        pair.BeginClaim();
        pair.EndClaim(isClosed: true);
        Assert.False(pair.HasRoom || pair.TryPush(9));
        Assert.True(pair.TryPop(out int item) && item == 2);
        Assert.False(pair.TryPush(2));
        pair.Open();
        Assert.True(pair.HasRoom && pair.TryPush(9));
        pair.Load(new Magazine<int>(new int[M], 0), isClosed: true);
        Assert.False(pair.HasRoom || pair.TryPush(9));
    }

    [Fact]
    public void What_a_closed_pair_gave_last_can_be_put_back_and_nothing_else()
    {
        ThreadMagazines<int> pair = new();
        pair.Load(Full(), isClosed: true);
        Assert.False(pair.TryPutBack(default(Unguarded<int>), 3));           // there is no place
        Assert.True(pair.TryPop(out _));
        Assert.False(pair.TryPutBack(default(Unguarded<int>), 2));
        Assert.False(pair.TryPutBack(new Watch(), 3));
        Assert.Equal(2, pair.Rounds);
        Assert.True(pair.TryPutBack(default(Unguarded<int>), 3));
        Assert.Equal((1L, 3), (pair.Taken, pair.Rounds));
        Assert.True(pair.TryPop(out int item) && item == 3);
    }

    [Fact]
    public void A_closed_pair_keeps_what_is_lent()
    {
        ThreadMagazines<int> pair = new();
        pair.Load(new Magazine<int>(new int[M], 0), isClosed: true);
        pair.Lend(7);
        pair.Lend(8);
        Assert.Equal([7, 8], pair.Loaded.Contents.ToArray());
        Assert.True(pair.TryPop(out int item) && item == 8);
        Assert.True(pair.TryPutBack(default(Unguarded<int>), 8));
    }

    [Fact]
    public void What_the_guard_does_not_let_out_is_dropped()
    {
        ThreadMagazines<int> pair = Loaded(2);
        Assert.False(pair.TryPop(new Watch(), out _));
        Assert.Equal((1L, 1), (pair.Taken, pair.Rounds));
        Assert.True(pair.TryPop(new Watch(gives: true), out int item) && item == 1);
    }

    [Fact]
    public void What_the_guard_does_not_let_in_stays_outside()
    {
        ThreadMagazines<int> pair = Loaded(1);
        Assert.False(pair.TryPush(new Watch(), 9));
        Assert.Equal([1], pair.Loaded.Contents.ToArray());
        Assert.True(pair.TryPush(new Watch(gives: true), 9));
        Assert.Equal([1, 9], pair.Loaded.Contents.ToArray());
    }

    /// <summary>In the part of either magazine that is in use.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(11, true)]
    [InlineData(13, true)]
    [InlineData(3, false)]
    [InlineData(14, false)]
    public void A_guard_that_searches_finds_what_lies_in_either_magazine(int item, bool isHere)
    {
        ThreadMagazines<int> pair = Loaded(0);
        pair.Load(new Magazine<int>([1, 2, 3], 2), isClosed: false);
        pair.Previous = new Magazine<int>([11, 12, 13], 3);
        Assert.Equal(isHere, pair.Holds(item, static (one, other) => one == other));
        Assert.Equal(!isHere, pair.TryPush(new Watch(gives: true, searches: true), item));
        Assert.Equal(isHere ? 2 : 3, pair.Loaded.Rounds);
    }

    [Fact]
    public void A_previous_magazine_that_is_empty_is_not_searched()
    {
        ThreadMagazines<int> pair = Loaded(1);
        pair.Previous = new Magazine<int>([11, 12, 13], 0);
        Assert.False(pair.Holds(11, static (one, other) => one == other));
        Assert.True(pair.TryPush(new Watch(gives: true, searches: true), 11));
    }

    [Fact]
    public void A_guard_that_does_not_search_lets_in_what_is_here()
    {
        ThreadMagazines<int> pair = Loaded(1);
        Assert.True(pair.TryPush(new Watch(gives: true), 1));
        Assert.Equal([1, 1], pair.Loaded.Contents.ToArray());
    }

    [Fact]
    public void A_pair_seems_idle_that_is_as_it_was()
    {
        ThreadMagazines<int> pair = Loaded(2);
        Assert.False(pair.SeemsIdle());
        Assert.True(pair.SeemsIdle());
        Assert.True(pair.TryPop(out int item));
        Assert.False(pair.SeemsIdle());
        Assert.True(pair.TryPush(item));
        Assert.False(pair.SeemsIdle());
        Assert.True(pair.TryPop(out item) && pair.TryPush(item));
        Assert.False(pair.SeemsIdle());                            // one more was taken
        Assert.True(pair.SeemsIdle());
    }

    private static ThreadMagazines<int> Loaded(int rounds)
    {
        ThreadMagazines<int> pair = new();
        pair.Load(new Magazine<int>([1, 2, 3], rounds), isClosed: false);
        return pair;
    }

    private static Magazine<int> Full() => new([1, 2, 3], M);

    private readonly struct Watch(bool gives = false, bool searches = false) : IItemGuard<int>
    {
        public bool Searches => searches;

        public bool TryTake(int item) => gives;

        public bool TryGive(int item) => gives;

        public bool SeemsAmong(int[] items, int rounds, int item) => items.AsSpan(0, rounds).Contains(item);
    }
}
