using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Segments that rest: nobody holds them, and nothing is taken from them.</summary>
/// <remarks>The tag of one is that of an allocated segment whose handle has no generation. So no hash table has it, no handle leads to it,
/// its neighbours do not coalesce with it, and neither taking nor freeing looks for anything new.</remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The total size of free segments, modulo 2^bits.</summary>
    public T FreeSize => TotalSize - InUse - Resting - Draining;

    /// <summary>A segment that is in no table any more begins to rest. Needs no memory.</summary>
    /// <param name="index">The segment.</param>
    /// <param name="forFence">Whether a fence ends the rest; else a time does.</param>
    public void BeginRest(uint index, bool forFence = false)
    {
        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(tag->Kind == TagKind.Allocated && !tag->ByHandle && LiveSegments > 0, "what begins to rest was allocated, and nobody's handle is left");
        tag->SetResting(forFence);
        T size = SizeOf(tag);
        InUse -= size;
        LiveSegments--;
        NoteRest(size, 1);
    }

    /// <summary>A segment has rested: it is allocated again, in no table, and is to be freed.</summary>
    public void EndRest(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(tag->IsResting && RestingSegments > 0, "what ends its rest rested");
        T size = SizeOf(tag);
        tag->ByHandle = false;
        InUse += size;
        LiveSegments++;
        NoteRest(T.Zero - size, -1);
    }

    /// <summary>The resting segment that starts there.</summary>
    /// <param name="start">Its start.</param>
    /// <param name="hint">The tag that it had when it began to rest.</param>
    /// <param name="index">The tag that it has.</param>
    /// <returns>False after a step towards the segment: see <see cref="TryApproach(T)"/>.</returns>
    public bool TryFindResting(T start, uint hint, out uint index)
    {
        index = hint;
        return (hint < _tags.HighWater && _tags.At(hint)->Start == start && _tags.At(hint)->IsResting)
            || TryWalk(start, StepsAtATime, out index);
    }

    /// <summary>Whether a placement would have a place if nothing rested for a time: in the run of free segments and of such that rest so
    /// around one of them.</summary>
    /// <param name="index">The segment. Unless it rests, and is the first in the window of its run that does, the answer is no: the first
    /// one's counts.</param>
    /// <param name="placement">The placement.</param>
    /// <param name="looks">How many segments may be looked at; how many are left. Below 0 the answer is yes: it was too far to see.</param>
    public bool CouldLieWhereItRests(uint index, in Placement<T> placement, ref long looks)
    {
        if (!_tags.At(index)->IsRestingForTime)
        {
            return false;
        }

        uint front = _tags.At(index)->PreviousFree ? _tags.At(index)->Previous : index;
        if (_tags.At(_tags.At(front)->Previous)->IsRestingForTime && _tags.At(front)->Start > placement.Min)
        {
            return false;
        }

        uint back = index;
        for (uint next = _tags.At(index)->Next; IsFreeOrRests(next) && _tags.At(back)->Start <= placement.Last; next = _tags.At(next)->Next)
        {
            StepCounter.Count();
            back = next;
            if (--looks < 0)
            {
                return true;
            }
        }

        T first = _tags.At(front)->Start;
        T last = _tags.At(_tags.At(back)->Next)->Start - T.One;
        return (placement.Kind == 0 || TryClip(placement.Kind, front, back, ref first, ref last, cutsRests: true))
            && placement.TryLowest(first, last, out _);
    }

    private bool IsFreeOrRests(uint index) => _tags.At(index)->Kind == TagKind.Free || _tags.At(index)->IsRestingForTime;

    /// <summary>Cuts the end off an allocated segment; it is allocated, too, and in no table.</summary>
    /// <returns>False, and nothing is changed, if there is no memory for its tag.</returns>
    public bool TryCut(uint index, T size, out uint tail)
    {
        tail = 0;
        try
        {
            ReserveTags(1);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }

        tail = SplitOff(index, _tags.At(index), size);
        LiveSegments++;
        return true;
    }

    /// <summary>What rests counts as full where it is asked how scarce space is.</summary>
    private void NoteRest(T more, int by)
    {
        _rests.Size += more;
        _rests.Count += by;
        _scarceAbove -= more;
    }
}
