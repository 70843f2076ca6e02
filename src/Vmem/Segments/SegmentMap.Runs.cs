using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>What could become free around a segment.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many segments are looked at. Arbitrary: some hundred nanoseconds.</summary>
    private const int RunWalk = 32;

    /// <summary>Whether so much could lie in the run around an allocated segment, if this one and the known ones were free; or whether the
    /// whole span could become free. True also if the run is too long to tell.</summary>
    /// <param name="index">The segment.</param>
    /// <param name="size">How much.</param>
    /// <param name="known">Where the known segments start.</param>
    public bool CouldLieAround(uint index, T size, HashSet<T> known)
    {
        T run = SizeOf(_tags.At(index));
        int looks = 0;
        uint first = index;
        do
        {
            first = _tags.At(first)->Previous;
        }
        while (Extend(first, size, known, ref run, ref looks));

        uint last = index;
        do
        {
            last = _tags.At(last)->Next;
        }
        while (Extend(last, size, known, ref run, ref looks));

        return looks >= RunWalk || run >= size || first == last;      // both are the span's own tag
    }

    private bool Extend(uint index, T size, HashSet<T> known, ref T run, ref int looks)
    {
        StepCounter.Count();
        Tag<T>* tag = _tags.At(index);
        bool isOpen = tag->Kind == TagKind.Free || (tag->Kind == TagKind.Allocated && known.Contains(tag->Start));
        run += isOpen ? SizeOf(tag) : T.Zero;
        return isOpen && run < size && ++looks < RunWalk;
    }
}
