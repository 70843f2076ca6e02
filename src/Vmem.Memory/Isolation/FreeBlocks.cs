using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>A client's free blocks: those freed lately in <see cref="BlockCaches"/>, the others in the trees of its
/// <see cref="ClientRegions"/>. Called with the client's lock held.</summary>
/// <remarks>
/// A request is met, in this order, from the cache of its order, from the trees, from the trees again when all caches have been put back
/// into them, and from a new region. (A struct, in the client itself: its fast paths read the caches.)
/// </remarks>
internal struct FreeBlocks(MemoryClient client, ContextMap map, ClientTables tables)
{
    public BlockCaches Caches = tables.Caches;
    public ClientRegions Regions = new(client, map, tables.Lists);

    /// <summary>Takes a block that nobody holds.</summary>
    /// <param name="length">Its length.</param>
    /// <param name="room">How many bytes the quota still allows.</param>
    /// <param name="block">The block.</param>
    /// <param name="isZeroed">True if all of it is known to be zero.</param>
    public bool TryTake(nuint length, nuint room, out Block block, out bool isZeroed)
    {
        client.AssertEntered();
        block = default;
        isZeroed = false;
        if (map.Geometry.IsLarge(length))
        {
            Region? large = Regions.TakeLarge(length, out isZeroed);
            if (large is null && FlushCaches() | Regions.ReturnEmpty())
            {
                large = Regions.TakeLarge(length, out isZeroed);
            }

            block = large is null ? default : new Block(large, large.FirstUnit, length);
            return large is not null;
        }

        int order = map.Geometry.OrderFor(length);
        if (Caches.TryPeek(order, out nuint address))
        {
            Caches.Pop(order);
        }
        else if (RegionFor(order, room) is { } region)
        {
            address = Refill(region, order);
        }
        else
        {
            return false;
        }

        nuint unit = map.UnitOf(address);
        block = new Block(map.RegionAt(unit)!, unit, length);
        Invariant.Assert(block.Region.Owner == client && !block.Region.IsLarge, "a small block lies in a region that is divided");
        return true;
    }

    /// <summary>Puts back what <see cref="TryTake"/> took.</summary>
    public void PutBack(in Block block)
    {
        if (block.Region.IsLarge)
        {
            Regions.Return(block.Region);
        }
        else
        {
            Regions.PutBack(map.AddressOf(block.Unit));
        }
    }

    /// <summary>Gives a region without live blocks back to the context.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Return(Region region)
    {
        Caches.Drop(map.AddressOf(region.FirstUnit), region.Size);
        Regions.Return(region);
    }

    /// <summary>Keeps a block for which the stack of its order has no room: half of the stack goes to the trees.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Spill(nuint block, int order)
    {
        client.AssertEntered();
        if (Caches.Capacity(order) == 0)
        {
            Regions.PutBack(block);
            return;
        }

        foreach (nuint cached in Caches.Bottom(order))
        {
            Regions.PutBack(cached);
        }

        Caches.DropBottom(order);
        Caches.TryPush(order, block);
    }

    /// <summary>Gives back cached blocks and empty regions. Returns how many bytes the context gets.</summary>
    public nuint GiveBackReserve()
    {
        nuint before = Regions.TotalSize;
        FlushCaches();
        Regions.ReturnEmpty();
        return before - Regions.TotalSize;
    }

    /// <summary>Gives everything back. The caches are another client's from now on.</summary>
    public void ReturnAll(bool zeroed)
    {
        for (int order = 0; order < Caches.Orders; order++)
        {
            Caches.Clear(order);
        }

        Regions.ReturnAll(zeroed);
        Caches = BlockCaches.None;
    }

    /// <summary>Seals all regions: nothing that is allocated from now on lies in one of them.</summary>
    public void Seal()
    {
        FlushCaches();
        Regions.ReturnEmpty();                    // else it would be the one that is kept, and of no use
        Regions.Seal();
    }

    /// <summary>Gives back the regions that were taken when so many marks were set, or more, with all that is in them.</summary>
    /// <returns>What was live in them.</returns>
    public (long Blocks, nuint Bytes) FreeSince(int marks, bool zeroed)
    {
        FlushCaches();
        return Regions.ReturnSince(marks, zeroed);
    }

    /// <summary>Makes a block end elsewhere. Cached blocks are nobody's: where only they are in the way, they go back to the
    /// trees.</summary>
    public bool TryMoveEnd(in Block block, nuint length)
    {
        if (Regions.TryMoveEnd(block, length))
        {
            return true;
        }

        if (block.Region.IsLarge || map.Geometry.IsLarge(length))
        {
            return false;
        }

        nuint units = length >> map.Geometry.UnitShift;
        bool isCached = ((block.Unit - block.Region.FirstUnit) & (units - 1)) == 0 && map.Blocks.IsClear(block.Unit + 1, units - 1);
        return isCached && FlushCaches() && Regions.TryMoveEnd(block, length);
    }

    /// <summary>How many blocks lie in the caches, and their bytes.</summary>
    public readonly (long Blocks, nuint Bytes) CountCached()
    {
        long blocks = 0;
        nuint bytes = 0;
        for (int order = 0; order < Caches.Orders; order++)
        {
            int count = Caches.Blocks(order).Length;
            blocks += count;
            bytes += (nuint)count << (order + map.Geometry.UnitShift);
        }

        return (blocks, bytes);
    }

    /// <summary>Puts all cached blocks back into their trees. False if there were none.</summary>
    private bool FlushCaches()
    {
        client.AssertEntered();
        bool any = false;
        for (int order = 0; order < Caches.Orders; order++)
        {
            foreach (nuint cached in Caches.Blocks(order))
            {
                Regions.PutBack(cached);
                any = true;
            }

            Caches.Clear(order);
        }

        return any;
    }

    /// <summary>A region with a free block of at least this order; a new one if none has it; null if there is no room for one.</summary>
    private Region? RegionFor(int order, nuint room) =>
        Regions.Find(order) ?? (FlushCaches() ? Regions.Find(order) : null) ?? Regions.Grow(room);

    /// <summary>Takes blocks from a region's tree: one for the caller, and half a stack more.</summary>
    private nuint Refill(Region region, int order)
    {
        Span<long> units = stackalloc long[BlockCaches.MaxCapacity / 2];
        int taken = Regions.Take(region, order, units[..Math.Max(Caches.Capacity(order) / 2, 1)]);
        Invariant.Assert(taken > 0, "a region that was found has a free block of the order");
        for (int i = taken - 1; i > 0; i--)
        {
            Caches.TryPush(order, map.AddressOf(region.FirstUnit + (nuint)units[i]));
        }

        return map.AddressOf(region.FirstUnit + (nuint)units[0]);
    }
}
