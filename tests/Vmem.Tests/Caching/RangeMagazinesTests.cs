using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>The magazines of three sizes alone: which stand still, which take something in, and what another layer takes over.</summary>
public sealed class RangeMagazinesTests
{
    private const int M = 15;

    private readonly RangeMagazines<uint> _magazines = new(3, states: null, woken: null);

    [Fact]
    public void Only_those_that_may_hold_something_are_stopped()
    {
        Assert.True(_magazines.TryReturn(0, 10) && _magazines.TryReturn(2, 12));
        _magazines.Freeze(isWhole: false);
        Assert.Equal([true, false, true], Enumerable.Range(0, 3).Select(_magazines.IsFrozen));
        Assert.False(_magazines.MayHoldUnfrozen);
        Assert.True(_magazines.TryReturn(1, 11));
        Assert.True(_magazines.MayHoldUnfrozen);
        _magazines.Thaw();
        Assert.Equal(new MagazineTotals(3, 6, 0, 6), _magazines.Count());
        Assert.Equal(new Dictionary<uint, int> { [10] = 0, [11] = 1, [12] = 2 }, Frozen(_magazines.Contents));
    }

    /// <summary>Those that an earlier stop had are not taken for stopped.</summary>
    [Fact]
    public void A_cache_that_was_stopped_before_is_not_stopped_now()
    {
        Assert.True(_magazines.TryReturn(0, 10));
        _ = Frozen(() => 0);
        _magazines.Freeze(isWhole: false);
        Assert.Equal([true, false, false], Enumerable.Range(0, 3).Select(_magazines.IsFrozen));
        Assert.True(_magazines.TryReturn(1, 11));
        Assert.True(_magazines.MayHoldUnfrozen);
        _magazines.Close();
        _magazines.Thaw();
        Assert.True(_magazines[0].IsClosed);
        Assert.False(_magazines[1].IsClosed || _magazines[2].IsClosed);
    }

    [Fact]
    public void A_size_that_is_watched_is_returned_to_with_a_look()
    {
        _magazines.Watch(1);
        Assert.Same(_magazines.All[0], _magazines.Returns[0]);
        Assert.NotSame(_magazines.All[1], _magazines.Returns[1]);
        Assert.False(_magazines.Returns[1].TryReturnLoaded(ThreadNumber.Current, 7));
        _magazines.SetWithheld([new Segment<uint>(100, 10, SegmentKind.Span)]);
        _magazines.WatchNone();
        Assert.NotSame(_magazines.All[1], _magazines.Returns[1]);
        _magazines.SetWithheld([]);
        _magazines.WatchNone();
        Assert.Equal(_magazines.All, _magazines.Returns);
    }

    [Fact]
    public void What_lies_in_a_span_that_is_withheld_does_not_come_in()
    {
        _magazines.SetWithheld([new Segment<uint>(100, 10, SegmentKind.Span)]);
        Assert.False(_magazines.TryReturn(0, 100) || _magazines.TryReturn(0, 109));
        Assert.True(_magazines.TryReturn(0, 99) && _magazines.TryReturn(0, 110));
        Assert.Equal(2, _magazines.Count().Ranges);
    }

    [Fact]
    public void What_no_caller_has_does_not_come_in()
    {
        RangeStates<uint> states = new(1, 64);
        RangeMagazines<uint> magazines = new(2, states, woken: null);
        Assert.False(magazines.TryReturn(0, 7));
        Assert.Equal(0, magazines.Count().DepotTouches);
        Assert.True(states.TryNote(7, 0, slabs: 1));
        Assert.False(magazines.TryReturn(1, 7));
        Assert.True(magazines.TryReturn(0, 7) && states.IsCached(7));
        Assert.True(magazines.TryTake(0, 1, out uint start) && start == 7 && states.IsWithCaller(7, 0));
    }

    [Fact]
    public void A_closed_cache_sends_ranges_below_until_it_is_opened()
    {
        _ = Frozen(() =>
        {
            _magazines.Close();
            return 0;
        });
        Assert.False(_magazines.TryReturn(0, 7) || _magazines.TryReturn(2, 8));
        _magazines.Open();
        Assert.True(_magazines.TryReturn(0, 7) && _magazines.TryReturn(2, 8));
    }

    /// <summary>What the old caches did still counts; they take nothing in any more, and the new ones everything.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_layer_takes_the_place_of_the_old_one(bool isClosed)
    {
        Assert.True(_magazines.TryReturn(0, 7) && _magazines.TryTake(0, 1, out _));
        _magazines.Watch(2);
        MagazineCache<uint>[] old = _magazines.All;
        MagazineTotals before = _magazines.Count();
        MagazineLayer<uint> layer = _magazines.CreateLayer(null);
        _magazines.Freeze(isWhole: true);
        _magazines.MoveTo(layer, isClosed, []);
        _magazines.Thaw();
        Assert.All(old, static cache => Assert.True(cache.IsClosed));
        Assert.Same(layer.Caches, _magazines.All);
        Assert.Equal(before with { Quanta = 0, Ranges = 0 }, _magazines.Count());
        Assert.All(_magazines.All, cache => Assert.Equal(isClosed, cache.IsClosed));
        Assert.Equal([true, true, false], _magazines.All.Zip(_magazines.Returns, ReferenceEquals));
        Assert.Equal(!isClosed, _magazines.TryReturn(0, 7));

        // The gates of the old ones were given back, too.
        bool isFree = false;
        NumberedItems.OnNewThread(() => isFree = !old[0].TryReturn(7));
        Assert.True(isFree);
    }

    [Fact]
    public void While_a_span_is_withheld_every_size_of_another_layer_is_watched()
    {
        MagazineLayer<uint> layer = _magazines.CreateLayer(null);
        _magazines.Freeze(isWhole: true);
        _magazines.MoveTo(layer, isClosed: false, [new Segment<uint>(100, 10, SegmentKind.Span)]);
        _magazines.Thaw();
        Assert.All(_magazines.All.Zip(_magazines.Returns), static pair => Assert.NotSame(pair.First, pair.Second));
        Assert.False(_magazines.TryReturn(0, 105));
        Assert.True(_magazines.TryReturn(0, 5));
    }

    [Fact]
    public void They_know_what_lies_in_them_and_of_what_size()
    {
        Assert.True(_magazines.TryReturn(1, 7));
        bool[] isThere = Frozen(() => Enumerable.Range(0, 4).Select(size => _magazines.Contains(7, size)).ToArray());
        Assert.Equal([false, true, false, false], isThere);
        Assert.True(_magazines.MayHold && _magazines.HoldAnything);
    }

    [Fact]
    public void Empty_magazines_are_forgotten()
    {
        for (uint start = 0; start < 4 * M; start++)
        {
            Assert.True(_magazines.TryReturn(1, start));
        }

        while (_magazines.TryTake(1, 2, out _))
        {
        }

        Assert.NotEqual(0, _magazines[1].Count().EmptyMagazines);
        _magazines.DropEmpty();
        Assert.Equal(0, _magazines[1].Count().EmptyMagazines);
    }

    private T Frozen<T>(Func<T> look)
    {
        _magazines.Freeze(isWhole: true);
        try
        {
            return look();
        }
        finally
        {
            _magazines.Thaw();
        }
    }
}
