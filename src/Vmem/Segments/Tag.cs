using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>What a boundary tag stands for.</summary>
internal enum TagKind : uint
{
    Unused = 0,
    Span = 1,
    Allocated = 2,
    Free = 3,
}

/// <summary>A boundary tag: one for each segment and one for each span.</summary>
/// <remarks>
/// <para>
/// The tags of a span form a ring in address order that begins and ends at the span's own tag. A segment's tag holds where the segment
/// starts; where it ends is where the next tag of the ring starts, and a span's tag holds the end of the span, so that this is true of the
/// last segment too. The end of a span at the very top of the type wraps to 0; sizes are differences, and come out right all the same.
/// </para>
/// <para>
/// For <c>ulong</c> a tag takes 24 bytes. Rejected: a stored size (32 bytes, with 1.3 to 1.5 tags to a live segment over the 40 bytes that
/// a live segment may cost). Whoever needs the size needs the next tag as well: freeing must know whether the next segment is free, and
/// splitting must link the remainder to it.
/// </para>
/// <para>The two links serve, by kind: Free: next and previous in the free list. Allocated: <see cref="LinkA"/> next in the chain of the
/// live table, <see cref="LinkB"/> the number of the slab that the segment is, or 0; allocated by handle: both together the generation,
/// which is 0 if the segment rests for a time, 2 if for a fence, and 1 if it is what nobody holds of a span that drains. Span: bit 31 of
/// <see cref="LinkA"/> is set when the span was imported; the rest next and previous among the empty imports. Unused:
/// <see cref="LinkA"/> next in the pool.</para>
/// </remarks>
internal struct Tag<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Tags are numbered with 30 bits: 2^30 tags of 24 bytes are 24 GiB. 0 is no tag.</summary>
    public const uint MaxIndex = (1u << 30) - 1;

    /// <summary>In <see cref="LinkA"/> of a span: it was imported.</summary>
    public const uint ImportedBit = 1u << 31;

    /// <summary>No handle has a generation up to this.</summary>
    public const ulong NobodysGenerations = RestsForFence;

    private const ulong RestsForTime = 0;
    private const ulong Drains = 1;
    private const ulong RestsForFence = 2;
    private const uint IndexMask = MaxIndex;
    private const uint PreviousFreeBit = 1u << 31;
    private const uint ByHandleBit = 1u << 30;
    private const int KindShift = 30;

    public T Start;
    private uint _previous;                       // index; bit 31: the previous segment is free; bit 30: allocated by handle
    private uint _next;                           // index; bits 30–31: kind
    public uint LinkA;
    public uint LinkB;

    public uint Previous
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => _previous & IndexMask;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _previous = (_previous & ~IndexMask) | value;
    }

    public uint Next
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => _next & IndexMask;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _next = (_next & ~IndexMask) | value;
    }

    public TagKind Kind
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (TagKind)(_next >> KindShift);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _next = (_next & IndexMask) | ((uint)value << KindShift);
    }

    /// <summary>Whether the segment before this one, in the same span, is free: spares the frees that cannot coalesce backward a look at
    /// the previous tag.</summary>
    public bool PreviousFree
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (int)_previous < 0;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => _previous = value ? _previous | PreviousFreeBit : _previous & ~PreviousFreeBit;
    }

    public bool ByHandle
    {
        readonly get => (_previous & ByHandleBit) != 0;
        set => _previous = value ? _previous | ByHandleBit : _previous & ~ByHandleBit;
    }

    /// <summary>Whether the segment rests: allocated by no handle and to nobody.</summary>
    public readonly bool IsResting => Kind == TagKind.Allocated && ByHandle && Generation is RestsForTime or RestsForFence;

    /// <summary>Whether it does until a time.</summary>
    public readonly bool IsRestingForTime => Kind == TagKind.Allocated && ByHandle && Generation == RestsForTime;

    /// <summary>Whether the segment is what nobody holds of a span that drains: allocated by no handle, too.</summary>
    public readonly bool IsDraining => Kind == TagKind.Allocated && ByHandle && Generation == Drains;

    public ulong Generation
    {
        readonly get => ((ulong)LinkB << 32) | LinkA;
        set
        {
            LinkA = (uint)value;
            LinkB = (uint)(value >> 32);
        }
    }

    /// <summary>An allocated segment in no table rests from now on.</summary>
    public void SetResting(bool forFence)
    {
        ByHandle = true;
        Generation = forFence ? RestsForFence : RestsForTime;
    }

    /// <summary>One is what nobody holds of a span that drains.</summary>
    public void SetDraining()
    {
        ByHandle = true;
        Generation = Drains;
    }

    /// <summary>Sets the next tag and the kind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetNext(uint next, TagKind kind) => _next = next | ((uint)kind << KindShift);

    /// <summary>Sets the previous tag, and that it is free. Clears no other flag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetPreviousFree(uint previous) => _previous = (_previous & ByHandleBit) | previous | PreviousFreeBit;

    /// <summary>Sets the neighbours and the kind of a fresh tag, and clears every flag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Place(uint previous, uint next, TagKind kind)
    {
        _previous = previous;
        _next = next | ((uint)kind << KindShift);
    }
}
