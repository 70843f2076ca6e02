using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Memory of the tables that is not needed goes back, in steps.</summary>
/// <remarks>
/// <para>
/// The upper half of a table can go when nothing in it is in use. The few tags of a large arena that has become small may lie anywhere, and
/// each of them is moved to a lower number: its neighbours in the ring, its list, table or index, and its slab are told. A handle whose tag
/// was moved is not told: it finds its segment by the start, and knows it by the generation.
/// </para>
/// <para>Rejected: to take low numbers first always, which would need an order among unused tags, and a search in it for every one that is
/// taken.</para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>With more than half as many tags in use the tags stay as they are: looking through those that are kept is one step, of
    /// some hundred microseconds.</summary>
    private const uint MostKept = 1 << 16;

    private const uint LooksAtATime = 1 << 14;    // arbitrary: some ten microseconds where nothing is in use
    private const int MovesAtATime = 1 << 10;     // arbitrary: some hundred microseconds
    private const int Passes = 4;                 // others may take tags that were looked at; arbitrary

    private uint _trimBound;                      // tags are to end here; 0: nothing is under way
    private uint _trimFrom;                       // those from here on have been looked at
    private int _trimPasses;

    /// <summary>How many segments of handles have another tag than their handle says, or had.</summary>
    public long HandleMoves { get; private set; }

    /// <summary>Takes one step.</summary>
    /// <param name="mayMove">Whether nobody outside knows tags by their numbers.</param>
    /// <param name="slabMoved">Is told of a slab, and the tag that it has now.</param>
    /// <returns>Whether that was all.</returns>
    public bool Trim(bool mayMove, Action<uint, uint> slabMoved)
    {
        if (!_live.Shrink(_tags))
        {
            return false;
        }

        if (!mayMove || !BeginTrim())
        {
            _trimBound = 0;
            return true;
        }

        if (_tags.KeepBelow(_trimBound))
        {
            bool isWhole = _tags.Shrink(_trimBound);
            _freeLists.Shrink(_tags.Most);
            return isWhole;
        }

        MoveSome(slabMoved);
        return false;
    }

    /// <summary>The segment of a handle, also where its tag was moved; 0 if it holds none.</summary>
    /// <returns>False after a step towards the segment: see <see cref="TryApproach(T)"/>.</returns>
    public bool TryFind(in RangeHandle<T> handle, out uint index)
    {
        index = IsBound(handle) ? handle.Tag : 0;
        if (index != 0 || HandleMoves == 0 || handle.Tag == 0)
        {
            return true;
        }

        bool isNear = TryWalk(handle.Start, StepsAtATime, out index);
        index = isNear && IsBound(new RangeHandle<T>(handle.Start, handle.Size, index, handle.Generation)) ? index : 0;
        return isNear;
    }

    private bool BeginTrim()
    {
        if (_trimBound == 0)
        {
            _trimBound = _tags.Need;
            _trimFrom = _tags.HighWater;
            _trimPasses = Passes;
        }

        return _trimBound <= MostKept && _tags.HighWater > _trimBound && _tags.Need <= _trimBound && _trimPasses > 0;
    }

    private void MoveSome(Action<uint, uint> slabMoved)
    {
        _trimFrom = Math.Min(_trimFrom, _tags.HighWater);
        int moves = 0;
        for (uint looks = 0; looks < LooksAtATime && moves < MovesAtATime && _trimFrom > _trimBound; looks++)
        {
            _trimFrom--;
            if (_tags.At(_trimFrom)->Kind != TagKind.Unused && _tags.HasReserved(1))
            {
                ReserveToFree();
                Move(_trimFrom, slabMoved);
                moves++;
            }
        }

        if (_trimFrom == _trimBound)
        {
            _trimFrom = _tags.HighWater;
            _trimPasses--;
        }
    }

    private void Move(uint from, Action<uint, uint> slabMoved)
    {
        uint to = _tags.Take();
        Tag<T>* tag = _tags.At(to);
        Invariant.Assert(to < from, "a tag is moved to a lower number");
        if (_tags.At(from)->Kind == TagKind.Allocated && !_tags.At(from)->ByHandle)
        {
            *_live.Find(_tags, _tags.At(from)->Start, _quantumShift) = to;
        }
        else if (_tags.At(from)->Kind == TagKind.Free)
        {
            _freeLists.Remove(_tags, _tags.At(from), ClassOf(SizeOf(_tags.At(from))));
        }

        *tag = *_tags.At(from);
        _tags.At(tag->Previous)->Next = to;
        _tags.At(tag->Next)->Previous = to;
        _tags.Lose(from);
        switch (tag->Kind)
        {
            case TagKind.Free:
                T size = SizeOf(tag);
                _freeLists.Push(_tags, to, tag, ClassOf(size), IsScarce);
                if (_indexed)
                {
                    Reindex(tag->Start, size, from, tag->Start, size, to);
                }

                break;
            case TagKind.Span:
                T start = _tags.At(tag->Next)->Start;
                SpansOf(start).Move(start, tag->Start - start, to);
                EmptyMoved(from, to);
                break;
            case TagKind.Allocated when tag->ByHandle:
                HandleMoves++;
                break;
            case TagKind.Allocated when tag->LinkB != 0:
                slabMoved(tag->LinkB, to);
                break;
        }
    }
}
