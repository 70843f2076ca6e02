using System.Numerics;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>A range that lies in a cache.</summary>
/// <param name="Start">Its first value.</param>
/// <param name="Size">Its length.</param>
/// <param name="Tag">The segment that it is, or that its slab is.</param>
internal readonly record struct CachedRange<T>(T Start, T Size, uint Tag)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;

/// <summary>What would be free if the caches were emptied: runs of ranges that lie in them, each with what is free just before and just
/// behind it.</summary>
/// <remarks>Of one moment: everything is frozen, and the lock is held. O(n log n) in what the caches hold. Rejected: to empty them and to
/// look then. Whoever only looks must not make anybody slower afterwards.</remarks>
internal sealed class CachedRuns<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly Comparer<CachedRange<T>> s_byStart =
        Comparer<CachedRange<T>>.Create(static (a, b) => a.Start.CompareTo(b.Start));

    private readonly SegmentMap<T> _map;
    private readonly List<CachedRange<T>> _ranges;
    private readonly List<(T First, T Last)> _runs = [];
    private readonly List<T> _within = [];        // the lengths of the free segments that lie in runs
    private uint _behind;                         // what is free behind the last run; 0: nothing

    /// <param name="map">The segments.</param>
    /// <param name="ranges">What the caches hold, in any order.</param>
    public CachedRuns(SegmentMap<T> map, List<CachedRange<T>> ranges)
    {
        _map = map;
        _ranges = ranges;
        ranges.Sort(s_byStart);
        for (int next = 0; next < ranges.Count;)
        {
            int front = next++;
            while (next < ranges.Count && Touch(ranges[next - 1], ranges[next]))
            {
                next++;
            }

            Add(ranges[front], ranges[next - 1]);
        }

        foreach (CachedRange<T> range in ranges)
        {
            Units += range.Size;
        }

        foreach ((T first, T last) in _runs)
        {
            Longest = T.Max(Longest, LengthOf(first, last));
        }
    }

    /// <summary>How many ranges these are.</summary>
    public int Count => _ranges.Count;

    /// <summary>Their length together, modulo 2^bits.</summary>
    public T Units { get; }

    /// <summary>The longest run.</summary>
    public T Longest { get; }

    /// <summary>The lowest place in a run.</summary>
    public bool TryLowest(in Placement<T> placement, out T start)
    {
        foreach ((T first, T last) in _runs)
        {
            if (placement.TryLowest(first, last, out start))
            {
                return true;
            }
        }

        start = default;
        return false;
    }

    /// <summary>How many more segments would be at least so long, less those that would be parts of them.</summary>
    public long CountLongEnough(T size) =>
        _runs.Count(run => LengthOf(run.First, run.Last) >= size) - _within.Count(length => length >= size);

    /// <summary>Whether a range that begins there lies in a cache.</summary>
    public bool Has(T start) =>
        _ranges.BinarySearch(new CachedRange<T>(start, T.Zero, 0), s_byStart) >= 0;

    private static T LengthOf(T first, T last) => Space<T>.Saturate(last - first + T.One, 1);

    /// <summary>Whether the second begins where the first ends, in the same span.</summary>
    private bool Touch(in CachedRange<T> first, in CachedRange<T> second) =>
        first.Start + first.Size == second.Start && (first.Tag == second.Tag || _map.Following(first.Tag) == second.Tag);

    private void Add(in CachedRange<T> front, in CachedRange<T> back)
    {
        T first = front.Start;
        T last = back.Start + (back.Size - T.One);
        Segment<T> home = _map.GetSegment(back.Tag);
        uint before = _map.GetSegment(front.Tag).Start == first ? _map.FreeBefore(front.Tag) : 0;
        uint behind = home.Start + (home.Size - T.One) == last ? _map.FreeBehind(back.Tag) : 0;
        if (before != 0 && before == _behind)
        {
            first = _runs[^1].First;
            _runs.RemoveAt(_runs.Count - 1);
        }
        else if (before != 0)
        {
            first = Within(before).Start;
        }

        if (behind != 0)
        {
            Segment<T> free = Within(behind);
            last = free.Start + (free.Size - T.One);
        }

        _behind = behind;
        _runs.Add((first, last));
    }

    private Segment<T> Within(uint free)
    {
        Segment<T> segment = _map.GetSegment(free);
        _within.Add(segment.Size);
        return segment;
    }
}
