using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>How long operations of each kind took.</summary>
internal sealed record LatencyTimes(Latencies Pairs, Latencies Failures, Latencies Statistics, Latencies Clock)
{
    public LatencyTimes()
        : this(new Latencies(), new Latencies(), new Latencies(), new Latencies())
    {
    }

    public void Add(LatencyTimes other)
    {
        Pairs.Add(other.Pairs);
        Failures.Add(other.Failures);
        Statistics.Add(other.Statistics);
        Clock.Add(other.Clock);
    }

    public void Clear()
    {
        Pairs.Clear();
        Failures.Clear();
        Statistics.Clear();
        Clock.Clear();
    }
}

/// <summary>Threads that keep some ranges each and replace them, fail now and then, and look at the statistics more rarely.</summary>
internal static class LatencyExperiment
{
    /// <summary>The arena's units. One in the middle is held throughout, so that a request for more than half never fits.</summary>
    public const uint Units = 1 << 16;

    private const int Held = 16;                  // ranges a thread
    private const uint MostUnits = 8;             // of a range
    private const int Pairs = 64;                 // in a chunk, and then a failing request
    private const int ChunksPerStatistics = 64;
    private const int WarmUpChunks = 500;

    public static LatencyTimes Run<TTarget>(int threads, double seconds)
        where TTarget : struct, ILatencyTarget<TTarget>
    {
        var all = new LatencyTimes();
        using TTarget target = TTarget.Create();
        TTarget shared = target;
        _ = Crew.Work(threads, seconds, index => new Shift<TTarget>(shared, index, all));
        return all;
    }

    private struct Shift<TTarget> : IShift
        where TTarget : struct, ILatencyTarget<TTarget>
    {
        private readonly TTarget _target;
        private readonly LatencyTimes _all;
        private readonly LatencyTimes _mine = new();
        private readonly (uint Start, uint Size)[] _ranges = new (uint, uint)[Held];
        private Xorshift64 _random;
        private int _chunks;

        public Shift(TTarget target, int index, LatencyTimes all)
        {
            _target = target;
            _all = all;
            _random = Xorshift64.Of(index);
            for (int i = 0; i < Held; i++)
            {
                Take(i);
            }
        }

        public void Settle()
        {
            for (int i = 0; i < WarmUpChunks; i++)
            {
                RunChunk();
                _target.Look();
            }

            _mine.Clear();
        }

        public void RunChunk()
        {
            for (int i = 0; i < Pairs; i++)
            {
                int index = _random.Index(Held);
                uint size = 1 + (uint)_random.Index((int)MostUnits);
                long begin = Stopwatch.GetTimestamp();
                _target.Free(_ranges[index].Start, _ranges[index].Size);
                bool taken = _target.TryAllocate(size, out uint start);
                _mine.Pairs.Note(Stopwatch.GetTimestamp() - begin);
                _ranges[index] = taken ? (start, size) : throw new InvalidOperationException("An arena that is nearly empty found no room.");
            }

            long failing = Stopwatch.GetTimestamp();
            bool met = _target.TryAllocate((Units / 2) + 1, out _);
            _mine.Failures.Note(Stopwatch.GetTimestamp() - failing);
            if (met)
            {
                throw new InvalidOperationException("A range was found where another lies.");
            }

            if (_chunks++ % ChunksPerStatistics == 0)
            {
                long looking = Stopwatch.GetTimestamp();
                _target.Look();
                _mine.Statistics.Note(Stopwatch.GetTimestamp() - looking);
            }

            long nothing = Stopwatch.GetTimestamp();
            _mine.Clock.Note(Stopwatch.GetTimestamp() - nothing);
        }

        public readonly void Dispose()
        {
            lock (_all)
            {
                _all.Add(_mine);
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Take(int index)
        {
            uint size = 1 + (uint)_random.Index((int)MostUnits);
            _ranges[index] = _target.TryAllocate(size, out uint start) ? (start, size) : throw new InvalidOperationException("No room.");
        }
    }
}
