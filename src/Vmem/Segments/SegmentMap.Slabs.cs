using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Allocated segments that are slabs: their place, their number, and how they become segments like any other.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many members of the free lists are looked at for an aligned place. Arbitrary; it bounds the walk at a few cache
    /// misses.</summary>
    private const int ListWalk = 16;

    /// <summary>A free segment in which a range of this size lies at a multiple of <paramref name="align"/>; 0 if none was found.</summary>
    /// <remarks>
    /// Looks at a few members of the free lists and builds no index: there are other ways to meet a request than a slab, and every later
    /// change of a free segment would pay for the index.
    /// </remarks>
    public uint FindAligned(T size, T align, out T start)
    {
        int sizeClass = _freeLists.FindNotEmpty(ClassOf(size));
        for (int looks = 0; sizeClass >= 0; sizeClass = _freeLists.FindNotEmpty(sizeClass + 1))
        {
            for (uint index = _freeLists.FindLongEnough(_tags, sizeClass, size); index != 0; index = _tags.At(index)->LinkA)
            {
                StepCounter.Count();
                Tag<T>* tag = _tags.At(index);
                T toBoundary = Multiples<T>.Below(tag->Start, align);
                T whole = SizeOf(tag);
                if (toBoundary <= whole && whole - toBoundary >= size)
                {
                    start = tag->Start + toBoundary;
                    return index;
                }

                if (++looks == ListWalk)
                {
                    start = default;
                    return 0;
                }
            }
        }

        start = default;
        return 0;
    }

    /// <summary>The number of the slab that a segment is; 0 if it is none.</summary>
    public uint SlabOf(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        return tag->Kind == TagKind.Allocated && !tag->ByHandle ? tag->LinkB : 0;
    }

    /// <summary>Makes a listed segment a slab; 0: one like any other.</summary>
    public void SetSlab(uint index, uint slab)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && (_tags.At(index)->LinkB == 0) != (slab == 0), "a segment becomes a slab once, and ceases to be one once");
        _tags.At(index)->LinkB = slab;
    }

    /// <summary>Cuts a listed segment in two, both allocated and listed. Needs <see cref="Reserve"/> before.</summary>
    /// <returns>The second.</returns>
    public uint Split(uint index, T size)
    {
        uint tail = Cut(index, size);
        Enlist(tail);
        return tail;
    }

    /// <summary>Cuts an allocated segment in two; the second is in no table yet.</summary>
    public uint Cut(uint index, T size)
    {
        LiveSegments++;
        return SplitOff(index, _tags.At(index), size);
    }
}
