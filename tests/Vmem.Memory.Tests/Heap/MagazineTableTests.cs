using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>All threads' magazines, without a heap. The blocks of most tests are only numbers.</summary>
public unsafe class MagazineTableTests
{
    private const int Class = 3;

    private readonly MagazineTable _table = new();

    [Fact]
    public void A_thread_joins_once_and_finds_its_own_magazine()
    {
        Assert.False(_table.Mine(Class).IsOpen);
        ref HeapMagazine mine = ref _table.Join(Class, capacity: 4, HeapMagazine.LongestStretch, out bool isNew);
        Assert.True(isNew && mine.IsOpen && mine.TryPush(5));
        Assert.True(_table.Mine(Class).TryPop(out nuint block) && block == 5 && mine.TryPush(6));
        Assert.Equal(1, _table.Join(Class, capacity: 9, stretch: 0, out isNew).Rounds);
        Assert.False(isNew || _table.Mine(Class + 1).IsOpen || MagazineTable.None.IsOpen);
        OnThread(() =>
        {
            Assert.False(_table.Mine(Class).IsOpen);
            Assert.Equal(0, _table.Join(Class, 4, HeapMagazine.LongestStretch, out bool isNewThere).Rounds);
            Assert.True(isNewThere && _table.Mine(Class).TryPush(7));
        });
        Assert.Equal(1, _table.Mine(Class).Rounds);
    }

    [Fact]
    public void What_all_threads_have_of_a_class_is_counted_and_listed()
    {
        Fill(Class, 1, 2, 3);
        Fill(Class + 1, 9);
        OnThread(() => Fill(Class, 4, 5));
        Assert.True(_table.Mine(Class).TryPop(out _));
        Assert.Equal((4, 1), _table.CountMoving(Class));
        Assert.Equal((1, 0), _table.CountMoving(Class + 1));
        Assert.Equal((0, 0), _table.CountMoving(Class + 2));
        List<nuint> blocks = [];
        _table.Claim();
        Assert.False(_table.Mine(Class).IsOpen);
        Assert.Equal((4, 1), _table.Count(Class));
        _table.CopyTo(Class, blocks);
        _table.Release();
        Assert.Equal([1, 2, 4, 5], blocks.Order().ToArray());
        Assert.True(_table.Mine(Class).IsOpen && _table.Mine(Class).TryPush(8));
    }

    [Fact]
    public void Once_it_has_ended_nobody_has_a_magazine()
    {
        int threads = -1;
        _table.ShowTo(shown => threads = shown.Entries.Length);
        Assert.Equal(0, threads);
        Fill(Class, 1);
        Assert.InRange(threads, 1, int.MaxValue);
        _table.End();
        Assert.Equal(0, threads);
        Assert.False(_table.Mine(Class).IsOpen);
        Assert.False(_table.Join(Class, 4, 0, out bool isNew).IsOpen || isNew);
        Assert.Equal((0, 0), _table.CountMoving(Class));
    }

    /// <summary>Another thread's are not used again, for it may still free into them.</summary>
    [Fact]
    public void Once_it_was_reset_it_is_as_new_and_shown_no_more() => OnThread(() =>
    {
        int shown = 0;
        int threads = -1;
        Fill(Class, 1, 2);
        HeapMagazine[]? others = null;
        OnThread(() =>
        {
            Fill(Class, 3);
            others = _table.Claimed[ThreadNumber.Current];
        });
        HeapMagazine[] mine = _table.Claimed[ThreadNumber.Current];
        _table.ShowTo(table => (shown, threads) = (shown + 1, table.Entries.Length));
        _table.Reset();
        Assert.Equal((2, 0), (shown, threads));
        Assert.False(_table.Mine(Class).IsOpen);
        Assert.Equal((0, 0), _table.CountMoving(Class));
        Fill(Class, 4);
        Assert.Same(mine, _table.Claimed[ThreadNumber.Current]);
        Assert.Equal([4], _table.Mine(Class).Contents.ToArray());
        Assert.DoesNotContain(others, _table.Claimed.ToArray());
        Assert.Equal(2, shown);
    });

