using System.Numerics;
using Vmem.Ranges;

namespace Vmem;

/// <summary>What it would cost to clear a window of a wanted size, for every window that begins or ends where a segment does, or at the
/// nearest aligned place. None in a span that drains.</summary>
/// <remarks>O(n log n): running sums over the segments of a span, and a binary search for each end of a window.</remarks>
internal sealed class WindowCosts<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly List<(Window<T> Window, T Cost)> _windows = [];
    private readonly List<T> _starts = [];                      // of the segments of the span at hand
    private readonly List<Sums> _before = [];                   // what lies before each
    private readonly Placement<T> _wanted;
    private readonly DefragmentationBudget<T> _budget;
    private readonly T _pageMask;

    /// <summary>Looks at all windows.</summary>
    /// <param name="picture">The arena.</param>
    /// <param name="budget">What it may cost, and what must stay.</param>
    /// <param name="wanted">The size, rounded up, and its constraints.</param>
    public WindowCosts(ArenaPicture<T> picture, DefragmentationBudget<T> budget, in Placement<T> wanted)
    {
        _wanted = wanted;
        _budget = budget;
        _pageMask = wanted.Kind == 0 ? T.Zero : picture.PageMask;
        Segment<T>[] segments = picture.Segments;
        int first = 0;
        for (int i = 1; i <= segments.Length; i++)
        {
            if (i == segments.Length || segments[i].Kind == SegmentKind.Span)
            {
                if (segments[first].IsDraining)
                {
                    first = i;
                    continue;
                }

                T last = picture.IsWhole ? T.MaxValue : segments[first].Start + (segments[first].Size - T.One);
                LookAt(segments[first].Start, last, segments.AsSpan(first + 1, i - first - 1));
                first = i;
            }
        }
    }

    /// <summary>Those within the budget, cheapest first.</summary>
    public IEnumerable<Window<T>> Cheapest =>
        _windows.OrderBy(window => window.Cost).ThenBy(window => window.Window.First).Select(window => window.Window).Distinct();

    /// <summary>How much is live, in how many ranges, and how many of them must stay.</summary>
    private readonly record struct Total(T Live, int Moves, int Fixed)
    {
        public static Total operator +(Total one, Total other) =>
            new(one.Live + other.Live, one.Moves + other.Moves, one.Fixed + other.Fixed);

        public static Total operator -(Total one, Total other) =>
            new(one.Live - other.Live, one.Moves - other.Moves, one.Fixed - other.Fixed);
    }

    /// <summary>Of ranges that may lie in the pages of the window, and of others.</summary>
    private readonly record struct Sums(Total Plain, Total Others);

    private void LookAt(T spanStart, T spanLast, ReadOnlySpan<Segment<T>> segments)
    {
        Sum(segments);
        foreach (Segment<T> segment in segments)
        {
            if (_wanted.TryLowest(segment.Start, spanLast, out T start))
            {
                Note(start, spanStart, spanLast);
            }

            if (_wanted.TryHighest(spanStart, segment.Start + (segment.Size - T.One), out start))
            {
                Note(start, spanStart, spanLast);
            }
        }
    }

    private void Sum(ReadOnlySpan<Segment<T>> segments)
    {
        _starts.Clear();
        _before.Clear();
        Sums sums = default;
        foreach (Segment<T> segment in segments)
        {
            _starts.Add(segment.Start);
            _before.Add(sums);
            if (ArenaPicture<T>.IsTaken(segment))
            {
                Total more = new(segment.Size, 1, DefragmentationPlan<T>.MayMove(segment, _budget) ? 0 : 1);
                sums = Window<T>.IsOtherKind(segment, _wanted.Kind) ? sums with { Others = sums.Others + more }
                    : sums with { Plain = sums.Plain + more };
            }
        }

        _before.Add(sums);
    }

    private void Note(T start, T spanStart, T spanLast)
    {
        T last = start + (_wanted.Size - T.One);
        var window = new Window<T>(start, last, T.Max(start & ~_pageMask, spanStart), T.Min(last | _pageMask, spanLast), _wanted.Kind);
        Total total = Between(window.First, window.Last, static sums => sums.Plain)
            + Between(window.FirstOfPages, window.LastOfPages, static sums => sums.Others);
        if (total.Fixed == 0 && total.Moves <= _budget.MaxMoves && total.Live <= _budget.MaxSize)
        {
            _windows.Add((window, total.Live));
        }
    }

    private Total Between(T first, T last, Func<Sums, Total> part) =>
        part(_before[IndexOf(last) + 1]) - part(_before[IndexOf(first)]);

    /// <summary>The segment that holds a value.</summary>
    private int IndexOf(T value)
    {
        int index = _starts.BinarySearch(value);
        return index >= 0 ? index : ~index - 1;
    }
}
