using System.Collections.Concurrent;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Concurrency;

/// <summary>Threads are interrupted without pause, wherever they are. Only a call that waits for room may say so. Everything else goes on,
/// and nothing is left half done.</summary>
public class InterruptStormTests
{
    private const int Workers = 4;
    private const int Rounds = 3_000;
    private const uint Size = 4_096;

    private readonly ConcurrentQueue<Exception> _failures = new();
    private int _working;
    private long _interrupts;

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void An_arena_and_those_who_wait_in_it_withstand_the_storm(uint cached)
    {
        using Arena<uint> root = new("root", 0, Size, 64);
        using (Arena<uint> arena = new("storm", 1, new ArenaOptions<uint> { QuantumCacheMax = cached, Source = root }))
        {
            Storm(worker => Use(arena, worker));
            arena.Validate();
            Assert.Equal(0u, arena.GetStatistics().InUse);
            for (int frees = 0; frees < 8_192 && arena.GetStatistics().Cached == 0 && cached > 0; frees++)
            {
                arena.Free(arena.Allocate(1), 1);
            }

            Assert.Equal(cached > 0, arena.GetStatistics().Cached > 0);      // caches that were closed open again
            Assert.True(arena.TryAllocate(Size, out uint all));
            arena.Free(all, Size);
        }

        Assert.Equal(0u, root.GetStatistics().InUse);
        root.Validate();
    }

    [Fact]
    public void An_object_cache_withstands_the_storm()
    {
        int made = 0;
        int ended = 0;
        ObjectCache<object> cache = new("storm", () =>
        {
            _ = Interlocked.Increment(ref made);
            return new object();
        }, _ => Interlocked.Increment(ref ended));
        Storm(worker =>
        {
            List<object> rented = [.. Enumerable.Range(0, 40).Select(_ => cache.Rent())];
            rented.ForEach(cache.Return);
            if (worker.Below(8) == 0)
            {
                Assert.InRange(cache.GetStatistics().Rented, 0, 40 * Workers);
                _ = cache.Reap();
            }
        });
        Assert.Equal(0, cache.GetStatistics().Rented);
        cache.Dispose();
        Assert.Equal(made, ended);
    }

    /// <summary>Of each round one thread disposes, while others wait and free: each is told, and the source has all back.</summary>
    [Fact]
    public void Disposing_withstands_the_storm()
    {
        using Arena<uint> root = new("root", 0, 1 << 20, 64);
        Task[] waits = new Task[Workers * Rounds];              // looked at afterwards: a task has a lock of its own
        int begun = 0;
        Storm(random =>
        {
            Arena<uint> arena = new("storm", 1, new ArenaOptions<uint> { QuantumCacheMax = 8, Source = root, Limit = 64 });
            _ = arena.Allocate(64 - (uint)random.Below(8));
            Task first = arena.AllocateAsync(16).AsTask();
            waits[Interlocked.Increment(ref begun) - 1] = arena.AllocateAsync(64).AsTask();
            arena.Dispose();
            Assert.True(first.IsFaulted);
        });
        Assert.All(waits, wait => Assert.IsType<ObjectDisposedException>(wait.Exception?.InnerException));
        Assert.Equal(0u, root.GetStatistics().InUse);
        root.Validate();
    }

    private static void Use(Arena<uint> arena, SeededRandom random)
    {
        uint size = (uint)(1 + random.Below(16));
        switch (random.Below(16))
        {
            case 0:
                _ = arena.GetStatistics();
                break;
            case 1:
                arena.Validate();
                break;
            case 2:
                _ = arena.Reap();
                break;
            case 3:
                Wait(arena);
                break;
            default:
                if (arena.TryAllocate(size, out uint start))
                {
                    arena.Free(start, size);
                }

                break;
        }
    }

    /// <summary>Half of all at once: two who hold it make a third wait.</summary>
    private static void Wait(Arena<uint> arena)
    {
        bool met = false;
        uint start = 0;
        try
        {
            met = arena.TryAllocate(Size / 2, TimeSpan.FromMinutes(1), out start);
        }
        catch (ThreadInterruptedException)
        {
            // It waited, holds nothing, and waits no more.
        }

        if (met)
        {
            arena.Free(start, Size / 2);
        }
    }

    private void Storm(Action<SeededRandom> round)
    {
        _working = Workers;
        Thread[] workers = [.. Enumerable.Range(0, Workers).Select(id => new Thread(() => Work(round, id)))];
        Array.ForEach(workers, worker => worker.Start());
        while (Volatile.Read(ref _working) > 0)
        {
            foreach (Thread worker in workers)
            {
                worker.Interrupt();
                _ = Interlocked.Increment(ref _interrupts);
            }

            Thread.Yield();
        }

        Array.ForEach(workers, Join);
        Assert.Empty(_failures);
        Assert.True(_interrupts >= Workers);

        static void Join(Thread worker) => Assert.True(worker.Join(TimeSpan.FromMinutes(2)), "A thread hangs.");
    }

    private void Work(Action<SeededRandom> round, int id)
    {
        SeededRandom random = new((ulong)id + 1);
        while (Interlocked.Read(ref _interrupts) == 0)
        {
            _ = Thread.Yield();                   // else all may be over before it begins
        }

        for (int i = 0; i < Rounds && _failures.IsEmpty; i++)
        {
            try
            {
                round(random);
            }
            catch (Exception failure)
            {
                _failures.Enqueue(failure);
            }
        }

        _ = Interlocked.Decrement(ref _working);
    }
}