    /// <summary>One that is reset before this thread has a magazine in it keeps none for the thread's next heap.</summary>
    [Fact]
    public void What_stands_for_no_magazines_is_not_kept() => OnThread(() =>
    {
        _table.Reset();
        Assert.Null(SpareMagazines.Take());
        OnThread(() => Fill(Class, 1));
        _table.Reset();
        Assert.Null(SpareMagazines.Take());
    });

    [Fact]
    public void A_drain_takes_idle_magazines_or_all() => WithSlabs((slabs, blocks) =>
    {
        Fill(slabs.SizeClass, blocks[..3]);
        OnThread(() => Fill(slabs.SizeClass, blocks[3..5]));
        Assert.Equal((0u, 5), Drain(idleOnly: true));             // the first look
        Assert.True(_table.Mine(slabs.SizeClass).TryPop(out nuint popped) && popped == blocks[2]);
        Assert.Equal((0u, 2), Drain(idleOnly: true));             // the other thread's went
        Assert.Equal(blocks.Length - 2, slabs.Count().BlocksOut);
        Assert.Equal((0u, 0), Drain(idleOnly: false));
        Assert.Equal(blocks.Length - 4, slabs.Count().BlocksOut);
        Fill(slabs.SizeClass, blocks[0], blocks[2]);
        Assert.Equal((blocks[0], 0), Drain(idleOnly: false));     // that one is free: it was freed twice
        Assert.Equal(blocks.Length - 5, slabs.Count().BlocksOut);

        (nuint Wrong, long Left) Drain(bool idleOnly)
        {
            _table.Claim();
            nuint wrong = _table.Drain(slabs, idleOnly);
            long left = _table.Count(slabs.SizeClass).Blocks;
            _table.Release();
            return (wrong, left);
        }
    });

    [Fact]
    public void What_a_thread_has_not_used_since_the_last_look_is_returned() => WithSlabs((slabs, blocks) =>
    {
        Fill(slabs.SizeClass, blocks[..5]);
        OnThread(() => Fill(slabs.SizeClass, blocks[5..7]));
        Assert.Equal(0u, _table.ReturnIdle([null, slabs]));       // the first look
        Assert.Equal((7, blocks.Length), (_table.CountMoving(slabs.SizeClass).Blocks, slabs.Count().BlocksOut));
        Assert.Equal(0u, _table.ReturnIdle([null, slabs]));
        Assert.Equal((2, blocks.Length - 5), (_table.CountMoving(slabs.SizeClass).Blocks, slabs.Count().BlocksOut));
        Assert.Equal(0u, _table.ReturnIdle([slabs]));             // nothing is there
        Fill(slabs.SizeClass, blocks[1], blocks[9]);
        _ = _table.ReturnIdle([slabs]);
        Assert.Equal(blocks[1], _table.ReturnIdle([slabs, null]));
        Assert.Equal((2, blocks.Length - 6), (_table.CountMoving(slabs.SizeClass).Blocks, slabs.Count().BlocksOut));
    });

    private void Fill(int sizeClass, params nuint[] blocks)
    {
        ref HeapMagazine mine = ref _table.Join(sizeClass, capacity: 8, HeapMagazine.LongestStretch, out _);
        foreach (nuint block in blocks)
        {
            Assert.True(mine.TryPush(block));
        }
    }

    private static void WithSlabs(Action<SlabClass, nuint[]> test)
    {
        using HeapSpace space = new(AddressWindow.Shared, "magazines", limit: 0, huge: false);
        SlabRecords records = new();
        SlabClass slabs = new(space, states: null, records, SizeClasses.Of(1_000));
        nuint[] blocks = new nuint[20];
        Assert.Equal(blocks.Length, slabs.Take(blocks, blocks.Length));
        test(slabs, blocks);
        slabs.Dispose();
        records.Dispose();
    }

    private static void OnThread(Action test)
    {
        Exception? fault = null;
        Thread thread = new(() => fault = Record.Exception(test));
        thread.Start();
        thread.Join();
        Assert.Null(fault);
    }
}
