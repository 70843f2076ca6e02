using System.Collections.Concurrent;
using Vmem.Testing.Generation;
using Vmem.Testing.Recording;
using Vmem.Tests.Concurrency;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>Eight threads use an arena in every way while it is recorded; what the recording says makes sense line by line, and ends with
/// just what the arena holds.</summary>
[Collection(nameof(Caching.Alone))]
public class RecordedStormTests
{
    private const int Threads = 8;
    private const int Units = 1 << 14;

    [Theory]
    [InlineData(0u, 1 << 16)]
    [InlineData(16u, 1 << 16)]
    [InlineData(16u, 16)]
    public void A_recording_of_a_storm_replays(uint cacheMax, int capacity)
    {
        using Arena<uint> arena = new("storm", 0, Units, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        int[] owners = new int[Units];
        StressWorker[] workers = [.. Enumerable.Range(1, Threads).Select(id => new StressWorker(arena, owners, id))];
        Storm(workers, 500, () => { });
        using RecordedArena<uint> recorded = new(arena, capacity);
        Storm(workers, capacity < 1_000 ? 2_000 : 10_000, () => Wait(arena));
        Assert.True(recorded.Check().Events > 10_000);
        Array.ForEach(workers, static worker => worker.FreeAll());
        arena.Validate();
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    /// <summary>Recordings begin and end in the middle of the storm. Each makes sense by itself: what the arena holds at its end is known
    /// to nobody, but no line contradicts those before it.</summary>
    [Fact]
    public void Recordings_that_begin_and_end_in_a_storm_replay()
    {
        using Arena<uint> arena = new("storm", 0, Units, 1, new ArenaOptions<uint> { QuantumCacheMax = 16 });
        int[] owners = new int[Units];
        StressWorker[] workers = [.. Enumerable.Range(1, Threads / 2).Select(id => new StressWorker(arena, owners, id))];
        List<byte[]> recordings = [];
        int running = 1;
        Thread recorder = new(() =>
        {
            do
            {
                using MemoryStream stream = new();
                using (arena.Record(stream, new ArenaRecordingOptions { Capacity = 1 << 10, MaxWait = Timeout.InfiniteTimeSpan }))
                {
                    Thread.Yield();
                }

                recordings.Add(stream.ToArray());
            }
            while (Volatile.Read(ref running) != 0);
        });
        recorder.Start();
        Storm(workers, 20_000, () => { });
        Volatile.Write(ref running, 0);
        recorder.Join();
        Assert.NotEmpty(recordings);
        recordings.ForEach(static recording => RecordedRanges.Read(recording));
        Array.ForEach(workers, static worker => worker.FreeAll());
        arena.Validate();
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    private static void Storm(StressWorker[] workers, int rounds, Action besides)
    {
        ConcurrentQueue<Exception> failures = new();
        Thread[] threads = [
            .. workers.Select(worker => new Thread(() => Guarded(failures, () => worker.Work(rounds)))),
            new Thread(() => Guarded(failures, besides))
        ];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.Empty(failures);
    }

    /// <summary>Requests that wait, some in vain, while others come and go.</summary>
    private static void Wait(Arena<uint> arena)
    {
        SeededRandom random = new(7);
        for (int i = 0; i < 50; i++)
        {
            uint size = (uint)(1 + random.Below(Units / 2));
            if (arena.TryAllocate(size, TimeSpan.FromMilliseconds(1), out uint start))
            {
                arena.Free(start, size);
            }
        }
    }

    private static void Guarded(ConcurrentQueue<Exception> failures, Action work)
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
    }
}
