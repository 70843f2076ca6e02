using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>Ranges to be claimed together, in the order of their addresses.</summary>
/// <remarks>
/// Neighbours are then claimed one after the other from the same free segment, without any look-up. A batch that is sorted is used as it
/// is; of another an order is made. Each range is checked when it is claimed, and kept as it was then: the caller's memory may change
/// meanwhile, and what is given back must be what was taken. Rejected: unsorted claims one by one, each of which has to find its place
/// among all others.
/// </remarks>
internal readonly ref struct ClaimBatch<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly ReadOnlySpan<Segment<T>> _ranges;
    private readonly int[]? _order;               // null: they are sorted as they are
    private readonly (T Start, T Size)[] _checked;              // by place

    public ClaimBatch(ReadOnlySpan<Segment<T>> ranges)
    {
        _ranges = ranges;
        _order = IsSorted(ranges) ? null : Sort(ranges);
        _checked = ArrayPool<(T, T)>.Shared.Rent(ranges.Length);
    }

    public int Count => _ranges.Length;

    /// <summary>Which of the caller's ranges is at this place of the order.</summary>
    public int NumberOf(int place) => _order is null ? place : _order[place];

    /// <summary>The range at this place of the order; its size is rounded. The one before it has been checked.</summary>
    /// <exception cref="ArgumentException">It is none, or overlaps the one before it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (T Start, T Size) Check(int place, Space<T> space, string parameter = "ranges")
    {
        Segment<T> range = this[place];
        bool isSize = space.TryRoundUp(range.Size, out T size);
        string? fault = range.Kind != SegmentKind.Allocated ? $"It is marked {range.Kind}, and only what is Allocated can be claimed."
            : !isSize ? space.WhyNoSize(range.Size)
            : space.WhyNoPlace(range.Start, size, out _) ?? WhyOverlapping(place, range.Start, space);
        if (fault is not null)
        {
            throw new ArgumentException($"Range {NumberOf(place)} of {Count}, {range.Size} at {range.Start}: {fault} None was claimed.", parameter);
        }

        _checked[place] = (range.Start, range.Size);
        return (range.Start, size);
    }

    /// <summary>Frees the first ranges, which <see cref="Check"/> has found good and that were taken: all of them, also when the source
    /// throws at one, and whatever the caller's memory holds by now.</summary>
    public void Undo(int count, Space<T> space)
    {
        for (int i = 0; i < count; i++)
        {
            Conclusion.Undo((space, Range: _checked[i]), static it => it.space.TakeBack(it.Range.Start, it.space.RoundUp(it.Range.Size)));
        }
    }

    /// <summary>What is to be kept about the range at this place of the order.</summary>
    public RangeNote NoteOf(int place, Space<T> space) => space.NoteOf(this[place].Tag, this[place].RangeKind);

    /// <summary>Gives the pooled memory back.</summary>
    public void Dispose()
    {
        ArrayPool<(T, T)>.Shared.Return(_checked);
        if (_order is not null)
        {
            ArrayPool<int>.Shared.Return(_order);
        }
    }

    /// <summary>The range at this place of the order, as the caller's memory has it now.</summary>
    private Segment<T> this[int place] => _ranges[NumberOf(place)];

    private string? WhyOverlapping(int place, T start, Space<T> space) =>
        place > 0 && _checked[place - 1] is var before && start - before.Start < space.RoundUp(before.Size)
            ? $"It overlaps range {NumberOf(place - 1)}, {before.Size} at {before.Start}." : null;

    private static bool IsSorted(ReadOnlySpan<Segment<T>> ranges)
    {
        for (int i = 1; i < ranges.Length; i++)
        {
            if (ranges[i].Start < ranges[i - 1].Start)
            {
                return false;
            }
        }

        return true;
    }

    private static int[] Sort(ReadOnlySpan<Segment<T>> ranges)
    {
        T[] starts = ArrayPool<T>.Shared.Rent(ranges.Length);
        int[] order = ArrayPool<int>.Shared.Rent(ranges.Length);
        for (int i = 0; i < ranges.Length; i++)
        {
            starts[i] = ranges[i].Start;
            order[i] = i;
        }

        starts.AsSpan(0, ranges.Length).Sort(order.AsSpan(0, ranges.Length));
        ArrayPool<T>.Shared.Return(starts);
        return order;
    }
}
