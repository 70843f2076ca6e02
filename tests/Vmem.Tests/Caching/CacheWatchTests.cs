using Vmem.Caching;
using Vmem.Space;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Closed caches alone: when a range is lent, when that ends, and when they may open again.</summary>
public sealed class CacheWatchTests : IDisposable
{
    private const int MostLent = 1_024;

    private readonly Watcher _watcher = new();
    private Space<uint> _space = null!;
    private CacheWatch<uint> _watch = null!;
    private uint[] _held = [];

    public CacheWatchTests() => Make(new ArenaOptions<uint>());

    public void Dispose()
    {
        using Visit<uint> visit = _space.VisitEvenEnded();
        if (_space.TryEnd())
        {
            _space.ReleaseTables();
        }
    }

    private void Make(ArenaOptions<uint> options)
    {
        _space = new Space<uint>("watched", 1, options);
        _space.AddSpan(0, 10_000, joinNeighbors: false);
        _ = _space.Tell(_watcher);
        _watch = new CacheWatch<uint>(_space);
        _held = [.. Enumerable.Range(0, 2 * (MostLent + 10)).Select(_ => Take())];
    }

    private uint Take()
    {
        Assert.True(_space.TryTake(2, FitPolicy.InstantFit, out uint start));
        return start;
    }

    private void Held(Action step)
    {
        using Visit<uint> visit = _space.Visit();
        step();
    }

    private bool TryLend(uint start, uint size = 2)
    {
        using Visit<uint> visit = _space.Visit();
        return _watch.TryLend(start, size);
    }

    private void BeginToWait(uint needed)
    {
        _watcher.Needed = needed;
        Held(_watch.Begin);
        Held(() => _space.SetWatched(true));
    }

    /// <summary>How many ranges have to come below until the answer is yes.</summary>
    private int FreesUntil(Func<bool> may)
    {
        int frees = 0;
        while (!may())
        {
            Held(_watch.NoteFree);
            frees++;
            Assert.True(frees < 10_000, "It never is.");
        }

        return frees;
    }

    [Fact]
    public void Nothing_is_lent_before_somebody_waits()
    {
        _watcher.Needed = 100_000;
        Assert.False(_watch.IsOn || _watch.MayLend || _watch.HasLent);
        Assert.False(TryLend(_held[5]));
        Held(_watch.Begin);
        Assert.True(_watch.IsOn);
        Assert.False(_watch.MayLend);
        Held(() => _space.SetWatched(true));
        Assert.True(_watch.MayLend);
    }

    [Fact]
    public void Lending_begins_again_after_twice_as_many_frees_each_time()
    {
        BeginToWait(100_000);
        foreach (int frees in (int[])[2, 4, 8, 16, 32, 64, 128, 128])
        {
            Assert.True(_watch.MayLend);
            Assert.True(TryLend(_held[5]));
            Assert.True(_watch.HasLent);
            Held(_watch.NoteDrained);
            Assert.False(_watch.HasLent);
            Assert.Equal(frees, FreesUntil(() => _watch.MayLend));
        }

        Held(_watch.NoteDrained);                 // of nothing
        Assert.True(_watch.MayLend);
        BeginToWait(100_000);
        Assert.True(TryLend(_held[5]));
        Held(_watch.NoteDrained);
        Assert.Equal(2, FreesUntil(() => _watch.MayLend));
    }

    [Fact]
    public void A_range_that_is_handed_over_or_cannot_be_lent_costs_one_free()
    {
        BeginToWait(100_000);
        Held(_watch.NoteHandOver);
        Assert.Equal(1, FreesUntil(() => _watch.MayLend));
        Assert.False(TryLend(_held[5] + 1));
        Assert.Equal(1, FreesUntil(() => _watch.MayLend));
    }

    [Fact]
    public void Only_a_segment_that_is_shorter_than_what_is_waited_for_is_lent()
    {
        BeginToWait(3);
        Assert.False(TryLend(_held[5], 1));
        Assert.False(TryLend(_held[5] + 1, 1));
        Assert.True(TryLend(_held[5]));
        _watcher.Needed = 2;
        Assert.False(TryLend(_held[7]));
    }

    /// <summary>Beside what is lent, or free, it might be just what is waited for.</summary>
    [Fact]
    public void A_range_that_might_help_is_not_lent()
    {
        BeginToWait(4);
        Assert.True(TryLend(_held[5]));
        Assert.False(TryLend(_held[4]));
        Assert.False(TryLend(_held[6]));
        Assert.True(TryLend(_held[5]));           // it counts already
        Assert.True(TryLend(_held[7]));
        Assert.False(TryLend(_held[^1]));         // what is free lies behind it
    }

    [Fact]
    public void A_thousand_ranges_are_lent_at_most()
    {
        BeginToWait(100_000);
        for (int i = 0; i < MostLent; i++)
        {
            Assert.True(TryLend(_held[2 * i]));
        }

        Assert.False(TryLend(_held[2 * MostLent]));
        Assert.True(TryLend(_held[0]));
    }

    [Fact]
    public void Nothing_is_lent_of_a_span_that_drains()
    {
        BeginToWait(100_000);
        Held(() => Assert.True(_space.TryBeginDrain(0)));
        Assert.False(TryLend(_held[5]));
    }

    /// <summary>A wait that follows the last makes the caches stay closed for longer, up to some thousand frees; an interval later that is
    /// forgotten.</summary>
    [Fact]
    public void Caches_open_after_twice_as_many_frees_each_time()
    {
        foreach (int frees in (int[])[0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096])
        {
            Held(_watch.Begin);
            Assert.Equal(frees, FreesUntil(() => _watch.MayEnd));
            Assert.True(_watch.IsOn);
            Held(() => Assert.True(_watch.TryEnd()));
            Assert.False(_watch.IsOn);
        }

        _watch.EndInterval();
        Held(_watch.Begin);
        Assert.True(_watch.MayEnd);
        Held(_watch.NoteShortage);
        Assert.Equal(1, FreesUntil(() => _watch.MayEnd));
    }

    [Fact]
    public void Caches_stay_closed_while_somebody_waits()
    {
        BeginToWait(100_000);
        Held(() => Assert.False(_watch.TryEnd()));
        Assert.True(_watch.IsOn && !_watch.MayEnd);
        Held(() => _space.SetWatched(false));
        Held(() => Assert.True(_watch.TryEnd()));
    }

    [Fact]
    public void In_an_arena_of_one_thread_there_is_nobody_to_be_spared()
    {
        Dispose();
        Make(new ArenaOptions<uint> { SingleThreaded = true });
        for (int i = 0; i < 5; i++)
        {
            Held(_watch.Begin);
            Assert.True(_watch.MayEnd);
            Held(() => Assert.True(_watch.TryEnd()));
        }
    }

    private sealed class Watcher : IWatcher<uint>
    {
        public uint Needed { get; set; }

        public bool IsWatchedBeside(int listeners) => true;

        public IGranted? HandOver(in Grant<uint> grant, out FitPolicy policy)
        {
            policy = default;
            return null;
        }

        public void RoomMayHaveCome(bool isOwnRelease, bool mayImport)
        {
        }

        public void RoomHasGone()
        {
        }
    }
}
