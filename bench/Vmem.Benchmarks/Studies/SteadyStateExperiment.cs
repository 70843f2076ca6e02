using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Some runs of one steady state, each on a fresh allocator with the same seed, after a small one that only warms up; returns the
/// median of each figure.</summary>
internal sealed class SteadyStateExperiment<TLaw>(SteadyStatePlan plan, int runs) : IExperiment<SteadyStateTimes>
    where TLaw : struct, ISizeLaw
{
    // Long enough for tier-1 code of every method on the way.
    private static readonly SteadyStatePlan s_warmUp = new(1_000, 65);

    public SteadyStateTimes Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        for (int i = 0; i < 2; i++)
        {
            SteadyStatePlan warmUp = s_warmUp with { CapacityPerSegment = plan.CapacityPerSegment };
            SteadyState<TTarget, TTicket, TLaw>.Measure(make(warmUp.Capacity), warmUp);
            Rounds.LetCompile();
        }
        var times = new SteadyStateTimes[runs];
        for (int run = 0; run < runs; run++)
        {
            GC.Collect();
            times[run] = SteadyState<TTarget, TTicket, TLaw>.Measure(make(plan.Capacity), plan);
        }
        return new SteadyStateTimes(
            Rounds.Median(times, time => time.Allocate),
            Rounds.Median(times, time => time.Free),
            Rounds.Median(times, time => time.Mix),
            (long)Rounds.Median(times, time => time.Failures));
    }
}
