using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Platform;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Memory that nobody rents goes back: at once when asked for, and after an interval of its own accord.</summary>
public class PinnedTrimTests
{
    private static readonly PinnedMemoryPoolOptions s_unwatched = new() { RetainedInterval = Timeout.InfiniteTimeSpan };

    [Fact]
    public void Trim_gives_back_all_that_is_free()
    {
        using PinnedMemoryPool<byte> pool = new(s_unwatched);
        RentAndDispose(pool, 4_000);
        PinnedMemoryPoolStatistics before = pool.GetStatistics();
        Assert.InRange(before.Dirty, (nuint)4_000 * 4_096, (nuint)4_000 * 4_096);
        nuint trimmed = pool.Trim();
        Assert.Equal((0, (nuint)0), ((long)pool.GetStatistics().Held, pool.GetStatistics().Dirty));
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal((nuint)4_000 * 4_096, trimmed);
        }
    }

    [Fact]
    public void For_want_of_memory_all_that_is_free_goes_back_too()
    {
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = new ManualTime() });
        RentAndDispose(pool, 4_000);
        IMemoryOwner<byte> kept = pool.Rent();
        kept.Memory.Span.Fill(7);
        ((IUpkeepTarget)pool).RelievePressure();
        Assert.InRange(pool.GetStatistics().Held, 1u, (nuint)1 << 20);
        Assert.Equal(-1, kept.Memory.Span.IndexOfAnyExcept((byte)7));
        kept.Dispose();
        ((IUpkeepTarget)pool).RelievePressure();
        Assert.Equal((0, (nuint)0), ((long)pool.GetStatistics().Held, pool.GetStatistics().Dirty));
    }

    /// <summary>A page in the middle of an array that is in use.</summary>
    [Fact]
    public void Free_pages_of_a_slab_in_use_have_no_memory_after_a_trim()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are discarded on Linux only.");
        using PinnedMemoryPool<byte> pool = new(s_unwatched);
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 64).Select(_ => pool.Rent())];
        Array.ForEach(owners, static owner => owner.Memory.Span.Fill(7));
        nint[] addresses = [.. owners.Select(AddressOf)];
        for (int i = 0; i < 64; i += 2)
        {
            owners[i].Dispose();
        }

        Assert.Equal((nuint)32 * 4_096, pool.Trim());
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(i % 2 == 0 ? 0 : VirtualMemory.PageSize, Resident(addresses[i]));
        }

        Assert.All(owners.Where((_, i) => i % 2 != 0), static owner => Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)7)));
        Assert.Equal(0u, pool.Trim());
        pool.Rent().Memory.Span.Fill(1);
        pool.Validate();
    }

    [Fact]
    public void What_was_free_for_an_interval_goes_back_and_what_was_used_stays()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(10);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = interval });
        RentAndDispose(pool, 4_000);
        IMemoryOwner<byte> kept = pool.Rent();
        kept.Memory.Span.Fill(7);
        time.Advance(0.7 * interval);
        Assert.Equal((nuint)3_999 * 4_096, pool.GetStatistics().Dirty);
        RentAndDispose(pool, 100);
        time.Advance(0.3 * interval);
        PinnedMemoryPoolStatistics after = pool.GetStatistics();
        Assert.Equal((nuint)100 * 4_096, after.Dirty);
        Assert.InRange(after.Held, 1u << 20, 3u << 20);
        Assert.Equal(-1, kept.Memory.Span.IndexOfAnyExcept((byte)7));
        time.Advance(0.7 * interval);
        Assert.Equal(0u, pool.GetStatistics().Dirty);
        kept.Dispose();
    }

    /// <summary>Whenever a burst ends, its memory is back an interval later, and not before three quarters of one.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.01)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void A_burst_goes_back_within_the_interval(double phase)
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(10);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = interval });
        pool.Rent().Dispose();
        time.Advance(phase * interval);
        RentAndDispose(pool, 2_000);
        time.Advance(0.75 * interval);
        Assert.Equal((nuint)2_000 * 4_096, pool.GetStatistics().Dirty);
        time.Advance(0.25 * interval);
        Assert.Equal(0u, pool.GetStatistics().Dirty);
        pool.Validate();
    }

    /// <summary>What is rented for long, and given back then, is kept for as long as all else.</summary>
    [Fact]
    public void What_was_rented_for_long_goes_back_an_interval_after_its_return()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(10);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = interval });
        IMemoryOwner<byte> owner = pool.Rent(200_000);
        time.Advance(5 * interval);
        nuint size = pool.GetStatistics().InUse;
        owner.Dispose();
        time.Advance(0.7 * interval);
        Assert.Equal(size, pool.GetStatistics().Dirty);
        time.Advance(0.3 * interval);
        Assert.Equal(0u, pool.GetStatistics().Dirty);
    }

    /// <summary>Timers cannot tell times of less than a millisecond from none.</summary>
    [Fact]
    public void The_shortest_interval_ends_again_and_again()
    {
        ManualTime time = new();
        using PinnedMemoryPool<byte> pool = new(
            new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = TimeSpan.FromTicks(1) });
        for (int burst = 0; burst < 3; burst++)
        {
            RentAndDispose(pool, 100);
            time.Advance(TimeSpan.FromMilliseconds(4));
            Assert.Equal(0u, pool.GetStatistics().Dirty);
        }
    }

    /// <summary>The runtime may call a timer again while its last call is still at work. Here the next turn falls due when the first page
    /// has gone back, and some blocks would be idle then that the first turn has not taken.</summary>
    [Fact]
    public void A_turn_that_falls_due_within_another_leaves_nothing_behind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are discarded on Linux only.");
        ManualTime time = new();
        TimeSpan turn = TimeSpan.FromSeconds(1);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = 4 * turn });
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 100).Select(_ => pool.Rent())];
        Array.ForEach(owners[..50], static owner => owner.Dispose());
        time.Advance(turn);
        Array.ForEach(owners[50..], static owner => owner.Dispose());
        time.Advance(2 * turn);
        int nested = 0;
        using (SystemCallFault.Inject(call =>
        {
            if (call == SystemCall.Discard && nested++ == 0)
            {
                time.Advance(turn);
            }

            return false;
        }))
        {
            time.Advance(turn);
        }

        Assert.InRange(nested, 1, 100);
        time.Advance(4 * turn);
        Assert.Equal(0u, pool.GetStatistics().Dirty);
    }

    /// <summary>A pool without memory costs nothing until somebody rents from it.</summary>
    [Fact]
    public void An_empty_pool_rests()
    {
        ManualTime time = new();
        TimeSpan interval = TimeSpan.FromSeconds(10);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions { TimeProvider = time, RetainedInterval = interval });
        int awake = time.Timers;
        time.Advance(interval);
        int resting = time.Timers;
        Assert.Equal(awake - 1, resting);         // the arena below has one by the same clock
        for (int round = 0; round < 2; round++)
        {
            RentAndDispose(pool, 100);
            Assert.Equal(awake, time.Timers);
            time.Advance(interval);
            Assert.Equal((awake, 0u), (time.Timers, pool.GetStatistics().Dirty));
            _ = pool.Trim();
            time.Advance(interval);
            Assert.Equal(resting, time.Timers);
        }
    }

    /// <summary>What is idle because it is rented for long takes nothing else away from renters, and is looked at once.</summary>
    [Fact]
    public void A_turn_takes_no_more_than_what_is_idle()
    {
        ManualTime time = new();
        TimeSpan turn = TimeSpan.FromSeconds(1);
        using PinnedMemoryPool<byte> pool = new(new PinnedMemoryPoolOptions
        {
            Name = nameof(A_turn_takes_no_more_than_what_is_idle),
            TimeProvider = time,
            RetainedInterval = 4 * turn,
            Limit = 1 << 20,
        });
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 256).Select(_ => pool.Rent()).OrderBy(AddressOf)];
        ArenaView arena = VmemProcess.Arenas.Single(static view => view.Name == nameof(A_turn_takes_no_more_than_what_is_idle));
        owners[0].Dispose();
        for (int passed = 0; passed < 12; passed++)
        {
            pool.Rent().Dispose();                // one is free, and never idle
            Assert.True(arena.TryGetStatistics(out ArenaStatistics<UInt128> before));
            time.Advance(turn);
            Assert.True(arena.TryGetStatistics(out ArenaStatistics<UInt128> after));
            Assert.Equal(before.Allocations, after.Allocations);
        }

        Array.ForEach(owners, static owner => owner.Dispose());
        time.Advance(4 * turn);
        Assert.Equal(0u, pool.GetStatistics().Dirty);
    }

    /// <summary>Renters of a full pool wait for what a trim has reserved, and nobody's bytes are discarded.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Trims_disturb_no_renter(bool recycles)
    {
        const int Workers = 4;
        const int Blocks = 64;
        using PinnedMemoryPool<byte> pool = new(s_unwatched with
        {
            RecycleOwners = recycles,
            SlabSize = 1 << 18,
            Limit = Workers * Blocks * 4_096,
        });
        using CancellationTokenSource done = new();
        Task[] trimmers = [StartUntil(done, () => pool.Trim()), StartUntil(done, () => ((IUpkeepTarget)pool).EndInterval())];
        Task[] workers = [.. Enumerable.Range(1, Workers).Select(worker => Task.Factory.StartNew(() =>
        {
            IMemoryOwner<byte>[] owners = new IMemoryOwner<byte>[Blocks];
            for (int round = 0; round < 60; round++)
            {
                for (int i = 0; i < Blocks; i++)
                {
                    owners[i] = pool.Rent();
                    owners[i].Memory.Span.Fill((byte)worker);
                }

                foreach (IMemoryOwner<byte> owner in owners)
                {
                    Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)worker));
                    owner.Dispose();
                }
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(workers);
        await done.CancelAsync();
        await Task.WhenAll(trimmers);
        pool.Validate();
        PinnedMemoryPoolStatistics statistics = pool.GetStatistics();
        Assert.Equal((Workers * Blocks * 60, 0, 0, 0),
            (statistics.Rents, statistics.Outstanding, statistics.Failures, statistics.StrayDisposals));
    }

    private static Task StartUntil(CancellationTokenSource done, Action work) => Task.Factory.StartNew(() =>
    {
        while (!done.IsCancellationRequested)
        {
            work();
        }
    }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void RentAndDispose(PinnedMemoryPool<byte> pool, int count)
    {
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, count).Select(_ => pool.Rent())];
        foreach (IMemoryOwner<byte> owner in owners)
        {
            owner.Memory.Span.Fill(1);
            owner.Dispose();
        }
    }

    private static unsafe nint AddressOf(IMemoryOwner<byte> owner) =>
        (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(owner.Memory.Span));

    private static unsafe nuint Resident(nint address) => VirtualMemory.GetResident((void*)address, VirtualMemory.PageSize);
}
