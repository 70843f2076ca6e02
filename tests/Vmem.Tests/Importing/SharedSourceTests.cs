using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Arenas above a source that somebody else wrote know of each other all the same.</summary>
public class SharedSourceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_an_idle_sibling_keeps_comes_back(bool notifies)
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        IArenaSource<uint> source = notifies ? new NotifyingPool(pool) : new PlainPool(pool);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(1), 1);
        _ = b.Allocate(3);
        Assert.Equal(1u, a.GetStatistics().TotalSize);
        _ = await b.AllocateAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(0u, a.GetStatistics().TotalSize);
        Validate(a, b, pool);
    }

    [Fact]
    public void Of_four_caching_tenants_one_gets_everything()
    {
        using Arena<uint> pool = new("pool", 0, 1_024, 1);
        SiblingTests.OneOfFourTenantsGetsEverything(pool, new PlainPool(pool));
    }

    [Theory]
    [InlineData(false, 0u)]
    [InlineData(false, 4u)]
    [InlineData(true, 0u)]
    public async Task A_free_in_one_serves_who_waits_in_another(bool notifies, uint cacheMax)
    {
        using Arena<uint> pool = new("pool", 0, 8, 1);
        IArenaSource<uint> source = notifies ? new NotifyingPool(pool) : new PlainPool(pool);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = cacheMax });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        uint[] held = [.. Enumerable.Range(0, 8).Select(_ => a.Allocate(1))];
        ValueTask<uint> waiter = b.AllocateAsync(8, TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        Array.ForEach(held, start => a.Free(start, 1));
        Assert.Equal(0u, await waiter);
        Validate(a, b, pool);
    }

    [Fact]
    public void What_they_keep_comes_back_from_any_depth()
    {
        using Arena<uint> pool = new("pool", 0, 64, 1);
        PlainPool source = new(pool);
        using Arena<uint> left = new("left", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> leftTop = new("left top", 1, new ArenaOptions<uint> { Source = left, QuantumCacheMax = 4 });
        using Arena<uint> right = new("right", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> rightTop = new("right top", 1, new ArenaOptions<uint> { Source = right });
        uint[] held = [.. Enumerable.Range(0, 40).Select(_ => leftTop.Allocate(1))];
        Array.ForEach(held, start => leftTop.Free(start, 1));
        Assert.Equal(0u, rightTop.Allocate(64));
        Assert.Equal((0u, 0u), (left.GetStatistics().TotalSize, leftTop.GetStatistics().TotalSize));
        Validate(leftTop, left, rightTop, right, pool);
    }

    /// <summary>The source's own code frees what somebody waits for: not in the middle of a recall, when nobody would hear of it.</summary>
    [Fact]
    public void What_the_source_frees_when_it_gets_something_back_is_heard()
    {
        using Arena<uint> apart = new("apart", 0, 2, 1);
        uint taken = apart.Allocate(2);
        ValueTask<uint> other = apart.AllocateAsync(2, TestContext.Current.CancellationToken);
        using Arena<uint> pool = new("pool", 0, 4, 1);
        PlainPool source = new(pool) { OnRelease = () => apart.Free(taken, 2) };
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(4), 4);
        Assert.True(b.TryAllocate(4, out _));
        Assert.True(other.IsCompletedSuccessfully);
        Validate(a, b, pool, apart);
    }

    /// <summary>And what it allocates there, in an arena above itself, comes through the gate that the same thread holds.</summary>
    [Fact]
    public void The_source_may_call_back_when_it_gets_something()
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        PlainPool source = new(pool);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        int calls = 0;
        source.OnRelease = () =>
        {
            source.OnRelease = null;
            calls++;
            Assert.False(a.TryAllocate(5, out _));
        };
        a.Free(a.Allocate(4), 4);
        Assert.True(b.TryAllocate(4, out _));
        Assert.Equal(1, calls);
        Validate(a, b, pool);
    }

    [Fact]
    public void A_source_that_will_not_have_it_back_loses_nothing_else()
    {
        bool isBroken = true;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        source.Answer = (size, _) => source.Outstanding.Count == 0 ? (0, size) : null;
        source.OnRelease = (_, size) =>
        {
            if (isBroken && size == 10)
            {
                isBroken = false;
                throw new InvalidOperationException("not now");
            }
        };
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(10), 10);
        Assert.Equal("not now", Assert.Throws<InvalidOperationException>(() => b.TryAllocate(20, out _)).Message);
        Assert.Empty(source.Outstanding);         // what b had got was put back: its caller did not learn of it
        Assert.Equal((0u, 0u), (a.GetStatistics().TotalSize, b.GetStatistics().TotalSize));
        Assert.True(b.TryAllocate(20, out _));
        Assert.Equal(0, source.WrongReleases);
        Validate(a, b);
    }

    /// <summary>Each of those who wait puts back what does not help him. That is no news to the others.</summary>
    [Theory]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public async Task What_helps_nobody_is_not_handed_to_and_fro(int count, bool isSlow)
    {
        int asked = 0;
        bool suits = false;
        bool isOut = false;
        Lock state = new();
        ScriptedSource<uint> source = TestSources.Empty(1u);
        source.Answer = (size, _) =>
        {
            (uint, uint)? given;
            lock (state)
            {
                asked++;
                given = isOut || !(isOut = true) ? null : (suits ? 4_096u : 0u, size);
            }

            Thread.SpinWait(isSlow ? 10_000 : 0); // so that they meet
            return given;
        };
        source.OnRelease = (_, _) => isOut = false;
        ArenaOptions<uint> options = new() { Source = source };
        RangeConstraints<uint> high = new() { Min = 1_024, Max = 1 << 20 };
        Arena<uint>[] arenas = [.. Enumerable.Range(0, count).Select(i => new Arena<uint>($"arena {i}", 1, options))];
        List<Task<uint>> waiters =
            [.. arenas.Select(arena => arena.AllocateAsync(10, high, TestContext.Current.CancellationToken).AsTask())];
        for (int i = 0; i < 20_000; i++)
        {
            await Task.Yield();                   // behind what the pool has to do for those who wait
        }

        Assert.InRange(asked, count, 10_000);
        suits = true;
        Array.ForEach(arenas, arena => arena.RetryWaiters());
        for (; waiters.Count > 0; count--)
        {
            Task<uint> served = await Task.WhenAny(waiters);
            Assert.Equal(4_096u, await served);
            waiters.Remove(served);
            Array.Find(arenas, arena => arena.IsAllocated(4_096))!.Free(4_096, 10);
        }

        Validate(arenas);
        Array.ForEach(arenas, arena => arena.Dispose());
    }

    /// <summary>The source has a lock, which is held by one who fails above it, while another recalls.</summary>
    [Fact]
    public async Task A_source_may_wait_for_its_own_lock_when_it_gets_something()
    {
        using Arena<uint> pool = new("pool", 0, 64, 1);
        object own = new();
        PlainPool source = new(pool);
        source.OnRelease = () =>
        {
            lock (own)
            {
            }
        };
        Arena<uint>[] tenants = [.. Enumerable.Range(0, 3).Select(_ => new Arena<uint>("tenant", 1, new ArenaOptions<uint> { Source = source }))];
        await Task.WhenAll(tenants.Select((tenant, i) => Task.Run(() =>
        {
            for (int round = 0; round < 2_000; round++)
            {
                if (i == 0)
                {
                    lock (own)
                    {
                        TakeAll(tenant);
                    }
                }
                else
                {
                    TakeAll(tenant);
                }
            }
        }))).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);      // only what hangs takes so long
        Validate([.. tenants, pool]);
        Array.ForEach(tenants, tenant => tenant.Dispose());

        static void TakeAll(Arena<uint> tenant)
        {
            if (tenant.TryAllocate(64, out uint start))
            {
                tenant.Free(start, 64);
            }
        }
    }

    /// <summary>An arena with caches that is alone above its source asks it once for what it will not give, as it did when nobody knew of
    /// others; with another beside it, which has something, twice.</summary>
    [Fact]
    public void One_that_is_alone_asks_nobody()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        using Arena<uint> arena = new("arena", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 4 });
        _ = arena.Allocate(2);
        source.Answer = (_, _) => null;
        int before = source.Requests.Count;
        Assert.False(arena.TryAllocate(100, out _));
        int alone = source.Requests.Count - before;
        using Arena<uint> other = new("other", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 4 });
        source.Answer = (size, _) => (1_000, size);
        other.Free(other.Allocate(2), 2);
        source.Answer = (_, _) => null;
        before = source.Requests.Count;
        Assert.False(arena.TryAllocate(100, out _));
        Assert.InRange(source.Requests.Count - before, alone + 1, 2 * alone);
    }

    [Fact]
    public void One_that_says_it_is_alone_has_no_others()
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        PlainPool source = new(pool);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source, SharesSource = false });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(4), 4);
        Assert.False(b.TryAllocate(1, out _));
    }

    /// <summary>A source of one thread's arenas is asked by nobody else.</summary>
    [Fact]
    public void Arenas_of_one_thread_keep_to_themselves()
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        PlainPool source = new(pool);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source, SingleThreaded = true });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(4), 4);
        Assert.False(b.TryAllocate(1, out _));
        Assert.Equal(4u, a.Reap());
        Assert.True(b.TryAllocate(1, out _));
    }

    [Fact]
    public async Task Nothing_is_lost_while_many_fail_at_once()
    {
        using Arena<uint> pool = new("pool", 0, 64, 1);
        PlainPool source = new(pool);
        Arena<uint>[] tenants = [.. Enumerable.Range(0, 4).Select(i => new Arena<uint>("tenant", 1, new ArenaOptions<uint>
        {
            Source = source,
            QuantumCacheMax = i % 2 == 0 ? 0u : 4u,
            RetainedImport = i < 2 ? 0u : 64u,
        }))];
        await Task.WhenAll(tenants.Select((tenant, seed) => Task.Run(async () =>
        {
            Random random = new(seed);
            for (int round = 0; round < 2_000; round++)
            {
                uint size = 1 + (uint)random.Next(32);
                if (random.Next(4) == 0)
                {
                    tenant.Free(await tenant.AllocateAsync(size, TestContext.Current.CancellationToken), size);
                }
                else if (tenant.TryAllocate(size, out uint start))
                {
                    tenant.Free(start, size);
                }
            }
        })));
        Validate([.. tenants, pool]);
        foreach (Arena<uint> tenant in tenants)
        {
            tenant.Free(tenant.Allocate(64), 64);
        }

        Array.ForEach(tenants, tenant => tenant.Dispose());
        Assert.Equal(0u, pool.GetStatistics().InUse);
    }

    private static void Validate(params Arena<uint>[] arenas) => Array.ForEach(arenas, static arena => arena.Validate());

    /// <summary>As users write it: it says yes or no, and nothing by itself.</summary>
    private class PlainPool(Arena<uint> pool) : IArenaSource<uint>
    {
        public Action? OnRelease { get; set; }

        public uint Quantum => pool.Quantum;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            imported = size;
            return pool.TryAllocateConstrained(size, constraints, out start);
        }

        public void Release(uint start, uint size)
        {
            pool.Free(start, size);
            OnRelease?.Invoke();
        }
    }

    private sealed class NotifyingPool(Arena<uint> pool) : PlainPool(pool), INotifyingArenaSource<uint>
    {
        private readonly INotifyingArenaSource<uint> _pool = pool;

        public void Subscribe(Action mayHaveRoom) => _pool.Subscribe(mayHaveRoom);

        public void Unsubscribe(Action mayHaveRoom) => _pool.Unsubscribe(mayHaveRoom);
    }
}
