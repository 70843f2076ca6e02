using System.Numerics;

namespace Vmem.Resting;

/// <summary>A range that rests.</summary>
/// <remarks>The tag may have been moved since (see <c>SegmentMap.Trim</c>): then the segment is found again by its start, as that of a
/// handle is.</remarks>
internal struct RestEntry<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>A time, or a fence.</summary>
    public ulong Until;

    public T Start;

    /// <summary>The number of its segment's tag.</summary>
    public uint Tag;

    /// <summary>The order of coming, modulo 2^32: fewer than half as many rest at once, as there are no more tags.</summary>
    public uint Turn;

    /// <summary>Whether this one's rest ends first: of two that end together, that of the one that came first.</summary>
    public readonly bool IsBefore(in RestEntry<T> other) =>
        Until != other.Until ? Until < other.Until : (int)(Turn - other.Turn) < 0;
}
