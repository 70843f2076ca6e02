using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The allocated segments: how they are found again, by address or by handle, and how they change their size.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    private static long s_maps;                   // how many maps have begun their generations

    /// <summary>Enters an allocated segment into the table of live segments.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enlist(uint index)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && !_tags.At(index)->ByHandle, "what is listed is allocated by address");
        _live.Add(_tags, index, _tags.At(index), _quantumShift);
    }

    /// <summary>Takes the segment of this start and size out of the table of live segments; 0, and nothing is changed, if it is not
    /// there, or is a slab.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Delist(T start, T size)
    {
        uint* link = _live.Find(_tags, start, _quantumShift);
        uint index = *link;
        if (index == 0 || SizeOf(_tags.At(index)) != size || _tags.At(index)->LinkB != 0)
        {
            return 0;
        }

        _live.Unlink(_tags, link);
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && !_tags.At(index)->ByHandle, "what was listed was allocated by address");
        return index;
    }

    /// <summary>The live segment that starts there, if it was allocated by address; 0 otherwise.</summary>
    public uint FindLive(T start) => *_live.Find(_tags, start, _quantumShift);

    /// <summary>The tag after this one in its span's ring.</summary>
    public uint Following(uint index) => _tags.At(index)->Next;

    /// <summary>The free segment just before this one; 0: there is none.</summary>
    public uint FreeBefore(uint index) => _tags.At(index)->PreviousFree ? _tags.At(index)->Previous : 0;

    /// <summary>The free segment just behind this one; 0: there is none.</summary>
    public uint FreeBehind(uint index) => _tags.At(_tags.At(index)->Next)->Kind == TagKind.Free ? _tags.At(index)->Next : 0;

    /// <summary>Whether a segment would grow together with another if it were freed.</summary>
    public bool HasFreeNeighbor(uint index) =>
        _tags.At(index)->PreviousFree || _tags.At(_tags.At(index)->Next)->Kind == TagKind.Free;

    /// <summary>Every tag in use is numbered below this.</summary>
    public uint TagBound => _tags.HighWater;

    /// <summary>Whether the tag is that of this allocated segment.</summary>
    public bool IsAllocated(uint index, T start, T size) =>
        index < TagBound                          // tag 0 is never allocated
            && _tags.At(index)->Kind == TagKind.Allocated
            && _tags.At(index)->Start == start
            && SizeOf(_tags.At(index)) == size;

    /// <summary>Allocated segments that handles hold.</summary>
    public long HandleSegments => LiveSegments - _live.Count;

    public bool IsByHandle(uint index) => _tags.At(index)->ByHandle;

    /// <summary>Links a delisted segment to a chain of others: the link of its former hash chain serves.</summary>
    public void Chain(uint index, uint next)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && index != next, "what is chained is allocated, and chained once");
        _tags.At(index)->LinkA = next;
    }

    public uint ChainedTo(uint index) => _tags.At(index)->LinkA;

    /// <summary>Links a listed segment to others that were taken for the same request, by the place of a slab's number. Until
    /// <see cref="Unlink"/> nothing but taking is done.</summary>
    public void Link(uint index, uint next)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && !_tags.At(index)->ByHandle && _tags.At(index)->LinkB == 0, "what is linked is listed, and no slab");
        _tags.At(index)->LinkB = next;
    }

    /// <summary>Takes a segment out of that chain.</summary>
    /// <returns>The next one; 0 if it was the last.</returns>
    public uint Unlink(uint index)
    {
        uint next = _tags.At(index)->LinkB;
        _tags.At(index)->LinkB = 0;
        return next;
    }

    /// <summary>
    /// Gives an allocated segment to a handle: a new generation. Generations never repeat in a map, and different maps begin far apart
    /// (multiples of 2^64/φ), so that a handle is not mistaken for another arena's either. Where they pass 2^64 they begin anew, elsewhere:
    /// the lowest mark segments that nobody holds.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Bind(uint index)
    {
        if (++_generation <= Tag<T>.NobodysGenerations)
        {
            _generation = ((ulong)Interlocked.Increment(ref s_maps) * 0x9E3779B97F4A7C15) + 1;
        }

        Tag<T>* tag = _tags.At(index);
        Invariant.Assert(tag->Kind == TagKind.Allocated && !tag->ByHandle, "one handle holds an allocated segment");
        tag->ByHandle = true;
        return tag->Generation = _generation;
    }

    /// <summary>Whether a handle still holds what it was given.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBound(in RangeHandle<T> handle)
    {
        Tag<T>* tag = _tags.At(handle.Tag);       // tag 0 is never allocated
        return handle.Tag < _tags.HighWater && tag->Kind == TagKind.Allocated && tag->ByHandle
            && tag->Generation == handle.Generation && tag->Start == handle.Start;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Unbind(uint index)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && _tags.At(index)->ByHandle, "a handle that ends held a segment");
        _tags.At(index)->ByHandle = false;
    }

    /// <summary>Undoes <see cref="Unbind"/>.</summary>
    public void Rebind(uint index, ulong generation)
    {
        Invariant.Assert(_tags.At(index)->Kind == TagKind.Allocated && !_tags.At(index)->ByHandle, "what is bound again was unbound");
        _tags.At(index)->ByHandle = true;
        _tags.At(index)->Generation = generation;
    }

    /// <summary>Makes an allocated segment shorter or, if what follows it is free and long enough, longer. Needs
    /// <see cref="ReserveToFree"/> before.</summary>
    public bool TryResize(uint index, T size)
    {
        Tag<T>* tag = _tags.At(index);
        T old = SizeOf(tag);
        if (size < old ? !TryCutTail(index, size) : size > old && !TryGrow(index, tag, size - old))
        {
            return false;
        }

        InUse += size - old;
        Invariant.Assert(SizeOf(_tags.At(index)) == size && _tags.At(index)->Kind == TagKind.Allocated, "a resized segment has its new size");
        return true;
    }

    /// <summary>False, and nothing is changed, if there is no memory for the tag of what is cut off. Where free space follows, that grows
    /// downward instead.</summary>
    private bool TryCutTail(uint index, T size)
    {
        uint nextIndex = _tags.At(index)->Next;
        if (_tags.At(nextIndex)->Kind == TagKind.Free)
        {
            MoveFront(nextIndex, _tags.At(nextIndex), _tags.At(index)->Start + size);
            return true;
        }

        try
        {
            ReserveTags(1);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }

        uint tailIndex = SplitOff(index, _tags.At(index), size);
        _ = Coalesce(tailIndex, _tags.At(tailIndex), nextIndex, _tags.At(nextIndex));
        return true;
    }

    /// <summary>A free segment begins elsewhere from now on; it does not vanish.</summary>
    private void MoveFront(uint index, Tag<T>* tag, T start)
    {
        T oldStart = tag->Start;
        T oldSize = SizeOf(tag);
        T size = oldSize + (oldStart - start);
        _freeLists.Remove(_tags, tag, ClassOf(oldSize));
        tag->Start = start;
        _freeLists.Push(_tags, index, tag, ClassOf(size), IsScarce);
        if (_indexed)
        {
            Reindex(oldStart, oldSize, index, start, size, index);
            if (start < oldStart)
            {
                NoteFreed(start, oldStart - start, index);
            }
            else
            {
                NoteTaken(oldStart, start - oldStart);
            }
        }
    }

    /// <summary>Makes two allocated segments of one; the second is in no table.</summary>
    private uint SplitOff(uint index, Tag<T>* tag, T size)
    {
        uint nextIndex = tag->Next;
        Tag<T>* next = _tags.At(nextIndex);
        Invariant.Assert(tag->Kind == TagKind.Allocated && next->Previous == index && !next->PreviousFree, "what is split is allocated");
        Invariant.Assert(!T.IsZero(size) && size < SizeOf(tag), "both parts have a length");
        uint tailIndex = _tags.Take();
        Tag<T>* tail = _tags.At(tailIndex);
        tail->Start = tag->Start + size;
        tail->Place(index, nextIndex, TagKind.Allocated);
        tag->Next = tailIndex;
        next->Previous = tailIndex;
        return tailIndex;
    }

    private bool TryGrow(uint index, Tag<T>* tag, T more)
    {
        uint freeIndex = tag->Next;
        Tag<T>* free = _tags.At(freeIndex);
        if (free->Kind != TagKind.Free)
        {
            return false;
        }

        T start = free->Start;
        T room = SizeOf(free);
        Invariant.Assert(_tags.At(free->Previous) == tag && !free->PreviousFree, "a free segment and the one before it know each other");
        if (room < more || !MayGrowTo(index, freeIndex, start + (more - T.One)))
        {
            return false;
        }

        if (room > more)
        {
            MoveFront(freeIndex, free, start + more);
            return true;
        }

        _freeLists.Remove(_tags, free, ClassOf(room));
        uint nextIndex = free->Next;
        Tag<T>* next = _tags.At(nextIndex);
        Invariant.Assert(next->Previous == freeIndex && next->PreviousFree, "a free segment and the one behind it know each other");
        next->Previous = free->Previous;
        next->PreviousFree = false;
        tag->Next = nextIndex;
        _tags.Return(freeIndex);
        if (_indexed)
        {
            Unindex(start, room, freeIndex);
            NoteTaken(start, room);
        }

        return true;
    }
}
