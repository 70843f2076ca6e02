using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>Room in a source wakes who waits above it.</summary>
public class StackedWaitTests
{
    [Fact]
    public void A_free_in_the_parent_wakes_in_the_child()
    {
        using Arena<uint> parent = new("parent", 0, 128, 64);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        parent.Allocate(128);
        ValueTask<uint> waiter = child.AllocateAsync(10);
        Assert.False(waiter.IsCompleted);
        parent.Free(0, 128);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(64u, parent.GetStatistics().InUse);
        child.Validate();
        parent.Validate();
    }

    [Fact]
    public void A_free_in_the_grandparent_wakes_in_the_grandchild()
    {
        using Arena<uint> ground = new("ground", 0, 256, 64);
        using Arena<uint> middle = new("middle", 16, new ArenaOptions<uint> { Source = ground });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle });
        ground.Allocate(256);
        ValueTask<uint> waiter = top.AllocateAsync(20);
        ValueTask<uint> constrained = top.AllocateAsync(20, new RangeConstraints<uint> { Align = 64, Phase = 16 });
        Assert.False(waiter.IsCompleted || constrained.IsCompleted);
        ground.Free(0, 256);
        Assert.True(waiter.IsCompletedSuccessfully && constrained.IsCompletedSuccessfully);
    }

    [Fact]
    public void Whatever_makes_room_in_the_parent_wakes_in_the_child()
    {
        using Arena<uint> parent = new("parent", 0, 64, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        parent.Allocate(64);
        ValueTask<uint>[] waiters = [.. Enumerable.Range(0, 4).Select(_ => child.AllocateAsync(16))];
        Assert.True(parent.TryExtend(0, 64, 48));
        Assert.Equal([true, false, false, false], waiters.Select(waiter => waiter.IsCompleted));
        parent.AddSpan(1_000, 16);
        Assert.Equal([true, true, false, false], waiters.Select(waiter => waiter.IsCompleted));
        Assert.True(parent.TryExtend(0, 48, 16));
        Assert.All(waiters, waiter => Assert.True(waiter.IsCompletedSuccessfully));
    }

    [Fact]
    public void What_a_sibling_gives_back_wakes()
    {
        using Arena<uint> parent = new("parent", 0, 128, 64);
        using Arena<uint> one = new("one", 1, new ArenaOptions<uint> { Source = parent });
        using Arena<uint> other = new("other", 1, new ArenaOptions<uint> { Source = parent });
        uint held = one.Allocate(128);
        ValueTask<uint> waiter = other.AllocateAsync(100);
        one.Free(held, 128);                      // not kept by hysteresis: somebody waits
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_sibling_that_is_disposed_wakes()
    {
        using Arena<uint> parent = new("parent", 0, 128, 64);
        Arena<uint> one = new("one", 1, new ArenaOptions<uint> { Source = parent });
        using Arena<uint> other = new("other", 1, new ArenaOptions<uint> { Source = parent });
        one.Allocate(128);
        ValueTask<uint> waiter = other.AllocateAsync(100);
        one.Dispose();
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>The parent keeps an empty import by hysteresis only as long as nobody above it has a use for the room.</summary>
    [Fact]
    public void Who_waits_in_the_parent_comes_before_who_waits_above_it()
    {
        using Arena<uint> parent = new("parent", 0, 64, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        parent.Allocate(64);
        ValueTask<uint> above = child.AllocateAsync(40);
        ValueTask<uint> here = parent.AllocateAsync(40);
        parent.Free(0, 64);
        Assert.True(here.IsCompletedSuccessfully);
        Assert.False(above.IsCompleted);
        parent.Free(here.Result, 40);
        Assert.True(above.IsCompletedSuccessfully);
    }

    [Fact]
    public void An_arena_listens_only_while_somebody_waits()
    {
        NotifyingSource source = new();
        using Arena<uint> middle = new("middle", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle });
        using CancellationTokenSource giveUp = new();
        ValueTask<uint> one = top.AllocateAsync(10, giveUp.Token);
        ValueTask<uint> two = middle.AllocateAsync(10);
        Assert.Equal(1, source.Listeners);
        giveUp.Cancel();
        Assert.True(one.IsCanceled);
        Assert.Equal(1, source.Listeners);
        source.Inner.Answer = (size, _) => (1_000, size);
        source.Notify();
        Assert.True(two.IsCompletedSuccessfully);
        Assert.Equal(0, source.Listeners);
    }

    /// <summary>What comes back unneeded is room to the source, and it says so; to ask again because of that would be to ask for
    /// ever.</summary>
    [Fact]
    public void An_import_that_does_not_help_is_not_asked_for_again_and_again()
    {
        NotifyingSource source = new();
        source.Inner.Answer = (size, _) => (1_000, 200);
        source.Inner.OnRelease = (_, _) => source.Notify();
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        ValueTask<uint> waiter = arena.AllocateAsync(50);
        Assert.False(waiter.IsCompleted);
        Assert.InRange(source.Inner.Requests.Count, 1, 12);
        Assert.Empty(source.Inner.Outstanding);
        source.Inner.Answer = (size, _) => (1_000, size);
        source.Notify();
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>Two arenas whose imports help neither of them, as what stands between them and their parent passes no window on, and the
    /// parent's policy places beside it: each gives back what the other might want.</summary>
    [Fact]
    public void Two_arenas_do_not_wake_each_other_for_ever()
    {
        using Arena<uint> parent = new("parent", 0, 512, 64, new ArenaOptions<uint> { Policy = FitPolicy.LastFit });
        parent.Allocate(64);
        ArenaOptions<uint> options = new() { Source = new CarelessSource(parent) };
        using Arena<uint> one = new("one", 1, options);
        using Arena<uint> other = new("other", 1, options);
        uint held = parent.AllocateConstrained(64, new() { Max = 64 });
        RangeConstraints<uint> window = new() { Min = 10, Max = 130 };
        ValueTask<uint>[] waiters = [one.AllocateAsync(100, window), other.AllocateAsync(100, window)];
        parent.Free(parent.Allocate(64), 64);
        parent.Free(held, 64);
        Assert.DoesNotContain(waiters, waiter => waiter.IsCompleted);
        Assert.Equal(64u, parent.GetStatistics().InUse);
        parent.Validate();
    }

    [Fact]
    public void A_parent_that_is_disposed_ends_the_wait_above_it()
    {
        Arena<uint> parent = new("parent", 0, 64, 64);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        parent.Allocate(64);
        ValueTask<uint> waiter = child.AllocateAsync(10);
        parent.Dispose();
        Assert.IsType<ObjectDisposedException>(waiter.AsTask().Exception!.InnerException);
    }

    [Fact]
    public void A_single_threaded_arena_does_not_listen_to_a_shared_one()
    {
        using Arena<uint> parent = new("parent", 0, 64, 64);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent, SingleThreaded = true });
        parent.Allocate(64);
        ValueTask<uint> waiter = child.AllocateAsync(10);
        parent.Free(0, 64);
        Assert.False(waiter.IsCompleted);
        child.RetryWaiters();
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>Passes on how much is wanted, and not where.</summary>
    private sealed class CarelessSource(INotifyingArenaSource<uint> inner) : INotifyingArenaSource<uint>
    {
        public uint Quantum => inner.Quantum;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported) =>
            inner.TryImport(size, default, out start, out imported);

        public void Release(uint start, uint size) => inner.Release(start, size);

        public void Subscribe(Action mayHaveRoom) => inner.Subscribe(mayHaveRoom);

        public void Unsubscribe(Action mayHaveRoom) => inner.Unsubscribe(mayHaveRoom);
    }

    private sealed class NotifyingSource : INotifyingArenaSource<uint>
    {
        private Action[] _listeners = [];

        public ScriptedSource<uint> Inner { get; } = TestSources.Empty(1u);

        public uint Quantum => Inner.Quantum;

        public int Listeners => _listeners.Length;

        public void Notify() => Array.ForEach(_listeners, listener => listener());

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported) =>
            Inner.TryImport(size, constraints, out start, out imported);

        public void Release(uint start, uint size) => Inner.Release(start, size);

        public void Subscribe(Action mayHaveRoom) => _listeners = [.. _listeners, mayHaveRoom];

        public void Unsubscribe(Action mayHaveRoom)
        {
            List<Action> left = [.. _listeners];
            Assert.True(left.Remove(mayHaveRoom));
            _listeners = [.. left];
        }
    }
}
