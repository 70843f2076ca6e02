using BenchmarkDotNet.Attributes;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Micro;

/// <summary>A constrained allocation and its free on an arena churned to its steady state at 10^4 live segments, beside the same on the
/// baseline list.</summary>
[MemoryDiagnoser]
public class ConstrainedBenchmarks : IDisposable
{
    private const int Segments = 10_000;
    private const ulong CapacityPerSegment = 65;
    private const ulong Size = 24;

    private SteadyState<ArenaByAddress, AddressTicket, UniformTo64> _arena = null!;
    private SteadyState<ListTarget, AddressTicket, UniformTo64> _list = null!;
    private RangeConstraints<ulong> _constraints;

    [Params(FitPolicy.InstantFit, FitPolicy.BestFit, FitPolicy.NextFit)]
    public FitPolicy Policy { get; set; }

    [Params(0, 64)]
    public int Align { get; set; }

    [Params(true, false)]
    public bool Window { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var plan = new SteadyStatePlan(Segments, CapacityPerSegment);
        var options = new ArenaOptions<ulong> { Policy = Policy, SingleThreaded = true };
        _arena = new(new ArenaByAddress(new Arena<ulong>("micro", 0, plan.Capacity, 1, options)), Segments, plan.Seed);
        _list = new(new ListTarget(plan.Capacity), Segments, plan.Seed);
        _arena.Fill();
        _arena.Replace(plan.Replacements);
        _list.Fill();
        _list.Replace(Segments);
        _constraints = new RangeConstraints<ulong>
        {
            Align = (ulong)Align,
            Min = Window ? plan.Capacity / 4 : 0,
            Max = Window ? plan.Capacity / 4 * 3 : 0,
        };
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _arena.Dispose();
        _list.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public ulong Arena() => Pair<ArenaByAddress>(_arena.Target);

    [Benchmark(Baseline = true)]
    public ulong Rmalloc() => Pair<ListTarget>(_list.Target);

    private ulong Pair<TTarget>(TTarget target)
        where TTarget : struct, ITarget<AddressTicket>
    {
        if (target.TryAllocateConstrained(Size, in _constraints, out AddressTicket ticket))
        {
            target.Free(in ticket);
        }
        return ticket.Start;
    }
}
