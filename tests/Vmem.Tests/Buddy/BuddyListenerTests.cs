using Vmem.Diagnostics;
using Vmem.Lending;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>Who hears that a block came back; and what a meter reads.</summary>
public class BuddyListenerTests
{
    private readonly BuddyAllocator<uint> _allocator = new(0, 256, 16, 64);
    private int _first;
    private int _second;

    private INotifyingArenaSource<uint> Source => _allocator;

    [Fact]
    public void Each_hears_once_of_each_block_that_came_back()
    {
        Source.Subscribe(First);
        Source.Subscribe(Second);
        uint start = _allocator.Allocate(64);
        Assert.False(_allocator.TryResize(start, 65));
        Assert.Throws<InvalidFreeException>(() => _allocator.Free(start + 1));
        Assert.Equal((0, 0), (_first, _second));
        Assert.True(_allocator.TryResize(start, 16));
        Assert.Equal((1, 1), (_first, _second));
        _allocator.Free(start);
        Assert.Equal((2, 2), (_first, _second));
        _allocator.Reset();
        Assert.Equal((3, 3), (_first, _second));
    }

    [Fact]
    public void Who_leaves_hears_no_more_and_the_others_do()
    {
        Action first = First;
        Action second = Second;
        Source.Unsubscribe(first);                // not there
        Source.Subscribe(first);
        Source.Subscribe(second);
        Source.Subscribe(first);
        Source.Unsubscribe(first);
        GiveBack();
        Assert.Equal((1, 1), (_first, _second));
        Source.Unsubscribe(second);
        GiveBack();
        Assert.Equal((2, 1), (_first, _second));
        Source.Unsubscribe(second);
        Source.Unsubscribe(first);
        GiveBack();
        Assert.Equal((2, 1), (_first, _second));
    }

    [Fact]
    public void Nobody_is_no_listener() => Assert.Throws<ArgumentNullException>(() => Source.Subscribe(null!));

    [Fact]
    public void One_that_throws_keeps_no_other_from_hearing()
    {
        Source.Subscribe(static () => throw new TimeZoneNotFoundException());
        Source.Subscribe(Second);
        uint start = _allocator.Allocate(16);
        Assert.Throws<TimeZoneNotFoundException>(() => _allocator.Free(start));
        Assert.Equal(1, _second);
        Assert.False(_allocator.IsAllocated(start));
        _allocator.Validate();
    }

    [Fact]
    public void It_is_watched_beside_those_who_listen()
    {
        IBorrower borrower = _allocator;
        Assert.False(borrower.IsWatchedBeside(0));
        Source.Subscribe(First);
        Assert.True(borrower.IsWatchedBeside(0));
        Assert.False(borrower.IsWatchedBeside(1));
        borrower.EndRecall();
        Assert.Equal((1, 0L), (_first, borrower.Removals));
    }

    [Fact]
    public void A_meter_reads_the_figures()
    {
        _ = _allocator.Allocate(16);
        uint freed = _allocator.Allocate(64);
        _allocator.Free(freed);
        Assert.False(_allocator.TryAllocate(65, out _));
        (BuddyFigure, long)[] expected =
        [
            (BuddyFigure.Size, 256), (BuddyFigure.InUse, 16), (BuddyFigure.Free, 240), (BuddyFigure.LargestFree, 64),
            (BuddyFigure.Fragmentation, 733_333), (BuddyFigure.Peak, 80), (BuddyFigure.Blocks, 1), (BuddyFigure.Allocations, 2),
            (BuddyFigure.Frees, 1), (BuddyFigure.Failures, 1),
        ];
        Assert.Equal(Enum.GetValues<BuddyFigure>(), expected.Select(figure => figure.Item1));
        Assert.All(expected, figure =>
        {
            Assert.True(((IMetered)_allocator).TryRead((int)figure.Item1, out long value));
            Assert.Equal(figure.Item2, value);
        });
    }

    private void GiveBack() => _allocator.Free(_allocator.Allocate(16));

    private void First() => _first++;

    private void Second() => _second++;
}
