using Vmem.Segments;

namespace Vmem;

// The segments as callers see them: a slab is the ranges in it, and what lies in a cache is nobody's.
public sealed partial class Arena<T>
{
    /// <summary>All spans and segments of the map. The lock is held.</summary>
    private IEnumerable<Segment<T>> EnumerateLocked()
    {
        var batch = new Segment<T>[EnumerationBatch];
        var position = SegmentMap<T>.Position.First;
        while (position.More)
        {
            int count = _map.CopySegments(ref position, batch);
            for (int i = 0; i < count; i++)
            {
                yield return batch[i];
            }
        }
    }

    /// <summary>All spans and segments as callers see them. Frozen.</summary>
    private List<Segment<T>> CopyCallersView()
    {
        Dictionary<T, int> cached = _caches!.Contents();
        var view = new List<Segment<T>>();
        foreach (Segment<T> segment in EnumerateLocked())
        {
            uint slab = segment.Kind == SegmentKind.Allocated ? SlabAt(segment.Start) : 0;
            if (slab == 0)
            {
                view.Add(segment.Kind == SegmentKind.Allocated && cached.ContainsKey(segment.Start) ? segment with { Kind = SegmentKind.Cached } : segment);
                continue;
            }

            foreach ((T start, T size, bool isOut) in _caches.Slabs.Expand(slab))
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

    /// <summary>The segment of the map that holds a value, as callers see it. Frozen.</summary>
    private Segment<T> CallersSegment(uint index, T value)
    {
        Segment<T> segment = _map.GetSegment(index);
        uint slab = _map.SlabOf(index);
        bool isOut = segment.Kind == SegmentKind.Allocated;
        if (slab != 0)
        {
            (T start, T size, isOut) = _caches!.Slabs.RangeAt(slab, value);
            segment = new Segment<T>(start, size, SegmentKind.Allocated);
        }

        bool held = isOut && (segment.Size - T.One >= _frontMax || !_caches!.Contains(segment.Start, ClassOf(segment.Size)));
        return segment.Kind == SegmentKind.Allocated && !held ? segment with { Kind = SegmentKind.Cached } : segment;
    }

    private uint SlabAt(T start)
    {
        uint tag = _map.FindLive(start);
        return tag == 0 ? 0 : _map.SlabOf(tag);
    }
}
