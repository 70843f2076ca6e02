using System.Diagnostics;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>How long operations of one kind took, in nanoseconds.</summary>
/// <param name="Operation">What was done.</param>
/// <param name="Times">Each one's time.</param>
/// <param name="First">The first one's time.</param>
/// <param name="Replacements">The replacements between them.</param>
internal sealed record WorstCase(string Operation, Latencies Times, double First, Latencies Replacements);

/// <summary>Operations on one arena with many live ranges, each timed alone: replacements by instant fit, and among them requests that
/// fail, requests of other kinds, whose first may begin an index, and calls that look at the whole.</summary>
/// <remarks>One kind comes after the other, so that one sees what each does to the replacements.</remarks>
internal sealed class WorstCases
{
    private const int ReplacementsPerOther = 64;
    private const ulong UnitsPerRange = 65;       // half of the arena is in use
    private const ulong Align = 64;

    private readonly Arena<ulong> _arena;
    private readonly ulong _units;
    private readonly (ulong Start, ulong Size)[] _ranges;
    private Xorshift64 _random = new(Xorshift64.DefaultSeed);

    private WorstCases(Arena<ulong> arena, ulong units, int ranges)
    {
        _arena = arena;
        _units = units;
        _ranges = new (ulong, ulong)[ranges];
        foreach (ref (ulong Start, ulong Size) range in _ranges.AsSpan())
        {
            ulong size = UniformTo64.Draw(ref _random);
            range = (arena.Allocate(size), size);
        }
    }

    /// <summary>The kinds of operations, in order.</summary>
    /// <param name="ranges">How many are live.</param>
    /// <param name="replacements">How many there are beside each kind.</param>
    public static IReadOnlyList<WorstCase> Measure(int ranges, int replacements)
    {
        _ = Run(1_000, 100_000);
        Rounds.LetCompile();
        return Run(ranges, replacements);
    }

    private static WorstCase[] Run(int ranges, int replacements)
    {
        ulong units = UnitsPerRange * (ulong)ranges;
        using var arena = new Arena<ulong>("worst cases", 0, units, 1);
        var run = new WorstCases(arena, units, ranges);
        return [.. run.Operations().Select(operation => run.Time(operation.Name, operation.Run, replacements))];
    }

    private (string Name, Action? Run)[] Operations()
    {
        RangeConstraints<ulong> aligned = new() { Align = Align };
        RangeConstraints<ulong> above = new() { Min = _units / 2 };
        return
        [
            ("nothing", null),
            ("fails: more than there is", () => Fail(FitPolicy.InstantFit)),
            ("GetStatistics", () => _arena.GetStatistics()),
            ("Explain", () => _arena.Explain(_units)),
            ("TryGetSegment, within a range", LookInside),
            ("instant fit, aligned, in a window", () => Take(aligned with { Min = above.Min }, FitPolicy.InstantFit)),
            ("best fit", () => Take(default, FitPolicy.BestFit)),
            ("best fit, aligned", () => Take(aligned, FitPolicy.BestFit)),
            ("first fit", () => Take(default, FitPolicy.FirstFit)),
            ("first fit, aligned", () => Take(aligned, FitPolicy.FirstFit)),
            ("last fit, in a window", () => Take(above, FitPolicy.LastFit)),
            ("fails: best fit", () => Fail(FitPolicy.BestFit)),
        ];
    }

    private WorstCase Time(string name, Action? run, int replacements)
    {
        var times = new Latencies();
        var between = new Latencies();
        double first = 0;
        for (int i = 0; i < replacements; i++)
        {
            if (i % ReplacementsPerOther == 0)
            {
                long begin = Stopwatch.GetTimestamp();
                run?.Invoke();
                times.Note(Stopwatch.GetTimestamp() - begin);
                first = i == 0 ? times.Longest : first;
            }

            Replace(between);
        }

        return new WorstCase(name, times, first, between);
    }

    private void Replace(Latencies times)
    {
        ref (ulong Start, ulong Size) range = ref _ranges[_random.Index(_ranges.Length)];
        ulong size = UniformTo64.Draw(ref _random);
        long begin = Stopwatch.GetTimestamp();
        _arena.Free(range.Start, range.Size);
        bool found = _arena.TryAllocate(size, out ulong start);
        times.Note(Stopwatch.GetTimestamp() - begin);
        range = found ? (start, size) : throw new InvalidOperationException("An arena that is half empty found no room.");
    }

    private void Take(in RangeConstraints<ulong> constraints, FitPolicy policy)
    {
        ulong size = UniformTo64.Draw(ref _random);
        _arena.Free(_arena.AllocateConstrained(size, constraints, policy), size);
    }

    private void Fail(FitPolicy policy)
    {
        if (_arena.TryAllocate(_units / 2, policy, out _))
        {
            throw new InvalidOperationException("There is room for more than is free in one piece.");
        }
    }

    private void LookInside()
    {
        (ulong start, ulong size) = _ranges[_random.Index(_ranges.Length)];
        if (!_arena.TryGetSegment(start + (size / 2), out Segment<ulong> segment) || segment.Start != start)
        {
            throw new InvalidOperationException("A live range was not found.");
        }
    }
}
