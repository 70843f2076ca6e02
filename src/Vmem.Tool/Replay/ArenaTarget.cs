using Vmem.Tool.Blocks;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// An <see cref="Arena{T}"/> under one policy, with one span from 0.
/// <para>
/// Next fit gets special care when there is no limit. By its nature it hands out fresh addresses until the span is used up, so in a span
/// without end it would never use a freed address again, and "the range it needs" would be all bytes ever allocated. Here it runs inside a
/// <em>window</em> that widens only when nothing in it fits: the question is how small a span it could have done with, as it is for the
/// other policies, which reach for new addresses last by themselves. (Not for all policies: the window is a constraint, and would cost
/// instant fit its constant time.)
/// </para>
/// </summary>
internal sealed class ArenaTarget : IReplayTarget
{
    /// <summary>The span when the user sets no limit: more than any recorded program can hold.</summary>
    public const ulong UnlimitedSpan = ArenaLines.LargestQuantum;

    // The window widens by a sixteenth: a compromise, arbitrary, between a window found to 6 % and a failing search each time. At first by
    // as many quanta, which is a sixteenth from 256 quanta on: in bytes it would be nothing to a heap and all of an arena of ports.
    private const int WindowGrowthShift = 4;
    private const ulong LeastWindowGrowth = 1 << WindowGrowthShift;

    private readonly Arena<ulong> _arena;
    private readonly FitPolicy _policy;
    private readonly ulong _span;
    private readonly ulong _quantum;
    private readonly bool _windowed;
    private readonly bool _mirrored;
    private ulong _window;

    /// <param name="policy">The policy.</param>
    /// <param name="quantum">The unit of the arena.</param>
    /// <param name="limit">The size of the span; null: <see cref="UnlimitedSpan"/>.</param>
    /// <param name="cacheMax">The largest size that quantum caches keep, except under policies that know none; 0: no caches.</param>
    public ArenaTarget(FitPolicy policy, ulong quantum, ulong? limit, ulong cacheMax = 0)
    {
        bool isForIds = policy is FitPolicy.NextFit or FitPolicy.OldestFit or FitPolicy.RandomFit;
        cacheMax = isForIds ? 0 : cacheMax;
        ulong wanted = limit ?? UnlimitedSpan;
        _policy = policy;
        _quantum = quantum;
        _span = wanted - (wanted % quantum);
        _windowed = isForIds && limit is null;
        _mirrored = policy == FitPolicy.LastFit;
        Name = (cacheMax > 0 ? "cached " : "") + PolicyNames.NameOf(policy);
        _arena = new Arena<ulong>(
            Name,
            0,
            _span,
            quantum,
            new ArenaOptions<ulong> { Policy = policy, SingleThreaded = true, QuantumCacheMax = cacheMax, RandomSeed = 1 });
    }

    public string Name { get; }

    public AllocatorKind Allocator => AllocatorKind.Arena;

    public FitPolicy Policy => _policy;

    // malloc(0) returns a pointer of its own, which takes up the least there is.
    public ulong RoundUp(ulong requested)
    {
        if (requested > _span)
        {
            return ulong.MaxValue;
        }

        ulong beyond = Math.Max(requested, 1) % _quantum;
        return Math.Max(requested, 1) + (beyond == 0 ? 0 : _quantum - beyond);
    }

    public bool TryAllocate(ulong size, out ulong offset)
    {
        // To the arena a size whose rounding overflows is a mistake; in a recording it is a request that fails.
        if (size > _span)
        {
            offset = 0;
            return false;
        }

        bool fits = _windowed ? TryAllocateInWindow(size, out ulong start) : _arena.TryAllocate(size, _policy, out start);
        offset = _mirrored ? _span - start - size : start;
        return fits;
    }

    public void Free(ulong offset, ulong size) => _arena.Free(_mirrored ? _span - offset - size : offset, size);

    public TargetFigures GetFigures()
    {
        ArenaStatistics<ulong> statistics = _arena.GetStatistics();
        return new TargetFigures(
            statistics.InUse,
            statistics.Free - statistics.LargestFree + statistics.Cached,
            statistics.BookkeepingBytes);
    }

    /// <summary>The arena as it is now, its span cut down to the range that was ever used; without a span where nothing ever was, as no
    /// span is empty.</summary>
    public ArenaSnapshot<ulong> Snapshot(ulong range)
    {
        ArenaSnapshot<ulong> whole = _arena.Snapshot();
        return new ArenaSnapshot<ulong>
        {
            Name = whole.Name,
            Quantum = whole.Quantum,
            Policy = whole.Policy,
            Spans = range == 0
                ? []
                : [new SpanSnapshot<ulong> { Start = _mirrored ? _span - range : 0, Size = range, Allocated = whole.Spans[0].Allocated }],
        };
    }

    public void Dispose() => _arena.Dispose();

    private bool TryAllocateInWindow(ulong size, out ulong start)
    {
        if (_window != 0
            && _arena.TryAllocateConstrained(size, new RangeConstraints<ulong> { Max = _window }, _policy, out start))
        {
            return true;
        }

        // Nothing in the window fits, so the lowest place that fits is at its end.
        if (!_arena.TryAllocate(size, FitPolicy.FirstFit, out start))
        {
            return false;
        }

        ulong growth = _window >> WindowGrowthShift;
        ulong wider = _window + Math.Max(growth - (growth % _quantum), LeastWindowGrowth * _quantum);
        _window = Math.Min(_span, Math.Max(wider, start + size));
        return true;
    }
}
