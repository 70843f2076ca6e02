using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Buddy;
using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>A client's regions: taken from the context as they are needed, given back as they empty. Called with the client's lock
/// held.</summary>
/// <remarks>
/// Each new region is as long as all those before it together, up to a limit (<see cref="ContextGeometry.MaxRegionClass"/>): a client that
/// fills a gigabyte holds some hundreds of them. One without live blocks is kept, so that a client at the edge does not take and give back
/// a region with every call.
/// </remarks>
internal partial struct ClientRegions(MemoryClient client, ContextMap map, Region?[] lists)
{
    /// <summary>Regions that are held though no live block is in them. A field: the fast paths count it.</summary>
    public int Empty;

    private readonly MemoryContext _context = client.Context;
    private RegionLists _lists = new(lists);
    private nuint _dividedSize;                   // of the total, what is not in large blocks

    /// <summary>The bytes of all regions.</summary>
    public nuint TotalSize { get; private set; }

    /// <summary>How many regions were ever taken from the context.</summary>
    public long Taken { get; private set; }

    public readonly int Count => _lists.Count;

    /// <summary>The largest free piece of a region, in bytes.</summary>
    public readonly nuint LargestFree => _lists.LargestFreeOrder < 0 ? 0 : (nuint)1 << (_lists.LargestFreeOrder + map.Geometry.UnitShift);

    public readonly Region? First => _lists.First;

    public readonly Region? After(Region region) => _lists.After(region);

    /// <inheritdoc cref="RegionLists.Find"/>
    public readonly Region? Find(int order) => _lists.Find(order);

    /// <summary>A new region to divide; null if the context has no granule left. One granule has room for a block of any order.</summary>
    /// <param name="room">How many bytes the quota still allows: the region need not be longer.</param>
    public Region? Grow(nuint room)
    {
        client.AssertEntered();
        nuint worthwhile = Math.Min(_dividedSize, room) >> map.Geometry.GranuleShift;
        int regionClass = Math.Min(BitOperations.Log2(worthwhile | 1), map.Geometry.MaxRegionClass(map.Size));
        Region? region = null;
        for (; region is null && regionClass >= 0; regionClass--)
        {
            region = TryGrant(map.Geometry.Granule << regionClass, regionClass, mayGrow: false);
        }

        // The longer ones were a wish, for which no context shall become larger.
        region ??= TryGrant(map.Geometry.Granule, regionClass: 0, mayGrow: true);
        if (region is not null)
        {
            _dividedSize += region.Size;
            Empty++;
            Add(region);
        }

        return region;
    }

    /// <summary>A region for one large block; null if the context has no room for it.</summary>
    public Region? TakeLarge(nuint length, out bool isZeroed)
    {
        isZeroed = false;
        if (!client.TryHold(length))
        {
            return null;
        }

        Region? region = null;
        try
        {
            region = _context.TryGrantLarge(client, length, out isZeroed);
        }
        finally
        {
            if (region is null)
            {
                client.LetGo(length);
            }
        }

        if (region is not null)
        {
            Add(region);
        }

        return region;
    }

    /// <summary>Gives a region back to the context, with all that is in it. None of its blocks is cached.</summary>
    public void Return(Region region)
    {
        client.AssertEntered();
        Invariant.Assert(region.Owner == client && TotalSize >= region.Size, "a region that goes is the client's, and counted");
        _lists.Remove(region);
        TotalSize -= region.Size;
        if (!region.IsLarge)
        {
            _dividedSize -= region.Size;
            Empty -= region.LiveBlocks == 0 ? 1 : 0;
            Invariant.Assert(Empty >= 0, "empty regions are counted");
        }

        nuint size = region.Size;
        _context.TakeBack(region);
        client.LetGo(size);
    }

    /// <summary>Gives back the regions without live blocks; none of their blocks is cached. False if there were none.</summary>
    public bool ReturnEmpty()
    {
        bool any = false;
        for (Region? region = _lists.First, next; region is not null && Empty > 0; region = next)
        {
            next = _lists.After(region);
            if (!region.IsLarge && region.LiveBlocks == 0)
            {
                Return(region);
                any = true;
            }
        }

        return any;
    }

    /// <summary>Gives all regions back, zeroed if that is asked for.</summary>
    public unsafe void ReturnAll(bool zeroed)
    {
        while (_lists.First is { } region)
        {
            if (zeroed)
            {
                NativeMemory.Clear((void*)map.AddressOf(region.FirstUnit), region.Size);
            }

            Return(region);
        }

        Invariant.Assert(TotalSize == 0 && _dividedSize == 0 && Empty == 0, "nothing is left of a client that is gone");
    }

    /// <summary>Takes blocks of an order from a region's tree, one at least. Returns how many.</summary>
    public int Take(Region region, int order, Span<long> units)
    {
        int taken = region.Tree!.TakeMany(order, units);
        _lists.Refresh(region);
        return taken;
    }

    /// <summary>Puts a block back into its region's tree.</summary>
    public void PutBack(nuint block)
    {
        nuint unit = map.UnitOf(block);
        Region region = map.RegionAt(unit)!;
        Invariant.Assert(region.Owner == client && map.Blocks.At(unit) == 0, "what goes back to a tree is the client's and nobody's");
        region.Tree!.Give((long)(unit - region.FirstUnit));
        _lists.Refresh(region);
    }

    /// <summary>Makes a block end elsewhere, as far as the map, the tree and the context are concerned.</summary>
    public bool TryMoveEnd(in Block block, nuint length)
    {
        client.AssertEntered();
        Region region = block.Region;
        Invariant.Assert(region.Owner == client && map.Blocks.At(block.Unit) != 0, "what is resized was handed out");
        if (length == block.Length)
        {
            return true;
        }

        if (region.IsLarge != map.Geometry.IsLarge(length))
        {
            return false;
        }

        if (region.Tree is not { } tree)
        {
            return TryResize(region, length);
        }

        int order = map.Geometry.OrderFor(length);
        if (!tree.TryResize((long)(block.Unit - region.FirstUnit), order))
        {
            return false;
        }

        map.Blocks.Set(block.Unit, order + 1);
        _lists.Refresh(region);
        return true;
    }

    public readonly long CountLive()
    {
        long live = 0;
        for (Region? region = _lists.First; region is not null; region = _lists.After(region))
        {
            live += region.LiveBlocks;
        }

        return live;
    }

    private Region? TryGrant(nuint size, int regionClass, bool mayGrow)
    {
        if (!client.TryHold(size))
        {
            return null;
        }

        Region? region = null;
        try
        {
            region = _context.TryGrant(client, regionClass, mayGrow);
        }
        finally
        {
            if (region is null)
            {
                client.LetGo(size);               // also if there was no memory for the record of it
            }
        }

        return region;
    }

    /// <summary>Makes the region of a large block longer or shorter.</summary>
    private bool TryResize(Region region, nuint length)
    {
        nuint old = region.Size;
        if (length > old && !client.TryHold(length - old))
        {
            return false;
        }

        bool isResized = false;
        try
        {
            isResized = _context.TryResize(client, region, length);
        }
        finally
        {
            if (isResized ? length < old : length > old)
            {
                client.LetGo(isResized ? old - length : length - old);
            }
        }

        TotalSize += isResized ? length - old : 0;
        return isResized;
    }

    private void Add(Region region)
    {
        client.AssertEntered();
        Invariant.Assert(region.Owner == client && region.Size > 0 && region.LiveBlocks == 0, "a region that comes is the client's, and empty");
        _lists.Add(region);
        TotalSize += region.Size;
        Taken++;
    }
}
