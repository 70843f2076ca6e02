namespace Vmem.Segments;

/// <summary>A total in several pieces: how few will do, and which free segments they come from.</summary>
/// <remarks>
/// No k free segments hold more than the k largest. So the fewest pieces are found by counting these until they hold the total. All but the
/// last are then as long as their segments, unless the rest would be shorter than a piece may be. The last comes from the smallest segment
/// that holds it.
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Counts the fewest pieces of a total.</summary>
    /// <param name="total">All of them together.</param>
    /// <param name="least">The least length of each.</param>
    /// <param name="most">How many there may be.</param>
    /// <param name="count">How many it takes; 0: there is no such division.</param>
    /// <param name="spare">What of the total is left when each of them has the least length.</param>
    /// <returns>False after a step towards the index that knows.</returns>
    public bool TryCountPieces(T total, T least, int most, out int count, out T spare)
    {
        count = 0;
        spare = total;
        if (!BeginIndexes().HasBySize(_tags, inSteps: true))
        {
            return false;
        }

        T left = total;
        uint tag = FindLargest(T.MaxValue, T.MaxValue, out T start, out T size);
        for (int pieces = 1; tag != 0 && pieces <= most && size >= least && spare >= least; pieces++)
        {
            spare -= least;
            if (size >= left)
            {
                count = pieces;
                return true;
            }

            left -= size;
            tag = T.IsZero(start) ? FindLargest(size - T.One, T.MaxValue, out start, out size)
                : FindLargest(size, start - T.One, out start, out size);
        }

        return true;
    }

    /// <summary>The largest free segment, among equals the one at the highest address. Only after <see cref="TryCountPieces"/>, without
    /// leaving the lock.</summary>
    public uint FindLargest(out T start, out T size)
    {
        _ = _indexes!.HasBySize(_tags, inSteps: false);
        return FindLargest(T.MaxValue, T.MaxValue, out start, out size);
    }

    private uint FindLargest(T atMost, T notAbove, out T start, out T size)
    {
        bool isFound = _indexes!.BySize.Tree!.TryFindLast(atMost, notAbove, T.Zero, out RangeTree<T, ByKeyThenValue<T>>.Cursor largest);
        (start, size) = isFound ? (largest.Value, largest.Key) : default;
        return isFound ? largest.Item : 0;
    }

    /// <summary>The smallest free segment that holds the last piece. As above.</summary>
    public uint FindForLast(T size, out T start)
    {
        _ = _indexes!.HasBySize(_tags, inSteps: false);
        return FindBestBySize(size, out start);
    }
}
