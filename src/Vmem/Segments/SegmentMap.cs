using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Which ranges of an arena are free and which are held: the boundary tags and the indexes over them.</summary>
/// <remarks>
/// <para>
/// Each span is a ring of tags in address order (see <see cref="Tag{T}"/>). A free segment's tag is in the free list of its size, an
/// allocated one's in the table of live segments, unless it was allocated by handle: a handle is the tag's number, and needs no table. Two
/// free segments of a span never touch: freeing coalesces at once.
/// </para>
/// <para>
/// Two more indexes over the free segments are built in steps when first asked for, and dropped when nobody asks any more: by address
/// (first, last and next fit, windows, look-up) and by size (best fit). So are up to four for alignments. An arena that only uses instant
/// fit pays for none.
/// </para>
/// <para>
/// Sizes are counted in units of the largest power of two that is not above the quantum. Multiples of the quantum differ by a unit at
/// least, so each has a number of units of its own, the numbers have the order of the sizes, and a shift is enough for any quantum.
/// Rejected: quanta as units, which take a division wherever the quantum is no power of two; and the largest power of two that divides the
/// quantum, which of the 127 lists of one size leaves some to multiples of 12, and one to multiples of 101.
/// </para>
/// <para>This class neither locks nor checks arguments nor imports: its space does. Every change needs <see cref="Reserve"/>
/// before.</para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly T _quantum;
    private readonly int _quantumShift;
    private TagPool<T> _tags;
    private FreeLists<T> _freeLists;
    private LiveTable<T> _live;
    private Milestones<T> _milestones;
    private bool _indexed;                        // there is an index by address or by size, or a part of one
    private ulong _generation;
    private Totals _rests;                        // structs: they lie behind what is used all the time
    private Totals _draining;
    private T _scarceAbove;                       // three quarters of the total size
    private T _scarceFor;                         // and from there to 15/16

    private struct Totals
    {
        public T Size;
        public long Count;
    }

    /// <param name="quantum">Not 0.</param>
    /// <param name="hasNotes">Whether something is kept about each range.</param>
    /// <param name="kindGranularity">The page that ranges of different kinds do not share; 0: they may share any.</param>
    public SegmentMap(T quantum, bool hasNotes = false, T kindGranularity = default)
    {
        Notes = hasNotes ? new RangeNotes() : null;
        _kindMask = T.IsZero(kindGranularity) ? T.Zero : kindGranularity - T.One;
        _quantum = quantum;
        _quantumShift = int.CreateTruncating(T.Log2(quantum));
        _freeLists = new FreeLists<T>(_quantumShift);
        try
        {
            _freeLists.EnsurePlaces(_tags.Most);
            _live.Reserve();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The total size of allocated segments, modulo 2^bits: 0 with live segments means every value of the type.</summary>
    public T InUse { get; private set; }

    /// <summary>Allocated segments.</summary>
    public long LiveSegments { get; private set; }

    /// <summary>Whether the one span holds every value of the type: see SegmentMap.Whole.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Whether nothing of such a span is allocated, or rests: then its free segment has no size.</summary>
    public bool IsAllFree => IsWhole && LiveSegments == 0 && RestingSegments == 0;

    /// <summary>The total size of resting segments, modulo 2^bits.</summary>
    public T Resting => _rests.Size;

    /// <summary>Resting segments.</summary>
    public long RestingSegments => _rests.Count;

    /// <summary>The total size of what nobody holds in spans that drain, modulo 2^bits.</summary>
    public T Draining => _draining.Size;

    /// <summary>How many segments that is.</summary>
    public long DrainingSegments => _draining.Count;

    /// <summary>Free segments: what is left of the tags in use.</summary>
    public long FreeSegments => FreeTags - (IsAllFree ? 1 : 0);

    private long FreeTags => _tags.InUse - LiveSegments - RestingSegments - DrainingSegments - _spans.Count - _drains.Count;

    public long BookkeepingBytes =>
        _tags.Bytes + _freeLists.Bytes + _live.Bytes + _spans.Bytes + _drains.Bytes + (_indexes?.Bytes ?? 0) + _milestones.Bytes
        + (Notes?.Bytes ?? 0);

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    public bool HasReserve
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _tags.HasReserved(TagPool<T>.MostTaken) && _live.HasReserved && (!_indexed || IndexesHaveReserve());
    }

    /// <summary>Makes sure that the next operation finds all the memory it may need. Throws <see cref="OutOfMemoryException"/>, having
    /// changed nothing.</summary>
    public void Reserve()
    {
        // A segment carved from the middle of a free one takes two tags and is two insertions into an index; a new span takes two tags.
        ReserveTags(TagPool<T>.MostTaken);
        _live.Reserve();
        if (_indexed)
        {
            ReserveIndexes();
        }
    }

    private void ReserveTags(uint count)
    {
        if (!_tags.HasReserved(count) && !_tags.TryFindLost())
        {
            _freeLists.EnsurePlaces(_tags.NextMost);            // first: more places than tags need do no harm
            _tags.Grow();
        }
    }

    /// <summary>Gives all memory back. The map must not be used afterwards.</summary>
    /// <remarks>There is no finaliser: see <c>TableKeeper</c>.</remarks>
    public void Dispose()
    {
        _tags.Release();
        _freeLists.Release();
        _live.Release();
        _spans.Release();
        _drains.Release();
        _indexes?.Release();
        _milestones.Release();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T SizeOf(Tag<T>* tag) => _tags.At(tag->Next)->Start - tag->Start;

    public Segment<T> GetSegment(uint index)
    {
        if (IsAllFree)
        {
            return new Segment<T>(T.Zero, T.MaxValue, SegmentKind.Free);
        }

        Tag<T>* tag = _tags.At(index);
        Segment<T> segment = new(tag->Start, SizeOf(tag), tag->Kind == TagKind.Free ? SegmentKind.Free
            : tag->IsResting ? SegmentKind.Resting : tag->IsDraining ? SegmentKind.Draining : SegmentKind.Allocated);
        return Notes is null || segment.Kind is SegmentKind.Free or SegmentKind.Draining ? segment
            : segment with { Tag = Notes[index].Tag, RangeKind = Notes[index].Kind };
    }

    /// <summary>Frees an allocated segment, which is in no table any more, and coalesces it with its free neighbours. Returns the resulting
    /// free segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Free(uint index)
    {
        Tag<T>* tag = _tags.At(index);
        uint nextIndex = tag->Next;
        Tag<T>* next = _tags.At(nextIndex);
        Invariant.Assert(tag->Kind == TagKind.Allocated && !tag->ByHandle && LiveSegments > 0, "what is freed was allocated, and nobody's handle is left");
        InUse -= next->Start - tag->Start;
        LiveSegments--;
        return Coalesce(index, tag, nextIndex, next);
    }

    /// <summary>Makes a segment that is in no list free, and one with its free neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Coalesce(uint index, Tag<T>* tag, uint nextIndex, Tag<T>* next)
    {
        T end = next->Start;
        T start = tag->Start;
        T nextSize = T.Zero;
        Invariant.Assert(next->Previous == index && !next->PreviousFree, "what is made free was not");
        if (next->Kind == TagKind.Free)
        {
            uint freeIndex = nextIndex;
            Tag<T>* free = next;
            nextIndex = free->Next;
            next = _tags.At(nextIndex);
            nextSize = next->Start - end;
            end = next->Start;
            Invariant.Assert(next->PreviousFree && next->Previous == freeIndex && next->Kind != TagKind.Free, "no two free segments touch");
            _freeLists.Remove(_tags, free, ClassOf(nextSize));
            _tags.Return(freeIndex);
        }

        T previousSize = T.Zero;
        if (tag->PreviousFree)
        {
            uint previousIndex = tag->Previous;
            Tag<T>* previous = _tags.At(previousIndex);
            previousSize = start - previous->Start;
            Invariant.Assert(previous->Kind == TagKind.Free && previous->Next == index && !previous->PreviousFree, "what is marked free is free, and alone");
            _freeLists.Remove(_tags, previous, ClassOf(previousSize));
            _tags.Return(index);
            index = previousIndex;
            tag = previous;
        }

        tag->SetNext(nextIndex, TagKind.Free);
        next->SetPreviousFree(index);
        Invariant.Assert(SizeOf(tag) == previousSize + (end - nextSize - start) + nextSize, "what is coalesced is as long as its parts");
        _freeLists.Push(_tags, index, tag, ClassOf(end - tag->Start), IsScarce);
        if (_indexed)
        {
            IndexCoalesced(tag->Start, previousSize, start, end - nextSize, nextSize, index);
        }

        return index;
    }

    /// <summary>Whether the arena is between three quarters and 15/16 full, so that it pays to keep the free lists in order.</summary>
    /// <remarks>
    /// Both bounds are tuned on the ramp, not derived. Below the first nothing failed in it; above the second hardly anything
    /// coalesces any more, and what was freed last is again the better choice (ramp with sizes U64: first failure at 98.99 % occupancy,
    /// against 98.87 % in order).
    /// </remarks>
    private bool IsScarce
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => InUse - _scarceAbove < _scarceFor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ClassOf(T size) => SizeClass.Of(size >> _quantumShift);
}
