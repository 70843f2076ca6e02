using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>Whoever listens to an arena is told when room may have come, and is not when none has.</summary>
public class ListenerTests
{
    [Fact]
    public void Of_two_listeners_the_one_that_leaves_is_told_no_more()
    {
        using Arena<uint> arena = new("heard", 0, 20, 1);
        INotifyingArenaSource<uint> source = arena;
        List<string> told = [];
        Action first = () => told.Add("first");
        Action second = () => told.Add("second");
        source.Subscribe(first);
        source.Subscribe(second);
        arena.Free(arena.Allocate(10), 10);
        Assert.Equal(["first", "second"], told);
        source.Unsubscribe(second);
        arena.Free(arena.Allocate(10), 10);
        Assert.Equal(["first", "second", "first"], told);
        source.Unsubscribe(first);
        arena.Free(arena.Allocate(10), 10);
        Assert.Equal(3, told.Count);
        arena.Validate();
    }

    [Fact]
    public void A_listener_that_is_none_may_leave_and_may_not_come()
    {
        using Arena<uint> arena = new("heard", 0, 20, 1);
        INotifyingArenaSource<uint> source = arena;
        source.Unsubscribe(static () => { });
        Assert.Throws<ArgumentNullException>(() => source.Subscribe(null!));
        arena.Validate();
    }

    [Fact]
    public void A_listener_is_told_once_of_an_attempt_that_brings_nothing()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        int told = 0;
        ((INotifyingArenaSource<uint>)arena).Subscribe(() => told++);
        ValueTask<uint> waiter = arena.AllocateAsync(10, TestContext.Current.CancellationToken);
        told = 0;
        arena.RetryWaiters();
        Assert.Equal(1, told);
        Assert.False(waiter.IsCompleted);
    }

    [Fact]
    public void One_import_serves_all_who_fit_into_it()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, MinImport = 100 });
        ValueTask<uint>[] waiters = [.. Enumerable.Range(0, 3).Select(_ => arena.AllocateAsync(10, TestContext.Current.CancellationToken))];
        source.Answer = static (size, _) => (1_000, size);
        arena.RetryWaiters();
        Assert.All(waiters, static waiter => Assert.True(waiter.IsCompletedSuccessfully));
        Assert.Equal((1_000u, 100u), Assert.Single(source.Outstanding));
        Assert.Equal(1, source.Imports);
    }
}
