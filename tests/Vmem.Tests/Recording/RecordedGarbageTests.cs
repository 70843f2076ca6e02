using Vmem.Testing.Internals;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>Recording makes no garbage: neither the threads that are recorded nor the one that writes.</summary>
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
        using WatchedStream stream = new();
        using ArenaRecording recording = arena.Record(
            stream,
            new ArenaRecordingOptions { MaxWait = Timeout.InfiniteTimeSpan, Capacity = 1 << 10 });
        ulong[] starts = new ulong[16];
        Assert.Equal(0, Garbage.Of(1, () => Run(arena, starts), () => stream.AllocatedByWriter));
        Assert.InRange(stream.Writes, 20, int.MaxValue);         // of 64 KB at most, and all in all it is some 2 MB
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

    /// <summary>Keeps nothing, but how much the thread that writes had allocated when it wrote last.</summary>
    private sealed class WatchedStream : MemoryStream
    {
        private long _allocated;
        private int _writes;

        public long AllocatedByWriter => Volatile.Read(ref _allocated);

        public int Writes => Volatile.Read(ref _writes);

        public override void Write(byte[] buffer, int offset, int count)
        {
            Volatile.Write(ref _allocated, GC.GetAllocatedBytesForCurrentThread());
            Volatile.Write(ref _writes, _writes + 1);
        }
    }
}
