using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Allocating a part of a free segment.</summary>
/// <remarks>
/// Allocating from the front of a free segment leaves its tag with the allocated part and gives the remainder a new one: the next tag's
/// link must change then, which is at hand because it holds the end. The other way round the previous tag's would.
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Allocates [start, start + size) of a free segment. The caller knows that it lies inside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Carve(uint free, T start, T size)
    {
        Tag<T>* tag = _tags.At(free);
        uint nextIndex = tag->Next;
        Tag<T>* next = _tags.At(nextIndex);
        T whole = next->Start - tag->Start;
        Invariant.Assert(tag->Kind == TagKind.Free && start - tag->Start <= whole - size, "what is allocated was free");
        _freeLists.Remove(_tags, tag, ClassOf(whole));
        if (tag->Start != start)
        {
            return TakeBehind(free, tag, nextIndex, next, start, size, whole);
        }

        TakeFront(free, tag, nextIndex, next, size, whole);
        return free;
    }

    /// <summary>Allocates the first <paramref name="size"/> of a free segment that is in no list any more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TakeFront(uint index, Tag<T>* tag, uint nextIndex, Tag<T>* next, T size, T whole)
    {
        Invariant.Assert(!T.IsZero(size) && size <= whole && Multiples<T>.Has(size, _quantum), "whole quanta are taken, and no more than there are");
        Invariant.Assert(tag->Kind == TagKind.Free && next->PreviousFree && next->Previous == index, "a free segment and the one behind it know each other");
        if (whole == size)
        {
            next->PreviousFree = false;
            tag->Kind = TagKind.Allocated;
            if (_indexed)
            {
                Unindex(tag->Start, whole, index);
                NoteTaken(tag->Start, size);
            }
        }
        else
        {
            SplitBack(index, tag, nextIndex, next, size, whole);
        }

        InUse += size;
        LiveSegments++;
    }

    /// <summary>Allocates the first <paramref name="size"/> of a free segment that is in no list any more; the rest becomes a free
    /// segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SplitBack(uint index, Tag<T>* tag, uint nextIndex, Tag<T>* next, T size, T whole)
    {
        uint restIndex = _tags.Take();
        Tag<T>* rest = _tags.At(restIndex);
        T start = tag->Start;
        rest->Start = start + size;
        rest->Place(index, nextIndex, TagKind.Free);
        next->Previous = restIndex;
        tag->SetNext(restIndex, TagKind.Allocated);
        Invariant.Assert(SizeOf(tag) == size && SizeOf(rest) == whole - size, "both parts together are what was cut");
        _freeLists.Push(_tags, restIndex, rest, ClassOf(whole - size), IsScarce);
        if (_indexed)
        {
            Reindex(start, whole, index, start + size, whole - size, restIndex);
            NoteTaken(start, size);
        }
    }

    /// <summary>Allocates from the middle or the end of a free segment that is in no list any more: what lies before keeps its tag, what
    /// lies behind gets a new one.</summary>
    private uint TakeBehind(uint free, Tag<T>* tag, uint nextIndex, Tag<T>* next, T start, T size, T whole)
    {
        T front = start - tag->Start;
        T back = whole - front - size;
        Invariant.Assert(!T.IsZero(front) && !T.IsZero(size) && back < whole && next->PreviousFree, "what is taken lies behind the beginning of a free segment");
        uint index = _tags.Take();
        Tag<T>* taken = _tags.At(index);
        taken->Start = start;
        taken->Place(free, nextIndex, TagKind.Allocated);
        taken->PreviousFree = true;
        tag->SetNext(index, TagKind.Free);
        _freeLists.Push(_tags, free, tag, ClassOf(front), IsScarce);
        if (_indexed)
        {
            Reindex(tag->Start, whole, free, tag->Start, front, free);
            NoteTaken(start, size);
        }

        if (T.IsZero(back))
        {
            next->Previous = index;
            next->PreviousFree = false;
        }
        else
        {
            uint restIndex = _tags.Take();
            Tag<T>* rest = _tags.At(restIndex);
            rest->Start = start + size;
            rest->Place(index, nextIndex, TagKind.Free);
            taken->SetNext(restIndex, TagKind.Allocated);
            next->Previous = restIndex;
            _freeLists.Push(_tags, restIndex, rest, ClassOf(back), IsScarce);
            if (_indexed)
            {
                Index(start + size, back, restIndex);
            }
        }

        Invariant.Assert(SizeOf(tag) == front && SizeOf(taken) == size, "all parts together are what was cut");
        InUse += size;
        LiveSegments++;
        return index;
    }
}
