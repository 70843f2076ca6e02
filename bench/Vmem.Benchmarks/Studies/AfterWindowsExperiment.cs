using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What requests with a window leave behind: the mix after 200 of them, each freed at once, over the mix before.</summary>
internal sealed class AfterWindowsExperiment(SteadyStatePlan plan) : IExperiment<double>
{
    private const int Requests = 200;

    public double Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        _ = RunOnce<TTarget, TTicket>(make, plan with { Segments = 1_000 });
        Rounds.LetCompile();
        return RunOnce<TTarget, TTicket>(make, plan);
    }

    private static double RunOnce<TTarget, TTicket>(TargetFactory<TTarget> make, SteadyStatePlan size)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct
    {
        using var state = new SteadyState<TTarget, TTicket, UniformTo64>(make(size.Capacity), size.Segments, size.Seed);
        state.Fill();
        _ = state.Replace(size.Replacements);
        double before = state.Replace(size.Replacements);
        var window = new RangeConstraints<ulong> { Min = size.Capacity / 4, Max = size.Capacity / 4 * 3 };
        TTarget target = state.Target;
        for (int i = 0; i < Requests; i++)
        {
            if (target.TryAllocateConstrained(1 + ((ulong)i % 64), in window, out TTicket ticket))
            {
                target.Free(in ticket);
            }
        }
        return state.Replace(size.Replacements) / before;
    }
}
