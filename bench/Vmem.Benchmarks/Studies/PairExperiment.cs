using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Some runs of a million pairs, each on a fresh allocator, after one that only warms up; returns the median time of a pair in
/// nanoseconds.</summary>
internal sealed class PairExperiment<TLaw>(int runs) : IExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const ulong Capacity = 1 << 20;
    private const int Pairs = 1_000_000;
    private const int ChunkLength = 1_000;

    public double Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
        => Rounds.Median(Rounds.Alone(runs, () =>
        {
            using TTarget target = make(Capacity);
            var random = new Xorshift64(Xorshift64.DefaultSeed);
            long begin = Stopwatch.GetTimestamp();
            for (int i = 0; i < Pairs / ChunkLength; i++)
            {
                PairChunk<TTarget, TTicket>(target, ref random);
            }

            return Clock.NanosecondsSince(begin) / Pairs;
        }));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PairChunk<TTarget, TTicket>(TTarget target, ref Xorshift64 random)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        Xorshift64 local = random;
        for (int i = 0; i < ChunkLength; i++)
        {
            if (target.TryAllocate(TLaw.Draw(ref local), out TTicket ticket))
            {
                target.Free(in ticket);
            }
        }
        random = local;
    }
}
