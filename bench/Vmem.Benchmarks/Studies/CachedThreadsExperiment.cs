using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Threads replace ranges of their own, sizes 1 to 8, on one arena for a while; the median of million replacements a second, all
/// threads together. With one live range a thread this is the pair: free it and allocate another.</summary>
internal sealed class CachedThreadsExperiment(int threads, int liveRanges, int runs, double seconds)
{
    private const int ChunkLength = 64;
    private const int WarmUpChunks = 20_000;
    private const ulong MaxSize = 8;

    public double Run(bool cached) => Rounds.Median(Enumerable.Range(0, runs).Select(_ => RunOnce(cached)));

    private double RunOnce(bool cached)
    {
        using var arena = new Arena<ulong>("threads", 0, 1 << 24, 1, new ArenaOptions<ulong> { QuantumCacheMax = cached ? MaxSize : 0 });
        CrewTimes times = Crew.Work(threads, seconds, index => new Shift(arena, liveRanges, index));
        arena.Validate();
        return times.Chunks * ChunkLength * 1e3 / times.Nanoseconds;
    }

    private struct Shift : IShift
    {
        private readonly Arena<ulong> _arena;
        private readonly (ulong Start, ulong Size)[] _ranges;
        private Xorshift64 _random;

        public Shift(Arena<ulong> arena, int liveRanges, int index)
        {
            _arena = arena;
            _ranges = new (ulong, ulong)[liveRanges];
            _random = Xorshift64.Of(index);
            for (int i = 0; i < _ranges.Length; i++)
            {
                ulong size = 1 + (ulong)_random.Index((int)MaxSize);
                _ranges[i] = (arena.Allocate(size), size);
            }
        }

        public void Settle()
        {
            RunChunks();
            Rounds.LetCompile();
            RunChunks();
        }

        public void RunChunk() => ReplaceChunk(_arena, _ranges, ref _random);

        public readonly void Dispose()
        {
            // The arena ends with its ranges.
        }

        private void RunChunks()
        {
            for (int i = 0; i < WarmUpChunks; i++)
            {
                RunChunk();
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void ReplaceChunk(Arena<ulong> arena, (ulong Start, ulong Size)[] ranges, ref Xorshift64 random)
        {
            Xorshift64 local = random;
            for (int i = 0; i < ChunkLength; i++)
            {
                ref (ulong Start, ulong Size) slot = ref ranges[local.Index(ranges.Length)];
                arena.Free(slot.Start, slot.Size);
                ulong size = 1 + (ulong)local.Index((int)MaxSize);
                slot = (arena.Allocate(size), size);
            }

            random = local;
        }
    }
}
