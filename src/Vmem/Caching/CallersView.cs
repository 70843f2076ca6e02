using System.Numerics;
using Vmem.Segments;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>The segments as callers see them: a slab is the ranges in it, and what lies in a cache is nobody's.</summary>
/// <remarks>Everything is frozen, and the lock is held.</remarks>
internal readonly struct CallersView<T>(Space<T> space, RangeSlabs<T> slabs, RangeMagazines<T> magazines, T max)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>All spans and segments.</summary>
    public List<Segment<T>> Copy()
    {
        Dictionary<T, int> cached = magazines.Contents();
        var view = new List<Segment<T>>();
        foreach (Segment<T> segment in space.Segments())
        {
            uint slab = segment.Kind == SegmentKind.Allocated ? SlabAt(segment.Start) : 0;
            if (slab == 0)
            {
                view.Add(segment.Kind == SegmentKind.Allocated && cached.ContainsKey(segment.Start)
                    ? segment with { Kind = SegmentKind.Cached } : segment);
                continue;
            }

            foreach ((T start, T size, bool isOut) in slabs.Expand(slab))
            {
                bool held = isOut && !cached.ContainsKey(start);
                Segment<T> last = view[^1];
                if (!held && last.Kind == SegmentKind.Cached && last.Start + last.Size == start && start != segment.Start)
                {
                    view[^1] = last with { Size = last.Size + size };
                }
                else
                {
                    view.Add(new Segment<T>(start, size, held ? SegmentKind.Allocated : SegmentKind.Cached));
                }
            }
        }

        return view;
    }

    /// <summary>The segment of the map that holds a value.</summary>
    public Segment<T> At(uint index, T value)
    {
        Segment<T> segment = space.Map.GetSegment(index);
        uint slab = space.Map.SlabOf(index);
        bool isOut = segment.Kind == SegmentKind.Allocated;
        if (slab != 0)
        {
            (T start, T size, isOut) = slabs.RangeAt(slab, value);
            segment = new Segment<T>(start, size, SegmentKind.Allocated);
        }

        bool held = isOut && (segment.Size > max || !magazines.Contains(segment.Start,
            int.CreateTruncating(segment.Size / space.Quantum) - 1));
        return segment.Kind == SegmentKind.Allocated && !held ? segment with { Kind = SegmentKind.Cached } : segment;
    }

    private uint SlabAt(T start)
    {
        uint tag = space.Map.FindLive(start);
        return tag == 0 ? 0 : space.Map.SlabOf(tag);
    }
}
