using Vmem.Testing.Model;

namespace Vmem.Testing.Generation;

/// <summary>The arena that a sequence of steps begins with.</summary>
/// <param name="Top">One past the last value of the number line: 256 or 65,536.</param>
/// <param name="Quantum">The unit of allocation.</param>
/// <param name="Spans">The first spans, in any order.</param>
/// <param name="Policy">The arena's own policy.</param>
/// <param name="SingleThreaded">Whether the arena goes without its lock.</param>
/// <param name="CacheMax">The largest size that quantum caches keep; 0: there are none.</param>
/// <param name="IsWhole">Whether the arena is one over all values of its type, instead of the spans.</param>
/// <param name="ReuseDelay">How many milliseconds rests whatever is freed.</param>
/// <param name="CutRestsShort">Whether a request that fails cuts rests short.</param>
/// <param name="Strides">Whether the quantum and alignments may be any numbers, not only powers of two. Then the number line begins at 0 of
/// the arena's type, as nothing else is a multiple of them all.</param>
public sealed record ArenaLayout(
    int Top,
    int Quantum,
    IReadOnlyList<ModelSegment> Spans,
    FitPolicy Policy,
    bool SingleThreaded,
    int CacheMax = 0,
    bool IsWhole = false,
    int ReuseDelay = 0,
    bool CutRestsShort = false,
    bool Strides = false)
{
    private static readonly int[] s_quanta = [1, 1, 2, 4, 8, 16];
    private static readonly int[] s_strides = [1, 3, 12, 36, 100];

    /// <summary>A layout with at most <paramref name="maxCells"/> quanta in its spans; half of all layouts touch the top of the number
    /// line, and some have neighbouring spans.</summary>
    public static ArenaLayout Draw(SeededRandom random, int top, int maxCells, bool strides = false)
    {
        int[] quanta = strides ? s_strides : s_quanta;
        int quantum = quanta[random.Below(quanta.Length)];
        int cells = Math.Min(maxCells, top / quantum);
        List<ModelSegment> spans = [];
        int whole = top / quantum * quantum;
        int end = random.Below(2) == 0 ? whole : whole - (quantum * random.Below(Math.Max(1, (top / quantum) - cells)));
        for (int wanted = 1 + random.Below(4); wanted > 0 && cells > 0 && end > 0; wanted--)
        {
            int size = Math.Min(quantum * (1 + random.Below(wanted == 1 ? cells : Math.Max(1, cells / 2))), end);
            size = Math.Min(size, (top - 1) / quantum * quantum);
            spans.Add(new ModelSegment(end - size, size, SegmentKind.Span));
            cells -= size / quantum;
            end -= size + (random.Below(3) == 0 ? 0 : quantum * random.Below(1 + (end - size) / quantum));
        }

        return new ArenaLayout(top, quantum, spans, (FitPolicy)random.Below(7), random.Below(2) == 0, Strides: strides);
    }

    /// <summary>Readable in a failure message.</summary>
    public override string ToString() =>
        $"top {Top}, quantum {Quantum}, {Policy}{(SingleThreaded ? ", single-threaded" : "")}{(CacheMax > 0 ? $", caches to {CacheMax}" : "")}{(IsWhole ? ", over all" : "")}{(ReuseDelay > 0 ? $", reuse after {ReuseDelay}" : "")}{(CutRestsShort ? ", cuts rests short" : "")}, spans {string.Join(' ', Spans.Select(span => $"[{span.Start}, {span.End})"))}";
}
