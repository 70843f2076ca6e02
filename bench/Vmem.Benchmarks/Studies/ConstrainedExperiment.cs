using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Nanoseconds for a constrained allocation; <see cref="First"/> is the first of them all, <see cref="Failures"/> counts those
/// that found no place.</summary>
internal readonly record struct ConstrainedTimes(double Align, double Window, double Both, double First, long Failures);

/// <summary>Churns an arena, then times constrained allocations on it. Each batch is freed again, so that the arena stays what the churn
/// made of it.</summary>
internal sealed class ConstrainedExperiment<TLaw>(SteadyStatePlan plan, int runs) : IExperiment<ConstrainedTimes>
    where TLaw : struct, ISizeLaw
{
    private const int BatchLength = 100;
    private const int Batches = 500;
    private const ulong Align = 64;

    private readonly ulong[] _sizes = new ulong[BatchLength];
    private Xorshift64 _random = new(Xorshift64.DefaultSeed);
    private long _failures;

    public ConstrainedTimes Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        RunOnce<TTarget, TTicket>(make, plan with { Segments = 1_000 });
        Rounds.LetCompile();
        RunOnce<TTarget, TTicket>(make, plan with { Segments = 1_000 });
        var times = new ConstrainedTimes[runs];
        for (int run = 0; run < runs; run++)
        {
            times[run] = RunOnce<TTarget, TTicket>(make, plan);
        }
        return new ConstrainedTimes(
            Rounds.Median(times, time => time.Align),
            Rounds.Median(times, time => time.Window),
            Rounds.Median(times, time => time.Both),
            Rounds.Median(times, time => time.First),
            times.Max(time => time.Failures));
    }

    private ConstrainedTimes RunOnce<TTarget, TTicket>(TargetFactory<TTarget> make, SteadyStatePlan size)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        using var state = new SteadyState<TTarget, TTicket, TLaw>(make(size.Capacity), size.Segments, size.Seed);
        state.Fill();
        state.Replace(size.Replacements);
        _failures = 0;
        var align = new RangeConstraints<ulong> { Align = Align };
        var window = new RangeConstraints<ulong> { Min = size.Capacity / 4, Max = size.Capacity / 4 * 3 };
        TTarget target = state.Target;
        var batch = new TTicket[BatchLength];
        long begin = Stopwatch.GetTimestamp();
        bool found = target.TryAllocateConstrained(1, in align, out TTicket first);
        double firstTime = Clock.NanosecondsSince(begin);
        if (found)
        {
            target.Free(in first);
        }
        double alignTime = Time(target, batch, in align);
        double windowTime = Time(target, batch, in window);
        double bothTime = Time(target, batch, window with { Align = Align });
        return new ConstrainedTimes(alignTime, windowTime, bothTime, firstTime, _failures);
    }

    private double Time<TTarget, TTicket>(TTarget target, TTicket[] batch, in RangeConstraints<ulong> constraints)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        long ticks = 0;
        for (int i = 0; i < Batches; i++)
        {
            foreach (ref ulong size in _sizes.AsSpan())
            {
                size = TLaw.Draw(ref _random);
            }
            ticks += AllocateBatch(target, batch, in constraints);
            foreach (ref TTicket ticket in batch.AsSpan())
            {
                if (TTarget.IsLive(in ticket))
                {
                    target.Free(in ticket);
                }
            }
        }
        return Clock.Nanoseconds(ticks) / (Batches * BatchLength);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long AllocateBatch<TTarget, TTicket>(TTarget target, TTicket[] batch, in RangeConstraints<ulong> constraints)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        ulong[] sizes = _sizes;
        int failures = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < batch.Length; i++)
        {
            if (!target.TryAllocateConstrained(sizes[i], in constraints, out batch[i]))
            {
                batch[i] = default;
                failures++;
            }
        }
        long ticks = Stopwatch.GetTimestamp() - begin;
        _failures += failures;
        return ticks;
    }
}
