namespace Vmem.Testing.Buddy;

/// <summary>A buddy system as one would explain it: a sorted set of free blocks for each order, and a table of live ones. Slow, and easy to
/// believe.</summary>
public sealed class BuddyModel
{
    private readonly SortedSet<long>[] _free;
    private readonly SortedDictionary<long, int> _live = [];

    public BuddyModel(long units, int maxOrder)
    {
        Units = units;
        MaxOrder = maxOrder;
        _free = [.. Enumerable.Range(0, maxOrder + 1).Select(_ => new SortedSet<long>())];
        long start = 0;
        for (int order = maxOrder; order >= 0; order--)
        {
            for (; units - start >= 1L << order; start += 1L << order)
            {
                _free[order].Add(start);
            }
        }
    }

    public long Units { get; }

    public int MaxOrder { get; }

    /// <summary>The live blocks: first unit and order.</summary>
    public IReadOnlyDictionary<long, int> Live => _live;

    public long FreeUnits => _free.Select((blocks, order) => (long)blocks.Count << order).Sum();

    public long FreeBlocks => _free.Sum(blocks => (long)blocks.Count);

    public int LargestFreeOrder => Array.FindLastIndex(_free, blocks => blocks.Count > 0);

    /// <summary>Bit k: there is a free block of order k.</summary>
    public ulong FreeOrders =>
        _free.Select((blocks, order) => blocks.Count > 0 ? 1ul << order : 0).Aggregate(0ul, (all, order) => all | order);

    /// <summary>The lowest order that will do, and of that the lowest address; −1 if there is none.</summary>
    public long Take(int order)
    {
        int found = order;
        while (found <= MaxOrder && _free[found].Count == 0)
        {
            found++;
        }

        if (found > MaxOrder)
        {
            return -1;
        }

        long start = _free[found].Min;
        _free[found].Remove(start);
        _live.Add(start, found);
        Shrink(start, order);
        return start;
    }

    /// <summary>Frees the block that starts here; false if none does.</summary>
    public bool Give(long start)
    {
        if (!_live.Remove(start, out int order))
        {
            return false;
        }

        while (order < MaxOrder && _free[order].Remove(start ^ (1L << order)))
        {
            start &= ~(1L << order);
            order++;
        }

        _free[order].Add(start);
        return true;
    }

    /// <summary>Resizes in place; false if that is not possible.</summary>
    public bool Resize(long start, int newOrder)
    {
        int order = _live[start];
        if (newOrder <= order)
        {
            Shrink(start, newOrder);
            return true;
        }

        long[] buddies = [.. Enumerable.Range(order, newOrder - order).Select(step => start + (1L << step))];
        if (newOrder > MaxOrder || start % (1L << newOrder) != 0 || buddies.Where((buddy, i) => !_free[order + i].Contains(buddy)).Any())
        {
            return false;
        }

        for (int i = 0; i < buddies.Length; i++)
        {
            _free[order + i].Remove(buddies[i]);
        }

        _live[start] = newOrder;
        return true;
    }

    /// <summary>All blocks, by address.</summary>
    public IReadOnlyList<(long Start, int Order, bool IsFree)> Blocks() =>
        [.. _free.SelectMany((blocks, order) => blocks.Select(start => (start, order, true)))
            .Concat(_live.Select(block => (block.Key, block.Value, false)))
            .OrderBy(block => block.Item1)];

    private void Shrink(long start, int newOrder)
    {
        for (int order = _live[start] - 1; order >= newOrder; order--)
        {
            _free[order].Add(start + (1L << order));
        }

        _live[start] = newOrder;
    }
}
