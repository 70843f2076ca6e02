using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>The free segments that begin in a window, in order of size, and of start among equal sizes.</summary>
/// <remarks>Both indexes can tell which is next, and each has cases where it takes long: see <see cref="RangeTree{T, TOrder}"/>. So both
/// are searched by turns, and the first answer counts.</remarks>
internal ref struct WindowWalk<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many nodes a search visits at its turn. Arbitrary: several times what it takes to go down to where it left
    /// off.</summary>
    private const int NodesATurn = 64;

    private readonly RangeTree<T, ByKeyThenValue<T>> _bySize;
    private readonly RangeTree<T, ByKey<T>>? _byAddress;
    private readonly T _min;
    private readonly T _max;
    private RangeTree<T, ByKeyThenValue<T>>.FirstWithin _upward;
    private RangeTree<T, ByKey<T>>.LeastWithin _inside;

    /// <param name="bySize">The index by size.</param>
    /// <param name="byAddress">The index by address; null if there is no window.</param>
    /// <param name="placement">A request that has a place above the window's lower end.</param>
    /// <param name="size">The walk begins at or after a segment of this size</param>
    /// <param name="start">that begins here.</param>
    public WindowWalk(
        RangeTree<T, ByKeyThenValue<T>> bySize, RangeTree<T, ByKey<T>>? byAddress, in Placement<T> placement, T size, T start)
    {
        (_bySize, _byAddress, _min, _max) = (bySize, byAddress, placement.Min, placement.HighestStart);
        Begin(size, start);
    }

    public T Size { get; private set; }

    public T Start { get; private set; }

    /// <summary>The tag; 0 if there is no further segment.</summary>
    public uint Tag { get; private set; }

    /// <summary>Takes a turn on the way to the next segment.</summary>
    /// <returns>Whether it is known what that is.</returns>
    public bool TryMove()
    {
        if (_bySize.TryFinish(ref _upward, NodesATurn))
        {
            RangeTree<T, ByKeyThenValue<T>>.Cursor found = _upward.Found;
            (Size, Start, Tag) = _upward.IsFound ? (found.Key, found.Value, found.Item) : default;
        }
        else if (_byAddress is not null && _byAddress.TryFinish(ref _inside, NodesATurn))
        {
            (Size, Start, Tag) = (_inside.Value, _inside.Key, _inside.Item);         // all 0 if there is none
        }
        else
        {
            return false;
        }

        T size = Size;
        T start = Start;
        _ = ByKeyThenValue<T>.TryAdvance(ref size, ref start);
        Begin(size, start);
        return true;
    }

    private void Begin(T size, T start)
    {
        _upward = new RangeTree<T, ByKeyThenValue<T>>.FirstWithin(size, start, _min, _max);
        _inside = new RangeTree<T, ByKey<T>>.LeastWithin(_min, _max, size, start);
    }
}
