using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Importing;

/// <summary>Finds the lowest free place of a window in an arena, or in the source below it if that can be asked.</summary>
/// <param name="segments">The arena's segments at present.</param>
/// <param name="quantum">The arena's.</param>
/// <param name="source">Its source; null: it has none.</param>
internal sealed class PlaceSeeker<T>(Func<IEnumerable<Segment<T>>> segments, T quantum, IArenaSource<T>? source)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>See <see cref="ISeekingArenaSource{T}.SeekAsync"/>; the size is rounded up.</summary>
    public async ValueTask<T?> SeekAsync(T size, T first, T last, CancellationToken cancellationToken)
    {
        T? mine = Lowest(size, first, last);
        if (mine == first || source is not ISeekingArenaSource<T> below || below.Quantum != quantum)
        {
            return mine;
        }

        T lower = mine is { } place ? place + (size - T.One) - T.One : last;
        T? theirs = await below.SeekAsync(size, first, lower, cancellationToken).ConfigureAwait(false);
        mine = Lowest(size, first, last);          // what the source had may have come here meanwhile
        return theirs is { } other && (mine is not { } own || other < own) ? theirs : mine;
    }

    private T? Lowest(T size, T first, T last)
    {
        Placement<T> wanted = new(size, new RangeConstraints<T> { Min = first, Max = last + T.One }, quantum);
        foreach (Segment<T> segment in segments())
        {
            if (segment.Kind == SegmentKind.Free && wanted.TryLowest(segment.Start, segment.Start + (segment.Size - T.One), out T place))
            {
                return place;
            }
        }

        return null;
    }
}
