using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// Threads replace ranges of their own on one allocator for a while; returns the median of million replacements a second, all threads
/// together. Counts are kept in locals and added up at the end: the threads share the allocator and the flag that stops them, nothing else.
/// </summary>
internal sealed class ThreadsExperiment<TLaw>(int segments, int threads, int runs, double seconds) : IExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const ulong CapacityPerSegment = 65;
    private const int WarmUpChunks = 200;

    // Replacements between two looks at the flag, and the unit of counting.
    private const int ChunkLength = 64;

    private volatile bool _stop;

    public double Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        double[] rates = new double[runs];
        for (int run = -1; run < runs; run++)
        {
            double rate = RunOnce<TTarget, TTicket>(make);
            if (run >= 0)
            {
                rates[run] = rate;
            }
        }
        return Median.Of(rates);
    }

    private double RunOnce<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        TTarget target = make(CapacityPerSegment * (ulong)segments);
        long[] counts = new long[threads];
        _stop = false;
        using var ready = new Barrier(threads + 1);
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int index = i;
            workers[i] = new Thread(() => counts[index] = Work<TTarget, TTicket>(target, index, ready)) { IsBackground = true };
            workers[i].Start();
        }
        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        _stop = true;
        double elapsed = Clock.NanosecondsSince(begin);
        foreach (Thread worker in workers)
        {
            worker.Join();
        }
        target.Dispose();
        return counts.Sum() * 1e3 / elapsed;
    }

    private long Work<TTarget, TTicket>(TTarget target, int index, Barrier ready)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        var tickets = new TTicket[segments / threads];
        // Odd multiples of the seed: sequences that differ, none of them zero.
        var random = new Xorshift64(Xorshift64.DefaultSeed * ((2 * (ulong)index) + 1));
        foreach (ref TTicket slot in tickets.AsSpan())
        {
            target.TryAllocate(TLaw.Draw(ref random), out slot);
        }
        for (int i = 0; i < WarmUpChunks; i++)
        {
            ReplaceChunk(target, tickets, ref random);
        }
        ready.SignalAndWait();
        long chunks = 0;
        while (!_stop)
        {
            ReplaceChunk(target, tickets, ref random);
            chunks++;
        }
        return chunks * ChunkLength;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReplaceChunk<TTarget, TTicket>(TTarget target, TTicket[] tickets, ref Xorshift64 random)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
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
