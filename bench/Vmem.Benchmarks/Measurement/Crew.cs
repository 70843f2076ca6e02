using System.Diagnostics;

namespace Vmem.Benchmarks.Measurement;

/// <summary>What one thread of a <see cref="Crew"/> does. A struct, so that the JIT compiles the loop around it for each.</summary>
internal interface IShift : IDisposable
{
    /// <summary>Before the clock starts: until what is used is in its steady state.</summary>
    void Settle();

    /// <summary>Some operations: enough that looking at the flag that ends the work weighs nothing.</summary>
    void RunChunk();
}

/// <param name="Nanoseconds">Elapsed.</param>
/// <param name="Chunks">Run by all threads together.</param>
/// <param name="ManagedBytes">Allocated by all threads meanwhile.</param>
internal readonly record struct CrewTimes(double Nanoseconds, long Chunks, long ManagedBytes);

/// <summary>
/// Threads that work side by side. They start the timed part together. They share what they work on and the flag that stops them, nothing
/// else: counts are kept in locals and added up at the end.
/// </summary>
internal sealed class Crew
{
    private volatile bool _stop;

    private Crew()
    {
    }

    /// <summary>Lets threads work for a while.</summary>
    /// <param name="threads">How many.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="begin">Makes the work of the thread with this number; called on that thread.</param>
    public static CrewTimes Work<TShift>(int threads, double seconds, Func<int, TShift> begin)
        where TShift : struct, IShift
    {
        var crew = new Crew();
        var results = new CrewTimes[threads];
        double elapsed = Run(
            threads,
            (index, ready) => results[index] = crew.Repeat(begin(index), ready),
            () =>
            {
                Thread.Sleep(TimeSpan.FromSeconds(seconds));
                crew._stop = true;
            });
        return new CrewTimes(elapsed, results.Sum(result => result.Chunks), results.Sum(result => result.ManagedBytes));
    }

    /// <summary>Two threads hand something over, a batch at a time: each takes its step so many times.</summary>
    public static CrewTimes HandOver(int settlingBatches, int batches, Action give, Action take)
    {
        Action[] steps = [give, take];
        long[] bytes = new long[steps.Length];
        long begin = 0;
        _ = Run(
            steps.Length,
            (index, ready) => bytes[index] = Repeat(steps[index], settlingBatches, batches, ready),
            () => begin = Stopwatch.GetTimestamp());
        return new CrewTimes(Clock.NanosecondsSince(begin), batches, bytes.Sum());
    }

    // The time from when all are ready until the wait is over; all threads have ended when it returns.
    private static double Run(int threads, Action<int, Barrier> work, Action wait)
    {
        using var ready = new Barrier(threads + 1);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(index => new Thread(() => work(index, ready)) { IsBackground = true })];
        Array.ForEach(workers, worker => worker.Start());
        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        wait();
        double elapsed = Clock.NanosecondsSince(begin);
        Array.ForEach(workers, worker => worker.Join());
        return elapsed;
    }

    private CrewTimes Repeat<TShift>(TShift shift, Barrier ready)
        where TShift : struct, IShift
    {
        shift.Settle();
        ready.SignalAndWait();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long chunks = 0;
        while (!_stop)
        {
            shift.RunChunk();
            chunks++;
        }

        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        shift.Dispose();
        return new CrewTimes(0, chunks, bytes);
    }

    private static long Repeat(Action step, int settlingBatches, int batches, Barrier ready)
    {
        for (int i = 0; i < settlingBatches; i++)
        {
            step();
        }

        ready.SignalAndWait();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < batches; i++)
        {
            step();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
