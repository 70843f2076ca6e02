using System.Runtime.CompilerServices;

namespace Vmem.Memory.Isolation;

/// <summary>A client's freed blocks, a stack for each order, kept so that the next request of the size splits nothing and its free
/// coalesces nothing (libvmma: the cached blocks).</summary>
/// <remarks>
/// A pair of requests at the edge of a large free block would otherwise split it down to a small one and join it up again each time. Stacks
/// are filled and emptied by half, so that a stack at its edge goes to the buddy tree once in half its capacity. Before a client takes a
/// region, it puts all of them back: what they keep from coalescing is never the reason to grow.
/// </remarks>
internal struct BlockCaches
{
    private const int MaxOrders = 40;
    private const int StackShift = 6;             // 64 items, the largest capacity there is

    [InlineArray(MaxOrders)]
    private struct Counts
    {
        private int _first;
    }

    private readonly byte[] _capacities;          // shared by the clients of a context
    private readonly nuint[] _items;              // offsets from the context's start
    private Counts _counts;

    public BlockCaches(byte[] capacities)
    {
        _capacities = capacities;
        _items = new nuint[capacities.Length << StackShift];
    }

    public static byte[] CapacitiesFor(in ContextGeometry geometry)
    {
        var capacities = new byte[Math.Min(geometry.MaxOrder + 1, MaxOrders)];
        for (int order = 0; order < capacities.Length; order++)
        {
            capacities[order] = (byte)geometry.CacheCapacity(order);
        }

        return capacities;
    }

    public readonly int Orders => _capacities.Length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPop(int order, out nuint offset)
    {
        int count = _counts[order];
        if (count == 0)
        {
            offset = 0;
            return false;
        }

        _counts[order] = count - 1;
        offset = _items[(order << StackShift) + count - 1];
        return true;
    }

    /// <summary>False if the stack is full: see <see cref="Bottom"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(int order, nuint offset)
    {
        int count = _counts[order];
        if (count >= _capacities[order])
        {
            return false;
        }

        _items[(order << StackShift) + count] = offset;
        _counts[order] = count + 1;
        return true;
    }

    public readonly int Capacity(int order) => _capacities[order];

    public readonly ReadOnlySpan<nuint> Items(int order) => _items.AsSpan(order << StackShift, _counts[order]);

    /// <summary>The half of the stack that was pushed first, rounded up, which <see cref="DropBottom"/> then takes off it.</summary>
    public readonly ReadOnlySpan<nuint> Bottom(int order) => Items(order)[..((_counts[order] + 1) / 2)];

    public void DropBottom(int order)
    {
        Span<nuint> items = _items.AsSpan(order << StackShift, _counts[order]);
        int dropped = (items.Length + 1) / 2;
        items[dropped..].CopyTo(items);
        _counts[order] -= dropped;
    }

    public void Clear(int order) => _counts[order] = 0;

    /// <summary>Takes the blocks between two offsets off the stacks.</summary>
    public void Drop(nuint from, nuint length)
    {
        for (int order = 0; order < Orders; order++)
        {
            Span<nuint> items = _items.AsSpan(order << StackShift, _counts[order]);
            int kept = 0;
            foreach (nuint offset in items)
            {
                if (offset - from >= length)
                {
                    items[kept++] = offset;
                }
            }

            _counts[order] = kept;
        }
    }
}
