using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Threads replace ranges of their own on one allocator for a while; returns the median of million replacements a second, all
/// threads together.</summary>
internal sealed class ThreadsExperiment<TLaw>(int segments, int threads, int runs, double seconds) : IExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const ulong CapacityPerSegment = 65;
    private const int WarmUpChunks = 200;
    private const int ChunkLength = 64;

    public double Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
        => Rounds.Median(Rounds.Alone(runs, () =>
        {
            using TTarget target = make(CapacityPerSegment * (ulong)segments);
            TTarget shared = target;
            CrewTimes times = Crew.Work(threads, seconds, index => new Shift<TTarget, TTicket>(shared, segments / threads, index));
            return times.Chunks * ChunkLength * 1e3 / times.Nanoseconds;
        }));

    private struct Shift<TTarget, TTicket> : IShift
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        private readonly TTarget _target;
        private readonly TTicket[] _tickets;
        private Xorshift64 _random;

        public Shift(TTarget target, int segments, int index)
        {
            _target = target;
            _tickets = new TTicket[segments];
            _random = Xorshift64.Of(index);
            foreach (ref TTicket slot in _tickets.AsSpan())
            {
                target.TryAllocate(TLaw.Draw(ref _random), out slot);
            }
        }

        public void Settle()
        {
            for (int i = 0; i < WarmUpChunks; i++)
            {
                RunChunk();
            }
        }

        public void RunChunk() => ReplaceChunk(_target, _tickets, ref _random);

        public readonly void Dispose()
        {
            // The allocator ends with its ranges.
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void ReplaceChunk(TTarget target, TTicket[] tickets, ref Xorshift64 random)
        {
            Xorshift64 local = random;
            for (int i = 0; i < ChunkLength; i++)
            {
                ref TTicket slot = ref tickets[local.Index(tickets.Length)];
                target.Free(in slot);
                if (!target.TryAllocate(TLaw.Draw(ref local), out slot))
                {
                    throw new InvalidOperationException("An arena half empty found no room.");
                }
            }

            random = local;
        }
    }
}
