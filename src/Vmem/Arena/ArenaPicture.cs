using System.Numerics;

namespace Vmem;

/// <summary>An arena at one moment.</summary>
/// <param name="Quantum">Its quantum.</param>
/// <param name="KindGranularity">The page that kinds do not share; 0: they may share any.</param>
/// <param name="IsWhole">Whether its one span holds every value of the type.</param>
/// <param name="Segments">Spans, each followed by its segments.</param>
internal sealed record ArenaPicture<T>(T Quantum, T KindGranularity, bool IsWhole, Segment<T>[] Segments)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>A page of kinds, less 1; 0: there are none.</summary>
    public T PageMask => T.IsZero(KindGranularity) ? T.Zero : KindGranularity - T.One;

    /// <summary>The spans that drain.</summary>
    private readonly Segment<T>[] _draining = [.. Segments.Where(static segment => segment.IsDraining)];

    /// <summary>Whether a segment lies in a span that drains.</summary>
    public bool Drains(Segment<T> segment) => Array.Exists(_draining, span => segment.Start - span.Start < span.Size);

    /// <summary>Whether nobody can have it: allocated, resting, draining, or kept by a cache.</summary>
    public static bool IsTaken(Segment<T> segment) => segment.Kind is not (SegmentKind.Span or SegmentKind.Free);
}
