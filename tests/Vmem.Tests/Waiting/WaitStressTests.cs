using System.Collections.Concurrent;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>Threads that wait in every way, give up at random, and mark what they hold so that an overlap is seen at once.</summary>
public class WaitStressTests
{
    private const int Units = 256;
    private const int Threads = 6;
    private const int Rounds = 3_000;

    // Only reached when a test fails.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly int[] _owners = new int[Units];
    private readonly ConcurrentQueue<Exception> _failures = new();
    private readonly CancellationTokenSource?[] _waits = new CancellationTokenSource?[Threads];
    private long _cancelled;
    private long _granted;

    /// <summary>Then the work goes on: the thread that cancels may have had no turn yet.</summary>
    private bool IsNobodyCancelled => Interlocked.Read(ref _cancelled) == 0 && _failures.IsEmpty;

    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    public void Nobody_hangs_and_no_two_hold_the_same_unit(uint cacheMax)
    {
        using Arena<uint> arena = new("stress", 0, Units, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        Run(_ => arena, arena);
        arena.Validate();
        arena.Reap();
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(arena));
        Assert.True(arena.GetStatistics().Waits > 0);
        Assert.Equal(_granted, arena.GetStatistics().Allocations);
    }

    [Fact]
    public void Nobody_hangs_in_arenas_that_share_a_source()
    {
        using Arena<uint> ground = new("ground", 0, Units, 16);
        using Arena<uint> middle = new("middle", 4, new ArenaOptions<uint> { Source = ground });
        Arena<uint>[] arenas = [
            new("one", 1, new ArenaOptions<uint> { Source = middle }),
            new("other", 1, new ArenaOptions<uint> { Source = middle, RetainedImport = 32 }),
            ground
        ];
        Run(index => arenas[index % arenas.Length], arenas[0], arenas[1], middle);
        Assert.All([arenas[0], arenas[1], middle], arena =>
        {
            arena.Validate();
            Assert.Equal(0u, arena.GetStatistics().InUse);
        });
        arenas[0].Dispose();
        arenas[1].Dispose();
        middle.Reap();
        Assert.Equal($"{{0+{Units}: (0+{Units})}}", ArenaPicture.Segments(ground));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    public void Disposal_in_the_middle_ends_every_wait(uint cacheMax)
    {
        for (int i = 0; i < 200; i++)
        {
            Arena<uint> arena = new("short", 0, 16, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
            using Barrier together = new(4);
            Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() => Guarded(() =>
            {
                together.SignalAndWait();
                while (true)
                {
                    Assert.True(arena.TryAllocate(12, Timeout.InfiniteTimeSpan, out uint start));
                    arena.Free(start, 12);
                }
            })) { IsBackground = true })];
            Array.ForEach(threads, thread => thread.Start());
            together.SignalAndWait();
            Thread.SpinWait(i * 10);
            arena.Dispose();
            Array.ForEach(threads, thread => Assert.True(thread.Join(s_patience), "Somebody goes on waiting."));
        }

        Assert.Equal(600, _failures.Count);
        Assert.All(_failures, failure => Assert.IsType<ObjectDisposedException>(failure));
    }

    private void Run(Func<int, Arena<uint>> pick, params Arena<uint>[] reaped)
    {
        int running = Threads;
        Thread[] threads =
        [
            .. Enumerable.Range(0, Threads).Select(index => new Thread(() =>
            {
                Guarded(() => Work(pick(index), reaped, index));
                Interlocked.Decrement(ref running);
            }) { IsBackground = true }),
            new Thread(() => Guarded(() => CancelAtRandom(ref running))) { IsBackground = true },
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(s_patience), "Somebody goes on waiting."));
        Assert.Empty(_failures);
        Assert.DoesNotContain(_owners, owner => owner != 0);
        Assert.True(_cancelled > 0, "Nobody gave up.");
    }

    /// <summary>Holds one range at a time, so that everybody who waits is served in the end.</summary>
    private void Work(Arena<uint> arena, Arena<uint>[] reaped, int index)
    {
        SeededRandom random = new((ulong)index);
        for (int i = 0; i < Night.Scaled(Rounds) || IsNobodyCancelled; i++)
        {
            uint size = (uint)(1 + random.Below(random.Below(4) == 0 ? 200 : 100));
            CancellationTokenSource cancel = new();
            Volatile.Write(ref _waits[index], cancel);
            try
            {
                if (Take(arena, size, random, cancel.Token) is { } start)
                {
                    Interlocked.Increment(ref _granted);
                    Mark(start, size, 0, index + 1);
                    Thread.SpinWait(random.Below(200));
                    Mark(start, size, index + 1, 0);
                    arena.Free(start, size);
                }
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _cancelled);
            }

            // What one arena retains, somebody in another may wait for.
            Array.ForEach(reaped, retaining => retaining.Reap());
        }
    }

    private static uint? Take(Arena<uint> arena, uint size, SeededRandom random, CancellationToken cancellation)
    {
        RangeConstraints<uint> constraints = new() { Align = arena.Quantum << random.Below(4) };
        FitPolicy policy = (FitPolicy)random.Below(7);
        uint start;
        switch (random.Below(5))
        {
            case 0:
                return arena.TryAllocate(size, Timeout.InfiniteTimeSpan, out start, cancellation) ? start : null;
            case 1:
                return arena.TryAllocateConstrained(size, constraints, policy, Timeout.InfiniteTimeSpan, out start, cancellation)
                    ? start
                    : null;
            case 2:
                return arena.TryAllocate(size, policy, TimeSpan.FromMilliseconds(1 + random.Below(3)), out start, cancellation)
                    ? start
                    : null;
            case 3:
                return arena.TryAllocate(size, out start) ? start : null;
            default:
                return arena.AllocateAsync(size, constraints, policy, cancellation).AsTask().GetAwaiter().GetResult();
        }
    }

    private void CancelAtRandom(ref int running)
    {
        SeededRandom random = new(99);
        while (Volatile.Read(ref running) > 0)
        {
            Volatile.Read(ref _waits[random.Below(Threads)])?.Cancel();
            Thread.Yield();
        }
    }

    private void Guarded(Action work)
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // A thread of a test hands over whatever went wrong.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _failures.Enqueue(failure);
        }
    }

    private void Mark(uint start, uint size, int from, int to)
    {
        for (uint unit = start; unit < start + size; unit++)
        {
            int owner = Interlocked.CompareExchange(ref _owners[unit], to, from);
            if (owner != from)
            {
                throw new InvalidOperationException($"Unit {unit} belongs to {owner} and not to {from}.");
            }
        }
    }
}
