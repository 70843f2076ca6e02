using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The wholly free imports that are kept: a list through the tags of their spans, the latest first, so that nobody has to look for
/// them.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The import that became empty last; 0: there is none.</summary>
    public uint FirstEmpty { get; private set; }

    /// <summary>The one before it.</summary>
    public uint NextEmpty(uint spanIndex) => _tags.At(spanIndex)->LinkA & ~Tag<T>.ImportedBit;

    /// <summary>The range of a span that is one free segment.</summary>
    public Segment<T> GetEmpty(uint spanIndex) => GetSegment(_tags.At(spanIndex)->Next) with { Kind = SegmentKind.Span };

    /// <summary>A wholly free import is kept.</summary>
    public void LinkEmpty(uint spanIndex)
    {
        Invariant.Assert(IsImported(spanIndex) && IsWhollyFree(spanIndex), "what is kept empty is an import, and empty");
        Tag<T>* span = _tags.At(spanIndex);
        span->LinkA = Tag<T>.ImportedBit | FirstEmpty;
        span->LinkB = 0;
        _tags.At(FirstEmpty)->LinkB = spanIndex;  // where there is no first, the unused tag 0 takes the write
        FirstEmpty = spanIndex;
    }

    /// <summary>It is used again, or goes.</summary>
    public void UnlinkEmpty(uint spanIndex)
    {
        Tag<T>* span = _tags.At(spanIndex);
        uint next = NextEmpty(spanIndex);
        uint previous = span->LinkB;
        _tags.At(next)->LinkB = previous;
        if (previous == 0)
        {
            Invariant.Assert(FirstEmpty == spanIndex, "an empty import is in the list");
            FirstEmpty = next;
        }
        else
        {
            _tags.At(previous)->LinkA = Tag<T>.ImportedBit | next;
        }

        span->LinkA = Tag<T>.ImportedBit;
        span->LinkB = 0;                          // what is in no list has no links
    }

    /// <summary>The tag of a span has another number: the list follows, if it is in it.</summary>
    private void EmptyMoved(uint from, uint to)
    {
        Tag<T>* span = _tags.At(to);
        if (FirstEmpty == from)
        {
            FirstEmpty = to;
        }
        else if (span->LinkB != 0)
        {
            _tags.At(span->LinkB)->LinkA = Tag<T>.ImportedBit | to;
        }
        else
        {
            return;
        }

        _tags.At(NextEmpty(to))->LinkB = to;      // the unused tag 0 takes the write, too
    }
}
