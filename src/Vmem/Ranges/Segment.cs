using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>What a <see cref="Segment{T}"/> is.</summary>
public enum SegmentKind
{
    /// <summary>A whole span: a range that was added to the arena or imported.</summary>
    Span,

    /// <summary>A part of a span that a caller holds.</summary>
    Allocated,

    /// <summary>A part of a span that nobody holds; it never touches another free segment of its span.</summary>
    Free,

    /// <summary>A part of a span that a quantum cache keeps ready: nobody holds it.</summary>
    Cached,

    /// <summary>A part of a span that was freed later (<see cref="Arena{T}.FreeAfter(T, T, TimeSpan)"/>): nobody holds it, and nothing is
    /// taken from it yet.</summary>
    Resting,

    /// <summary>A part of a span that drains (<see cref="Arena{T}.TryDrainSpan"/>): nobody holds it, and nothing is taken from it any
    /// more.</summary>
    Draining,
}

/// <summary>A contiguous range of an arena: <c>[Start, Start + Size)</c>.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values.</param>
/// <param name="Kind">Whether it is a span, allocated, free, cached, resting or draining.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, {Kind}")]
public readonly record struct Segment<T>(T Start, T Size, SegmentKind Kind)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>What its owner has said about an allocated range: see <see cref="ArenaOptions{T}.Tagged"/>. 0: nothing.</summary>
    public ulong Tag { get; init; }

    /// <summary>Of which kind an allocated range is: see <see cref="ArenaOptions{T}.KindGranularity"/>. 0: of none.</summary>
    public int RangeKind { get; init; }

    /// <summary>Of a span, whether it drains: see <see cref="Arena{T}.TryDrainSpan"/>.</summary>
    public bool IsDraining { get; init; }
}
