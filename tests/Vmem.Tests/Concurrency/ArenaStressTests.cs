using System.Collections.Concurrent;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Concurrency;

/// <summary>Several threads allocate and free, every range is marked in an owner array so that an overlap is seen at once, and others look
/// at the arena meanwhile.</summary>
public class ArenaStressTests
{
    private const int Threads = 4;
    private const int Rounds = 30_000;
    private const int Units = 1 << 14;

    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    [Theory]
    [MemberData(nameof(Policies))]
    public void No_two_threads_hold_the_same_unit(FitPolicy policy)
    {
        using Arena<uint> arena = new("stress", 0, Units, 1, new ArenaOptions<uint> { Policy = policy });
        Run(arena);
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void No_two_threads_hold_the_same_unit_of_an_importing_arena()
    {
        using Arena<uint> parent = new("parent", 0, Units, 64);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = parent, MinImport = 256, RetainedImport = 512 });
        Run(arena);
        arena.Reap();
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        Assert.Equal(0u, parent.GetStatistics().InUse);
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(parent));
        parent.Validate();
    }

    /// <summary>Conservation: whatever threads did, and though they have ended, at the end everything reaps back to one free
    /// segment.</summary>
    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    public void No_two_threads_hold_the_same_unit_of_a_cached_arena(FitPolicy policy)
    {
        using Arena<uint> arena = new("stress", 0, Units, 1, new ArenaOptions<uint> { Policy = policy, QuantumCacheMax = 16 });
        Run(arena);
        arena.Reap();
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(arena));
    }

    /// <summary>The same where space is short, so that caches are emptied and slabs dissolved all the time.</summary>
    [Fact]
    public void No_two_threads_hold_the_same_unit_of_a_cached_arena_that_is_nearly_full()
    {
        using Arena<uint> arena = new("stress", 0, Units / 2, 1, new ArenaOptions<uint> { QuantumCacheMax = 16 });
        Run(arena, rounds: Rounds / 10);
        arena.Reap();
        Assert.Equal($"{{0+{Units / 2}: (0+{Units / 2})}}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void No_two_threads_hold_the_same_unit_of_a_cached_arena_that_imports()
    {
        using Arena<uint> parent = new("parent", 0, Units, 64, new ArenaOptions<uint> { QuantumCacheMax = 256 });
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = parent, MinImport = 256, QuantumCacheMax = 16 });
        Run(arena, rounds: Rounds / 3);
        arena.Reap();
        parent.Reap();
        Assert.Equal(0u, arena.GetStatistics().TotalSize);
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(parent));
    }

    [Fact]
    public void Several_children_share_one_parent()
    {
        using Arena<uint> parent = new("parent", 0, Units, 64);
        int[] owners = new int[Units];
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, index =>
        {
            using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent, SingleThreaded = true });
            StressWorker worker = new(child, owners, index + 1);
            worker.Work(Rounds / 4);
            worker.FreeAll();
            child.Validate();
        });
        parent.Validate();
        Assert.Equal(0u, parent.GetStatistics().InUse);
    }

    /// <summary>What one thread frees another may double-free: exactly one of them is right.</summary>
    [Fact]
    public void Of_two_frees_of_one_range_exactly_one_succeeds()
    {
        using Arena<uint> arena = new("twice", 0, 1_000, 1);
        int succeeded = 0;
        const int Ranges = 500;
        for (int i = 0; i < Ranges; i++)
        {
            Assert.True(arena.TryAllocateHandle(1, out RangeHandle<uint> handle));
            using Barrier together = new(2);
            Exception? thrown = null;
            Thread other = new(() => thrown = Record.Exception(() => TryFree(() => arena.Free(handle), together, ref succeeded)));
            other.Start();
            TryFree(() => arena.Free(handle.Start, 1), together, ref succeeded);
            other.Join();
            Assert.Null(thrown);
        }

        Assert.Equal(Ranges, succeeded);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    private static void TryFree(Action free, Barrier together, ref int succeeded)
    {
        try
        {
            together.SignalAndWait();
            free();
            Interlocked.Increment(ref succeeded);
        }
        catch (InvalidFreeException wrong) when (wrong.Reason == InvalidFreeReason.AlreadyFree)
        {
        }
    }

    private static void Run(Arena<uint> arena, int rounds = Rounds)
    {
        int[] owners = new int[Units];
        ConcurrentQueue<Exception> failures = new();
        StressWorker[] workers = [.. Enumerable.Range(1, Threads).Select(id => new StressWorker(arena, owners, id))];
        int running = Threads;
        Thread[] threads =
        [
            .. workers.Select(worker =>
                new Thread(() => Guarded(failures, () => worker.Work(rounds), () => Interlocked.Decrement(ref running)))),
            new Thread(() => Guarded(failures, () => Watch(arena, ref running), () => { })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(failures);

        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(workers.Sum(worker => worker.Held), statistics.InUse);
        Assert.Equal(workers.Sum(worker => worker.Allocations), statistics.Allocations);
        Assert.Equal(workers.Sum(worker => worker.Allocations - worker.Ranges), statistics.Frees);
        Assert.Equal(workers.Sum(worker => worker.Ranges), statistics.LiveSegments);
        arena.Validate();
        Array.ForEach(workers, worker => worker.FreeAll());
        arena.Validate();
        Assert.Equal(0u, arena.GetStatistics().InUse);
        Assert.DoesNotContain(owners, owner => owner != 0);
    }

    private static void Guarded(ConcurrentQueue<Exception> failures, Action work, Action last)
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // A thread of a test hands over whatever went wrong.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            failures.Enqueue(failure);
        }
        finally
        {
            last();
        }
    }

    /// <summary>Looks at the arena in every way until the workers are done; what it sees must be in itself consistent.</summary>
    private static void Watch(Arena<uint> arena, ref int running)
    {
        SeededRandom random = new(99);
        while (Volatile.Read(ref running) > 0)
        {
            arena.Validate();
            ArenaStatistics<uint> statistics = arena.GetStatistics();
            Assert.Equal(statistics.TotalSize, statistics.InUse + statistics.Cached + statistics.Free);
            Assert.True(statistics.LargestFree <= statistics.Free);
            Assert.True(statistics.InUse <= statistics.PeakInUse);
            uint value = (uint)random.Below(Units);
            if (arena.TryGetSegment(value, out Segment<uint> segment))
            {
                Assert.InRange(value, segment.Start, segment.Start + segment.Size - 1);
            }

            arena.Explain(1 + (uint)random.Below(100), new() { Align = 16 });
            arena.Snapshot();
            uint last = 0;
            foreach (Segment<uint> seen in arena.GetSegments())
            {
                Assert.True(seen.Size > 0);
                Assert.True(seen.Start >= last, "Segments come in address order.");
                last = seen.Start;
            }
        }
    }
}
