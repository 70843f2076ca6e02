using Vmem.Checks;
using Vmem.Lending;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Who is asked for what it keeps, and when no more: a request that fails asks those who may have something to give.</summary>
public sealed class ListedBorrowerTests : IDisposable
{
    private readonly Arena<uint> _ground = new("ground", 0, 1_000, 1);

    public void Dispose() => _ground.Dispose();

    private Arena<uint> Above(uint cacheMax = 0, IArenaSource<uint>? source = null) =>
        new("above", 1, new ArenaOptions<uint> { Source = source ?? _ground, QuantumCacheMax = cacheMax });

    /// <summary>How many steps a request that can never be met takes.</summary>
    private long Fail()
    {
        _ = StepCounter.Take();
        Assert.False(_ground.TryAllocate(1_001, out _));
        return StepCounter.Take();
    }

    /// <summary>The same where nobody is asked: whoever was above has ended.</summary>
    private long FailAlone(Arena<uint> arena)
    {
        arena.Dispose();
        return Fail();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    public void Who_has_given_everything_back_is_asked_no_more(uint cacheMax)
    {
        using Arena<uint> arena = Above(cacheMax);
        arena.Free(arena.Allocate(5), 5);
        _ = Fail();
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        _ = Fail();                               // what came out of caches was an import to be kept, for a moment
        long steps = Fail();
        Assert.Equal(FailAlone(arena), steps);
    }

    /// <summary>Without caches nothing becomes free unheard.</summary>
    [Fact]
    public void Who_has_no_caches_and_keeps_nothing_is_asked_once()
    {
        using Arena<uint> arena = Above();
        uint[] starts = [arena.Allocate(20), arena.Allocate(30)];
        arena.Free(starts[0], 20);
        _ = Fail();
        Assert.Equal(30u, arena.GetStatistics().TotalSize);
        long steps = Fail();
        Assert.Equal(steps, Fail());
        arena.Free(starts[1], 30);
        Assert.True(Fail() > steps);
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        steps = Fail();
        Assert.Equal(FailAlone(arena), steps);
    }

    /// <summary>What is freed goes into a magazine, and nobody hears of it.</summary>
    [Fact]
    public void Who_has_caches_and_something_in_use_is_asked_each_time()
    {
        using Arena<uint> arena = Above(cacheMax: 8);
        uint start = arena.Allocate(5);
        _ = Fail();
        Assert.NotEqual(0u, arena.GetStatistics().TotalSize);
        arena.Free(start, 5);
        Assert.True(_ground.TryAllocate(1_000, out _));
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        _ground.Free(0, 1_000);
        _ = Fail();                               // as above
        long steps = Fail();
        Assert.Equal(FailAlone(arena), steps);
    }

    /// <summary>An import that drains becomes empty while somebody waits above, who keeps it until it is asked for. A source that somebody
    /// else wrote gets it when the asking is over.</summary>
    [Fact]
    public void What_drained_in_the_midst_of_a_recall_goes_after_it()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 5_000u);
        using Arena<uint> middle = new("middle", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        using Arena<uint> top = Above(source: middle);
        using CancellationTokenSource cancellation = new();
        uint[] starts = [top.Allocate(40), top.Allocate(30)];
        Task<uint> waits = top.AllocateAsync(60, cancellation.Token).AsTask();
        Assert.False(waits.IsCompleted);
        foreach (Segment<uint> span in middle.GetSegments().Where(static segment => segment.Kind == SegmentKind.Span).ToList())
        {
            Assert.True(middle.TryDrainSpan(span.Start));
        }

        bool isInRecall = false;
        source.OnRelease = (_, _) => isInRecall |= Recall.IsUnderWay;
        source.Answer = static (_, _) => null;
        top.Free(starts[0], 40);
        Assert.False(middle.TryAllocate(50, out _));
        Assert.False(isInRecall);
        cancellation.Cancel();
        top.Free(starts[1], 30);
        top.Reap();
        Assert.False(isInRecall);
        Assert.Equal((0u, 0L), (middle.GetStatistics().TotalSize, middle.GetStatistics().DrainingSpans));
        Assert.Empty(source.Outstanding);
        middle.Validate();
        top.Validate();
    }
}
