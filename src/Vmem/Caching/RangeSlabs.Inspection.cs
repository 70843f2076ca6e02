using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Caching;

// Looking at the slabs: at their ranges, and whether all is well.
internal sealed unsafe partial class RangeSlabs<T>
{
    /// <summary>The ranges of a slab, in order, and what they are: whether each is out. For those who look.</summary>
    public IEnumerable<(T Start, T Size, bool Out)> Expand(uint index)
    {
        Slab slab = At(index);
        T size = SizeOf(slab.Class);
        for (int i = 0; i < slab.Ranges; i++)
        {
            yield return (slab.Start + (size * T.CreateTruncating(i)), size, !slab.IsFree(i));
        }
    }

    /// <summary>The range that holds a value of a slab, and whether it is out.</summary>
    public (T Start, T Size, bool Out) RangeAt(uint index, T value)
    {
        Slab slab = At(index);
        T size = SizeOf(slab.Class);
        T position = (value - slab.Start) / size;
        return (slab.Start + (position * size), size, !slab.IsFree(int.CreateTruncating(position)));
    }

    /// <summary>Copies the ranges of all slabs that are not out.</summary>
    public void CopyIdle(List<CachedRange<T>> ranges)
    {
        foreach (uint head in _heads)
        {
            for (uint index = head; index != 0; index = At(index).Next)
            {
                foreach ((T start, T size, bool isOut) in Expand(index))
                {
                    if (!isOut)
                    {
                        ranges.Add(new CachedRange<T>(start, size, At(index).Tag));
                    }
                }
            }
        }
    }

    /// <summary>The segment that a slab is.</summary>
    public uint TagOf(uint index) => At(index).Tag;

    /// <summary>How much of a slab is not out, in units.</summary>
    public T IdleOf(uint index) => SizeOf(At(index).Class) * T.CreateTruncating(At(index).FreeRanges);

    /// <summary>Every invariant of the slabs: the lists of their classes, then each against its segment, then the counts.</summary>
    /// <exception cref="InvariantViolationException">One does not hold.</exception>
    public void Validate()
    {
        long count = 0;
        long rangesOut = 0;
        T idle = T.Zero;
        for (int sizeClass = 0; sizeClass < _heads.Length; sizeClass++)
        {
            uint previous = 0;
            for (uint index = _heads[sizeClass]; index != 0; index = At(index).Next)
            {
                Slab slab = At(index);
                Invariant.Hold(slab.Class == sizeClass && slab.FreeRanges > 0 && slab.Previous == previous, "a list of slabs holds those of its class with ranges to give", $"slab {index} of class {slab.Class} with {slab.FreeRanges}");
                previous = index;
            }
        }

        for (uint index = 1; index < _fresh; index++)
        {
            Slab slab = At(index);
            if (slab.Ranges == 0)
            {
                continue;
            }

            count++;
            rangesOut += slab.Ranges - slab.FreeRanges;
            T size = SizeOf(slab.Class);
            Segment<T> segment = _map.GetSegment(slab.Tag);
            idle += size * T.CreateTruncating(slab.FreeRanges);
            Invariant.Hold(segment.Start == slab.Start && segment.Size == size * T.CreateTruncating(slab.Ranges) &&
                segment.Kind == SegmentKind.Allocated && _map.FindLive(slab.Start) == slab.Tag, "a slab is an allocated segment", $"slab {index} at {slab.Start}, its segment at {segment.Start}");
            Invariant.Hold(_map.SlabOf(slab.Tag) == index, "a slab's segment knows it", $"slab {index}, the segment says {_map.SlabOf(slab.Tag)}");
            Invariant.Hold(slab.CountFree() == slab.FreeRanges, "a slab counts its free ranges", $"slab {index} has {slab.CountFree()} and counts {slab.FreeRanges}");
        }

        Invariant.Hold(count == Count && rangesOut == RangesOut && idle == Idle, "slabs are counted", $"{count} with {rangesOut} out and {idle} idle; {Count}, {RangesOut} and {Idle} are counted");
    }

    private Slab At(uint index) => *_slabs.At(index);
}
