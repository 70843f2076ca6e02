using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>First in first out: the oldest of the live ranges is freed and a new one allocated, round and round. What rings, streams and
/// frame allocators do.</summary>
/// <returns>Nanoseconds for a free and an allocation, generator included; the median of the runs.</returns>
internal sealed class QueueExperiment<TLaw>(int length, ulong capacityPerSegment, int runs) : IExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const int Pairs = 1_000_000;
    private const int ChunkLength = 1_000;

    public double Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
        => Rounds.Median(Rounds.Alone(runs, () => RunOnce<TTarget, TTicket>(make(capacityPerSegment * (ulong)length))));

    private double RunOnce<TTarget, TTicket>(TTarget target)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        var tickets = new TTicket[length];
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        foreach (ref TTicket slot in tickets.AsSpan())
        {
            Require(target.TryAllocate(TLaw.Draw(ref random), out slot));
        }
        int oldest = 0;
        RoundChunk(target, tickets, ref random, ref oldest, length);
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Pairs / ChunkLength; i++)
        {
            RoundChunk(target, tickets, ref random, ref oldest, ChunkLength);
        }
        double elapsed = Clock.NanosecondsSince(begin);
        target.Dispose();
        return elapsed / Pairs;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RoundChunk<TTarget, TTicket>(TTarget target, TTicket[] tickets, ref Xorshift64 random, ref int oldest, int count)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        Xorshift64 local = random;
        int position = oldest;
        for (int i = 0; i < count; i++)
        {
            ref TTicket slot = ref tickets[position];
            target.Free(in slot);
            Require(target.TryAllocate(TLaw.Draw(ref local), out slot));
            position = position + 1 == tickets.Length ? 0 : position + 1;
        }
        oldest = position;
        random = local;
    }

    private static void Require(bool found)
    {
        if (!found)
        {
            throw new InvalidOperationException("A queue in an arena half empty found no room.");
        }
    }
}
