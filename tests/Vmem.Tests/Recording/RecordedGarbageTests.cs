using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>Recording makes no garbage: neither the threads that are recorded nor the one that writes.</summary>
[Collection(nameof(Caching.Alone))]
public class RecordedGarbageTests
{
    private const int Rounds = 2_000;

    /// <summary>Its clock stands still: no upkeep takes magazines away, in whose place new ones would be made.</summary>
    [Theory]
    [InlineData(0ul)]
    [InlineData(128ul)]
    public void A_recorded_arena_makes_no_garbage(ulong cacheMax)
    {
        using Arena<ulong> arena =
            new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax, TimeProvider = new ManualTime() });
        using ArenaRecording recording = arena.Record(
            Stream.Null,
            new ArenaRecordingOptions { MaxWait = Timeout.InfiniteTimeSpan, Capacity = 1 << 10 });
        ulong[] starts = new ulong[16];
        Run(arena, starts);
        long own = GC.GetAllocatedBytesForCurrentThread();
        long all = GC.GetTotalAllocatedBytes(precise: true);
        Run(arena, starts);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - own);
        // What else goes on in the process is a little of the runner's: less than a byte for each of the 78,000 operations.
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - all, 0, Rounds * 39);
    }

    private static void Run(Arena<ulong> arena, ulong[] starts)
    {
        for (int i = 0; i < Rounds; i++)
        {
            arena.Free(arena.Allocate(100), 100);
            ulong start = arena.Allocate(300);
            arena.TryExtend(start, 300, 200);
            arena.Free(start, 200);
            arena.TryAllocateHandle(200, out RangeHandle<ulong> handle);
            arena.Free(handle);
            arena.FreeMany(starts.AsSpan(0, arena.TryAllocateMany(40, starts)), 40);
        }
    }
}
