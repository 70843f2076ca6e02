using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>One operation that took long: its processor time, and the how-manieth it was.</summary>
internal readonly record struct Pause(long Nanoseconds, long Operation);

/// <summary>What was seen while growing.</summary>
/// <param name="Segments">Live ranges at the end.</param>
/// <param name="Wall">The longest operation by the wall clock, in nanoseconds.</param>
/// <param name="Longest">The ten longest operations by processor time, longest first.</param>
/// <param name="Quantile">The 99.999th percentile in nanoseconds, rounded up to a power of two.</param>
/// <param name="Long">Operations of more than 100 µs.</param>
/// <param name="Collections">Garbage collections meanwhile, of every generation.</param>
internal sealed record PauseTimes(int Segments, double Wall, IReadOnlyList<Pause> Longest, double Quantile, long Long, int Collections);

/// <summary>
/// Grows an allocator and times every operation alone, by the wall clock and by the thread's processor time. The reads of the clocks cost
/// more than an operation, which does not matter here: the search is for a thousand times more. The ten longest are kept in a small sorted
/// array, guarded by one comparison; a histogram by powers of two gives the tail.
/// </summary>
internal sealed class PauseExperiment(int segments) : IExperiment<PauseTimes>
{
    private const int Kept = 10;
    private const int AllocationsPerFree = 3;
    private const long LongNanoseconds = 100_000;
    private const double TailFraction = 1e-5;

    private readonly Pause[] _longest = new Pause[Kept];
    private readonly long[] _histogram = new long[64];
    private long _operation;
    private long _long;
    private long _wallTicks;

    public PauseTimes Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        Grow<TTarget, TTicket>(make, 100_000);
        Rounds.LetCompile();
        int collections = Grow<TTarget, TTicket>(make, segments);
        return new PauseTimes(segments, Clock.Nanoseconds(_wallTicks), [.. _longest], Tail(), _long, collections);
    }

    // Returns the number of garbage collections meanwhile.
    private int Grow<TTarget, TTicket>(TargetFactory<TTarget> make, int count)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        Array.Clear(_longest);
        Array.Clear(_histogram);
        _operation = 0;
        _long = 0;
        _wallTicks = 0;
        var tickets = new TTicket[count];
        Array.Fill(tickets, default);
        using TTarget target = make(65 * (ulong)count);
        GC.Collect();
        int before = Collections();
        GrowTo(target, tickets);
        return Collections() - before;
    }

    private void GrowTo<TTarget, TTicket>(TTarget target, TTicket[] tickets)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        int live = 0;
        while (true)
        {
            for (int i = 0; i < AllocationsPerFree; i++)
            {
                if (live == tickets.Length)
                {
                    return;
                }
                ulong size = UniformTo64.Draw(ref random);
                TimeAllocate(target, size, ref tickets[live++]);
            }
            int freed = random.Index(live);
            TimeFree(target, ref tickets[freed]);
            tickets[freed] = tickets[--live];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TimeAllocate<TTarget, TTicket>(TTarget target, ulong size, ref TTicket ticket)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        long processor = ThreadClock.Now();
        long wall = Stopwatch.GetTimestamp();
        bool found = target.TryAllocate(size, out ticket);
        Observe(Stopwatch.GetTimestamp() - wall, ThreadClock.Now() - processor);
        if (!found)
        {
            throw new InvalidOperationException("An arena half empty found no room.");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TimeFree<TTarget, TTicket>(TTarget target, ref TTicket ticket)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        long processor = ThreadClock.Now();
        long wall = Stopwatch.GetTimestamp();
        target.Free(in ticket);
        Observe(Stopwatch.GetTimestamp() - wall, ThreadClock.Now() - processor);
    }

    private void Observe(long wallTicks, long nanoseconds)
    {
        _operation++;
        _wallTicks = Math.Max(_wallTicks, wallTicks);
        _histogram[BitOperations.Log2((ulong)nanoseconds | 1)]++;
        _long += nanoseconds > LongNanoseconds ? 1 : 0;
        if (nanoseconds > _longest[Kept - 1].Nanoseconds)
        {
            Keep(new Pause(nanoseconds, _operation));
        }
    }

    private void Keep(Pause pause)
    {
        int place = Kept - 1;
        for (; place > 0 && _longest[place - 1].Nanoseconds < pause.Nanoseconds; place--)
        {
            _longest[place] = _longest[place - 1];
        }
        _longest[place] = pause;
    }

    private double Tail()
    {
        long beyond = (long)(_operation * TailFraction);
        int bucket = _histogram.Length - 1;
        for (long seen = _histogram[bucket]; seen <= beyond && bucket > 0; seen += _histogram[bucket])
        {
            bucket--;
        }
        return 1L << (bucket + 1);
    }

    private static int Collections() => Enumerable.Range(0, GC.MaxGeneration + 1).Sum(GC.CollectionCount);
}
