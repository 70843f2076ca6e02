using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What goes wrong around the caches, by the caller's fault, the source's or a listener's, leaves them whole. Each was wrong
/// once.</summary>
public class CacheFaultTests
{
    private static readonly AsyncLocal<object?> s_local = new();

    [Fact]
    public void A_wrong_free_of_a_whole_slab_is_refused()
    {
        using Arena<uint> arena = Make();
        Assert.Equal(0u, arena.Allocate(1));
        Assert.Throws<InvalidFreeException>(() => arena.Free(0, 64));
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany([0u], 64));
        Assert.Throws<InvalidFreeException>(() => arena.TryExtend(0, 64, 65));
        arena.Validate();
    }

    [Fact]
    public void A_hopeless_request_ends_though_the_source_calls_back_and_caches_again()
    {
        Arena<uint> arena = null!;
        uint next = 1_024;
        ScriptedSource<uint> source = new(1u, (size, _) =>
        {
            uint at = next;
            next += 64;
            return size > 1_000 ? null : (at, 64);
        })
        {
            OnRelease = (_, _) =>
            {
                if (next < 1_000_000)
                {
                    arena.Free(arena.Allocate(1), 1);
                }
            },
        };
        arena = new Arena<uint>("hopeless", 1, new ArenaOptions<uint> { QuantumCacheMax = 8, Source = source, RetainedImport = 1 });
        arena.Free(arena.Allocate(1), 1);
        Assert.False(arena.TryAllocate(1 << 20, out _));
        Assert.True(next < 10_000, $"{next}");
        source.OnRelease = null;
        arena.Dispose();
    }

    /// <summary>What is known of ranges goes when most slabs have gone, and with it what the caches still hold.</summary>
    [Fact]
    public void A_source_that_throws_ends_no_upkeep()
    {
        ManualTime time = new();
        uint next = 0;
        ScriptedSource<uint> source = new(1u, (size, constraints) =>
        {
            uint align = Math.Max(constraints.Align, 1);
            uint start = (next + align - 1) / align * align;
            next = start + size + 64;
            return (start, size);
        });
        Arena<uint> arena = new("upkeep", 1, new ArenaOptions<uint>
        {
            QuantumCacheMax = 4,
            Source = source,
            RetainedImport = ArenaOptions<uint>.RetainNone,
            TimeProvider = time,
        });
        uint[] starts = [.. Enumerable.Range(0, 20_000).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException();
        time.Advance(10 * Upkeep.Interval);
        Assert.Contains("upkeep of the caches failed", Assert.Throws<InvariantViolationException>(arena.Validate).Message, StringComparison.Ordinal);
        source.OnRelease = null;
        arena.Dispose();
        Assert.Empty(source.Outstanding);
    }

    [Fact]
    public async Task An_import_for_a_slab_serves_those_who_wait()
    {
        using ManualResetEventSlim asked = new();
        using ManualResetEventSlim go = new();
        int asks = 0;
        ScriptedSource<uint> source = new(1u, (_, _) =>
        {
            if (Interlocked.Increment(ref asks) > 1)
            {
                return null;
            }

            asked.Set();
            go.Wait(CancellationToken.None);
            return (1_024, 64);
        });
        using Arena<uint> arena = new("importing", 1, new ArenaOptions<uint> { QuantumCacheMax = 8, Source = source });
        Thread other = new(() => arena.Allocate(1));
        other.Start();
        asked.Wait(TestContext.Current.CancellationToken);
        Task<uint> waiter = arena.AllocateAsync(8, TestContext.Current.CancellationToken).AsTask();
        go.Set();
        other.Join();
        await waiter.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_source_that_throws_when_subscribed_to_leaves_no_cache_suspended()
    {
        int subscriptions = 0;
        NotifyingSource source = new(() =>
        {
            if (subscriptions++ == 0)
            {
                throw new TimeZoneNotFoundException();
            }
        });
        using Arena<uint> arena = new("parent", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 8, Source = source });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = arena });
        uint all = arena.Allocate(250);
        Assert.Throws<TimeZoneNotFoundException>(() =>
            child.TryAllocate(100, TimeSpan.FromMinutes(1), out _, TestContext.Current.CancellationToken));
        arena.Free(all, 250);
        arena.Free(arena.Allocate(1), 1);
        Assert.True(arena.GetStatistics().Cached > 0);
    }

    [Fact]
    public async Task A_listener_that_throws_harms_neither_the_free_nor_the_caches()
    {
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, mine) =>
        {
            if (instrument.Name == ArenaMetrics.WaitDuration)
            {
                mine.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            if (tags.ToArray().Any(tag => tag.Value is "heard"))
            {
                throw new TimeZoneNotFoundException();
            }
        });
        listener.Start();
        using Arena<uint> arena = new("heard", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        uint all = arena.Allocate(256);
        Task<uint> waiter = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        arena.Free(all, 256);
        await waiter.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        arena.Free(arena.Allocate(1), 1);
        Assert.True(arena.GetStatistics().Cached > 0);
    }

    [Fact]
    public void A_batch_that_the_source_breaks_off_leaks_nothing()
    {
        int asks = 0;
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        ImportAnswer<uint> good = source.Answer;
        source.Answer = (size, constraints) => ++asks > 1 ? throw new TimeZoneNotFoundException() : good(size, constraints);
        using Arena<uint> arena = new("batch", 1, new ArenaOptions<uint> { QuantumCacheMax = 8, Source = source });
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocateMany(1, new uint[100]));
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    [Fact]
    public void An_arena_does_not_hold_on_to_what_flowed_with_its_making()
    {
        WeakReference arena = MakeUnderLocal();
        for (int i = 0; i < 10 && arena.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(arena.IsAlive);
    }

    [Fact]
    public void A_claim_goes_on_through_an_interrupt_and_passes_it_on()
    {
        MagazineCache<uint> first = new(15);
        MagazineCache<uint> second = new(15);
        MagazineCache<uint>.Claim([second]);
        bool claimed = false;
        bool isPassedOn = false;
        Thread claimant = new(() =>
        {
            MagazineCache<uint>.Claim([first, second]);
            claimed = true;
            MagazineCache<uint>.Release([first, second]);
            isPassedOn = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });
        claimant.Start();
        claimant.Interrupt();                     // whether it blocks already or will
        Assert.False(Volatile.Read(ref claimed));
        MagazineCache<uint>.Release([second]);
        claimant.Join();
        Assert.True(claimed && isPassedOn);
    }

    private static Arena<uint> Make() => new("faulty", 0, 1_024, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference MakeUnderLocal()
    {
        List<object> request = [];
        s_local.Value = request;
        Arena<uint> arena = Make();
        request.Add(arena);
        s_local.Value = null;
        return new WeakReference(arena);
    }

    private sealed class NotifyingSource(Action subscribed) : INotifyingArenaSource<uint>
    {
        public uint Quantum => 1;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            start = imported = 0;
            return false;
        }

        public void Release(uint start, uint size)
        {
        }

        public void Subscribe(Action mayHaveRoom) => subscribed();

        public void Unsubscribe(Action mayHaveRoom)
        {
        }
    }
}
