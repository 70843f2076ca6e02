using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Growth;

// What is done to the map, and to what is true of it.
internal sealed partial class Crossing<T>
{
    private void Take(SegmentMap<T> map, FitPolicy policy, bool isConstrained)
    {
        T size = Size();
        RangeConstraints<T> constraints = isConstrained ? Constraints(size) : default;
        var placement = new Placement<T>(size, constraints, _quantum);
        uint free;
        T start;
        bool inSteps = _random.Below(4) != 0;
        try
        {
            map.Reserve();
            free = map.FindConstrained(policy, placement, out start, inSteps);
        }
        catch (OutOfMemoryException) when (_failing)
        {
            return;
        }

        if (free == SegmentMap<T>.Unfinished)
        {
            Assert.True(inSteps);
            return;
        }

        _free.Rotor = placement.IsUnconstrained && size == _quantum ? map.Rotor : map.Lead;
        int expected = _free.Find(policy, placement, out T place);
        Assert.True((free != 0) == (expected >= 0), $"{policy} {size} {constraints}: {start}, not {(expected >= 0 ? place : default)}");
        if (free == 0)
        {
            return;
        }

        if (policy is FitPolicy.InstantFit or > FitPolicy.LastFit)
        {
            expected = _free.At(start);
            Assert.True(FreeRuns<T>.IsPlace(placement, start, _free.Runs[expected]));
        }
        else
        {
            Assert.Equal(place, start);
        }

        if (_random.Below(8) != 0 && map.HasReserve)         // else it was only a question
        {
            Carve(map, policy, free, start, placement);
            _free.Exclude(expected, start, size);
        }
    }

    private void Carve(SegmentMap<T> map, FitPolicy policy, uint free, T start, in Placement<T> placement)
    {
        T size = placement.Size;
        uint tag = map.Carve(free, start, size);
        if (policy == FitPolicy.NextFit)
        {
            map.NoteNext(placement, start, size);
        }

        RangeHandle<T> handle = default;
        if (_random.Below(3) == 0)
        {
            handle = new RangeHandle<T>(start, size, tag, map.Bind(tag));
        }
        else
        {
            map.Enlist(tag);
        }

        _live.Add(new Live(start, size, handle));
    }

    private void Free(SegmentMap<T> map)
    {
        int index = _random.Below(_live.Count);
        Live range = Forget(index);
        if (!map.HasReserve)
        {
            map.ReserveToFree();
        }

        uint tag = Unlist(map, range);
        _ = map.Free(tag);
        _free.Include(range.Start, range.Size);
    }

    private void FreeMany(SegmentMap<T> map)
    {
        uint chain = 0;
        List<Live> ranges = [];
        for (int i = 0; i < 5 && _live.Count > 0; i++)
        {
            Live range = Forget(_random.Below(_live.Count));
            uint tag = Unlist(map, range);
            map.Chain(tag, chain);
            chain = tag;
            ranges.Add(range);
        }

        while (chain != 0)
        {
            map.ReserveToFree();
            uint tag = chain;
            chain = map.ChainedTo(tag);
            _ = map.Free(tag);
        }

        ranges.ForEach(range => _free.Include(range.Start, range.Size));
    }

    private void Resize(SegmentMap<T> map)
    {
        if (_live.Count == 0)
        {
            return;
        }

        int index = _random.Below(_live.Count);
        Live range = _live[index];
        uint tag = TagOf(map, range);
        T size = Size();
        int next = _free.Runs.FindIndex(free => range.Start + range.Size == free.Start && !T.IsZero(free.Start));
        T room = next < 0 ? T.Zero : _free.Runs[next].Last - _free.Runs[next].Start + T.One;
        bool fits = size <= range.Size || size - range.Size <= room;
        map.ReserveToFree();
        bool done = map.TryResize(tag, size);
        Assert.True(done == fits || (_failing && size < range.Size));
        if (!done || size == range.Size)
        {
            return;
        }

        _live[index] = range with { Size = size };
        if (size < range.Size)
        {
            _free.Include(range.Start + size, range.Size - size);
        }
        else
        {
            _free.Exclude(next, _free.Runs[next].Start, size - range.Size);
        }
    }

    private void Trim(SegmentMap<T> map)
    {
        bool isDone = false;
        for (int steps = _random.Below(12); steps >= 0 && !isDone; steps--)
        {
            isDone = map.Trim(mayMove: true, static (_, _) => Assert.Fail("there are no slabs"));
        }
    }

    private void Look(SegmentMap<T> map)
    {
        T value = first + (T.CreateTruncating(_random.Next()) & (_last - first));
        while (!map.TryApproach(value))
        {
        }

        Segment<T> segment = map.GetSegment(map.Locate(value));
        bool isFree = _free.Runs.Exists(free => value >= free.Start && value <= free.Last);
        Assert.True(value - segment.Start < segment.Size && (segment.Kind == SegmentKind.Free) == isFree);
        Assert.Equal(_free.Runs.Count == 0 ? T.Zero : _free.Runs.Max(static free => free.Last - free.Start) + T.One, map.LargestFree());
        T size = Size();
        long count;
        while (!map.TryCountLongEnough(size, out count))
        {
        }

        Assert.Equal(_free.Runs.Count(free => free.Last - free.Start >= size - T.One), count);
        if (_stale.Count > 0)
        {
            RangeHandle<T> stale = _stale[_random.Below(_stale.Count)];
            Assert.Equal(0u, Find(map, stale));
        }
    }

    private uint Unlist(SegmentMap<T> map, in Live range)
    {
        uint tag = TagOf(map, range);
        if (range.Handle != default)
        {
            map.Unbind(tag);
            _stale.Add(range.Handle);
            return tag;
        }

        return map.Delist(range.Start, range.Size);
    }

    private static uint TagOf(SegmentMap<T> map, in Live range)
    {
        uint tag = range.Handle == default ? map.FindLive(range.Start) : Find(map, range.Handle);
        Assert.Equal(new Segment<T>(range.Start, range.Size, SegmentKind.Allocated), map.GetSegment(tag));
        return tag;
    }

    private static uint Find(SegmentMap<T> map, in RangeHandle<T> handle)
    {
        uint tag;
        while (!map.TryFind(handle, out tag))
        {
        }

        return tag;
    }

    private Live Forget(int index)
    {
        Live range = _live[index];
        _live[index] = _live[^1];
        _live.RemoveAt(_live.Count - 1);
        return range;
    }
}
