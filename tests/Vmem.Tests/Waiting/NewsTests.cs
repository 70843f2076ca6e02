using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A source that said no is asked again when there is news of it, and only then.</summary>
public class NewsTests
{
    /// <summary>To ask the source has a sibling give something back. Who is told of that frees more, on the same thread.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_others_free_when_they_are_told_of_a_recall_is_news(int pieces)
    {
        using Arena<uint> pool = new("pool", 0, 10 * ((uint)pieces + 1), 1);
        using Arena<uint> sibling = new("sibling", 1, new ArenaOptions<uint> { Source = pool });
        using Arena<uint> arena = new("arena", 1, new ArenaOptions<uint> { Source = pool });
        uint kept = sibling.Allocate(10);
        Queue<uint> held = new(Enumerable.Range(0, pieces).Select(_ => sibling.Allocate(10)));
        sibling.Free(kept, 10);
        bool isBusy = false;
        ((INotifyingArenaSource<uint>)sibling).Subscribe(() =>
        {
            if (!isBusy && held.TryDequeue(out uint next))
            {
                isBusy = true;
                sibling.Free(next, 10);
                isBusy = false;
            }
        });
        ValueTask<uint> waiter = arena.AllocateAsync(10 * ((uint)pieces + 1), TestContext.Current.CancellationToken);
        Assert.Empty(held);
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.Validate();
        pool.Validate();
    }

    /// <summary>The import for one who waits brings more than he wants. On the one thread, so that it is told at once.</summary>
    [Fact]
    public void Who_waits_above_is_told_of_an_import_for_who_waits_here()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        ArenaOptions<uint> options = new() { SingleThreaded = true };
        using Arena<uint> middle = new("middle", 1, options with { Source = source, MinImport = 100 });
        using Arena<uint> top = new("top", 1, options with { Source = middle });
        ValueTask<uint> above = top.AllocateAsync(10, TestContext.Current.CancellationToken);
        int before = source.Requests.Count;
        Assert.False(middle.TryAllocate(10, out _));
        int refusals = source.Requests.Count - before;
        source.Answer = (size, _) => refusals-- > 0 ? null : (1_000, size);
        ValueTask<uint> here = middle.AllocateAsync(10, TestContext.Current.CancellationToken);
        Assert.True(here.IsCompletedSuccessfully);
        Assert.True(above.IsCompletedSuccessfully);
        Assert.Single(source.Outstanding);
        middle.Validate();
        top.Validate();
    }

    /// <summary>It was news when nobody waited.</summary>
    [Fact]
    public void An_import_that_was_empty_once_is_no_news_later()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("arena", 0, 4, 1, new ArenaOptions<uint> { Source = source, SingleThreaded = true });
        uint[] starts = [.. Enumerable.Range(0, 4).Select(_ => arena.Allocate(1))];
        arena.Free(arena.Allocate(10), 10);
        Assert.Equal(1_000u, arena.Allocate(10));
        source.Answer = (_, _) => null;
        ValueTask<uint> waiter = arena.AllocateAsync(60, TestContext.Current.CancellationToken);
        int asked = source.Requests.Count;
        arena.Free(starts[1], 1);
        Assert.Equal(asked, source.Requests.Count);
        Assert.False(waiter.IsCompleted);
    }

    /// <summary>A source that has its arena tried again whenever it gets something, and gives more than the limit allows.</summary>
    [Fact]
    public void What_came_back_unneeded_is_not_asked_for_again_and_again()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        int retries = 0;
        source.Answer = (_, _) => (1_000, 200);
        source.OnRelease = (_, _) =>
        {
            if (retries++ < 100)
            {
                arena.RetryWaiters();
            }
        };
        ValueTask<uint> waiter = arena.AllocateAsync(50, TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        Assert.InRange(retries, 1, 12);
        Assert.Empty(source.Outstanding);
        source.Answer = (size, _) => (1_000, size);
        arena.RetryWaiters();
        Assert.True(waiter.IsCompletedSuccessfully);
        source.OnRelease = null;
    }

    /// <summary>The thread that came to it is the one that may.</summary>
    [Fact]
    public void A_source_of_one_thread_is_asked_on_that_thread()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> middle = new("middle", 0, 100, 1, new ArenaOptions<uint> { Source = source, SingleThreaded = true });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle });
        uint[] starts = [middle.Allocate(50), middle.Allocate(50)];
        ValueTask<uint> waiter = top.AllocateAsync(60, TestContext.Current.CancellationToken);
        int thread = Environment.CurrentManagedThreadId;
        int asked = 0;
        source.Answer = (_, _) =>
        {
            asked += Environment.CurrentManagedThreadId == thread ? 1 : 1_000;
            return null;
        };
        middle.Free(starts[0], 50);
        Assert.InRange(asked, 1, 999);
        middle.Free(starts[1], 50);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void That_the_head_has_given_up_is_no_news_of_the_source()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        using CancellationTokenSource cancel = new();
        ValueTask<uint> head = arena.AllocateAsync(10, cancel.Token);
        ValueTask<uint> behind = arena.AllocateAsync(10, TestContext.Current.CancellationToken);
        int asked = source.Asked;
        cancel.Cancel();
        Assert.Equal(asked, source.Asked);
        Assert.True(head.IsCanceled);
        Assert.False(behind.IsCompleted);
    }

    /// <summary>The source that once had nothing gets something while nobody listens to it.</summary>
    [Fact]
    public void What_a_source_refused_one_who_has_left_is_asked_for_the_next()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        using CancellationTokenSource cancel = new();
        ValueTask<uint> refused = arena.AllocateAsync(10, cancel.Token);
        cancel.Cancel();
        Assert.True(refused.IsCanceled);
        source.OnSubscribe = () => source.HasRoom = true;
        Assert.True(arena.AllocateAsync(10, TestContext.Current.CancellationToken).IsCompletedSuccessfully);
    }
}
