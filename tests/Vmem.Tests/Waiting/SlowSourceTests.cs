using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A request waits for a source that takes its time. Those who free beside it have no part in that: their calls return while the
/// source is still thinking, and do not have it asked what it was asked before.</summary>
public sealed class SlowSourceTests : IDisposable
{
    private readonly ManualResetEventSlim _mayAnswer = new();
    private readonly ManualResetEventSlim _isAsked = new();

    /// <summary>The import is made in exchange for an empty one.</summary>
    [Fact]
    public async Task A_free_that_lets_a_request_import_returns_before_the_source_does()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 100u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        uint start = arena.Allocate(50);
        ValueTask<uint> waiter = arena.AllocateAsync(80);
        int asker = 0;
        source.Answer = (size, _) =>
        {
            asker = Environment.CurrentManagedThreadId;
            return Think((1_000, size));
        };
        int thread = Environment.CurrentManagedThreadId;
        arena.Free(start, 50);
        _isAsked.Wait(TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        _mayAnswer.Set();
        Assert.Equal(1_000u, await waiter);
        Assert.NotEqual(thread, asker);
        arena.Validate();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    public void Frees_beside_a_request_have_the_source_asked_nothing(uint cacheMax)
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 64, 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = cacheMax });
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
        ValueTask<uint> waiter = arena.AllocateAsync(60);
        int asked = source.Requests.Count;
        for (int i = 0; i < 20; i += 2)
        {
            arena.Free(starts[i], 1);
        }

        Assert.Equal(asked, source.Requests.Count);
        Assert.False(waiter.IsCompleted);
        arena.RetryWaiters();
        Assert.True(source.Requests.Count > asked);
    }

    /// <summary>The second wants no less than the first, to whom the source had said no.</summary>
    [Fact]
    public async Task The_next_that_waits_is_not_asked_for_again()
    {
        Arena<uint> ground = new("ground", 0, 1_024, 1);
        ground.Allocate(1_024);
        using Arena<uint> arena = new("child", 0, 4, 1, new ArenaOptions<uint> { Source = ground });
        uint[] starts = [.. Enumerable.Range(0, 4).Select(_ => arena.Allocate(1))];
        ValueTask<uint>[] waiters = [.. starts.Select(_ => arena.AllocateAsync(1))];
        long failures = ground.GetStatistics().Failures;
        foreach (uint start in starts)
        {
            arena.Free(start, 1);
        }

        foreach (ValueTask<uint> waiter in waiters)
        {
            _ = await waiter;
        }

        Assert.Equal(failures, ground.GetStatistics().Failures);
    }

    /// <summary>The same where the slow source is that of the source.</summary>
    [Fact]
    public async Task A_free_in_the_source_returns_before_the_source_below_does()
    {
        ScriptedSource<uint> slow = TestSources.Empty(1u);
        using Arena<uint> middle = new("middle", 0, 100, 1, new ArenaOptions<uint> { Source = slow });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle });
        uint[] starts = [middle.Allocate(50), middle.Allocate(50)];
        ValueTask<uint> waiter = top.AllocateAsync(60);
        slow.Answer = (size, _) => Think(null);
        middle.Free(starts[0], 50);
        _isAsked.Wait(TestContext.Current.CancellationToken);
        middle.Free(starts[1], 50);
        Assert.False(waiter.IsCompleted);
        _mayAnswer.Set();
        _ = await waiter;
        top.Validate();
        middle.Validate();
    }

    [Fact]
    public async Task A_cancellation_returns_before_the_source_does()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 10, 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(10);
        using CancellationTokenSource first = new();
        ValueTask<uint> head = arena.AllocateAsync(40, first.Token);
        ValueTask<uint> next = arena.AllocateAsync(30, TestContext.Current.CancellationToken);
        source.Answer = (size, _) => Think((1_000, size));
        first.Cancel();
        Assert.True(head.IsCanceled);
        _isAsked.Wait(TestContext.Current.CancellationToken);
        _mayAnswer.Set();
        Assert.Equal(1_000u, await next);
    }

    /// <summary>Who asks for himself has no part in what another waits for, either: when he has been served his call returns.</summary>
    [Fact]
    public async Task Who_comes_while_the_source_thinks_is_asked_for_elsewhere()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        Assert.False(arena.TryAllocate(10, out _));
        int refusals = source.Requests.Count;
        Task<uint>? second = null;
        int inside = Environment.CurrentManagedThreadId;
        bool isHere = false;
        source.Answer = (size, _) =>
        {
            isHere |= size == 20 && Environment.CurrentManagedThreadId == inside;
            if (refusals-- > 0)
            {
                return null;
            }

            second ??= arena.AllocateAsync(20, TestContext.Current.CancellationToken).AsTask();
            return (1_000 * size, size);
        };
        ValueTask<uint> first = arena.AllocateAsync(10, TestContext.Current.CancellationToken);
        inside = 0;
        Assert.Equal(10_000u, await first);
        Assert.Equal(20_000u, await second!);
        Assert.False(isHere);
        arena.Validate();
    }

    /// <summary>What nobody waits for any more goes back.</summary>
    [Fact]
    public async Task A_request_that_gives_up_while_the_source_thinks_leaves_nothing()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 100u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        uint start = arena.Allocate(50);
        using CancellationTokenSource end = new();
        ValueTask<uint> waiter = arena.AllocateAsync(80, end.Token);
        source.Answer = (size, _) => Think((1_000, size));
        using ManualResetEventSlim isBack = new();
        source.OnRelease = (start, _) =>
        {
            if (start == 1_000)
            {
                isBack.Set();
            }
        };
        arena.Free(start, 50);
        _isAsked.Wait(TestContext.Current.CancellationToken);
        end.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiter);
        _mayAnswer.Set();
        isBack.Wait(TestContext.Current.CancellationToken);
        Assert.Empty(source.Outstanding);
        arena.Validate();
    }

    public void Dispose()
    {
        _mayAnswer.Dispose();
        _isAsked.Dispose();
    }

    private (uint, uint)? Think((uint, uint)? answer)
    {
        _isAsked.Set();
        _mayAnswer.Wait(TestContext.Current.CancellationToken);
        return answer;
    }
}
