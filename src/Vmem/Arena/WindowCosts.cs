using System.Numerics;
using Vmem.Ranges;

namespace Vmem;

/// <summary>What it would cost to clear a window of a wanted size, for every window that begins or ends where a segment does, or at the
/// nearest aligned place.</summary>
/// <remarks>O(n log n): running sums over the segments of a span, and a binary search for each end of a window.</remarks>
internal sealed class WindowCosts<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly List<(T Start, T Cost)> _windows = [];
    private readonly List<T> _starts = [];                      // of the segments of the span at hand
    private readonly List<(T Live, int Moves, int Fixed)> _before = [];        // how much is live, and what must stay, before each
    private readonly Placement<T> _wanted;
    private readonly DefragmentationBudget<T> _budget;

    /// <summary>Looks at all windows.</summary>
    /// <param name="segments">Spans, each followed by its segments.</param>
    /// <param name="budget">What it may cost, and what must stay.</param>
    /// <param name="wanted">The size, rounded up, and its constraints.</param>
    public WindowCosts(Segment<T>[] segments, DefragmentationBudget<T> budget, in Placement<T> wanted)
    {
        _wanted = wanted;
        _budget = budget;
        int first = 0;
        for (int i = 1; i <= segments.Length; i++)
        {
            if (i == segments.Length || segments[i].Kind == SegmentKind.Span)
            {
                LookAt(segments[first], segments.AsSpan(first + 1, i - first - 1));
                first = i;
            }
        }
    }

    /// <summary>Whether one needs no clearing.</summary>
    public bool IsAnyFree { get; private set; }

    /// <summary>Where those within the budget start, cheapest first.</summary>
    public IEnumerable<T> Cheapest =>
        _windows.OrderBy(window => window.Cost).ThenBy(window => window.Start).Select(window => window.Start).Distinct();

    private void LookAt(Segment<T> span, ReadOnlySpan<Segment<T>> segments)
    {
        Sum(segments);
        T spanLast = span.Start + (span.Size - T.One);
        foreach (Segment<T> segment in segments)
        {
            if (_wanted.TryLowest(segment.Start, spanLast, out T start))
            {
                Note(start);
            }

            if (_wanted.TryHighest(span.Start, segment.Start + (segment.Size - T.One), out start))
            {
                Note(start);
            }
        }
    }

    private void Sum(ReadOnlySpan<Segment<T>> segments)
    {
        _starts.Clear();
        _before.Clear();
        (T Live, int Moves, int Fixed) sums = default;
        foreach (Segment<T> segment in segments)
        {
            _starts.Add(segment.Start);
            _before.Add(sums);
            if (segment.Kind != SegmentKind.Free)
            {
                bool isFixed = !DefragmentationPlan<T>.MayMove(segment, _budget);
                sums = (sums.Live + segment.Size, sums.Moves + 1, sums.Fixed + (isFixed ? 1 : 0));
            }
        }

        _before.Add(sums);
    }

    private void Note(T start)
    {
        (T Live, int Moves, int Fixed) from = _before[IndexOf(start)];
        (T Live, int Moves, int Fixed) to = _before[IndexOf(start + (_wanted.Size - T.One)) + 1];
        T cost = to.Live - from.Live;
        int moves = to.Moves - from.Moves;
        IsAnyFree |= moves == 0;
        if (to.Fixed == from.Fixed && moves <= _budget.MaxMoves && cost <= _budget.MaxSize)
        {
            _windows.Add((start, cost));
        }
    }

    /// <summary>The segment that holds a value.</summary>
    private int IndexOf(T value)
    {
        int index = _starts.BinarySearch(value);
        return index >= 0 ? index : ~index - 1;
    }
}
