using System.Numerics;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Regions: taken as they are needed, given back as they empty. Called with the client's lock held.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Gives back what the client holds without need, cached blocks and empty regions. O(cached blocks + regions).</summary>
    /// <returns>How many bytes came back to the context.</returns>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return GiveBackReserve();
    }

    /// <summary>The same, and nothing if it has been disposed of.</summary>
    internal nuint GiveBackReserve()
    {
        Enter();
        try
        {
            nuint before = _totalSize;
            FlushCaches();
            ReturnEmptyRegions();
            return before - _totalSize;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>A region with a free block of at least this order; a new one if none has it; null if there is no room for one.</summary>
    private Region? RegionFor(int order)
    {
        AssertEntered();
        Region? region = _regions.Find(order);
        if (region is null && FlushCaches())
        {
            region = _regions.Find(order);
        }

        return region ?? Grow();
    }

    /// <summary>One granule has room for a block of any order, so that only a context with no granule left refuses.</summary>
    private Region? Grow()
    {
        AssertEntered();
        nuint worthwhile = Math.Min(_dividedSize, _limit - _inUse) >> _geometry.GranuleShift;
        int regionClass = Math.Min(BitOperations.Log2(worthwhile | 1), _geometry.MaxRegionClass(Context.Size));
        for (; regionClass >= 0; regionClass--)
        {
            if (Context.TryGrant(this, regionClass) is { } region)
            {
                _dividedSize += region.Size;
                _emptyRegions++;
                Add(region);
                return region;
            }
        }

        return null;
    }

    private Region? TakeLarge(nuint length, out bool isZeroed)
    {
        Region? region = Context.TryGrantLarge(this, length, out isZeroed);
        if (region is null && FlushCaches() | ReturnEmptyRegions())
        {
            region = Context.TryGrantLarge(this, length, out isZeroed);
        }

        if (region is not null)
        {
            Add(region);
        }

        return region;
    }

    private void Add(Region region)
    {
        AssertEntered();
        Invariant.Assert(region.Owner == this && region.Size > 0 && region.LiveBlocks == 0, "a region that comes is the client's, and empty");
        _regions.Add(region);
        _totalSize += region.Size;
        _regionsTaken++;
    }

    private void ReturnRegion(Region region)
    {
        AssertEntered();
        Invariant.Assert(region.Owner == this && _totalSize >= region.Size, "a region that goes is the client's, and counted");
        _regions.Remove(region);
        _totalSize -= region.Size;
        if (!region.IsLarge)
        {
            _dividedSize -= region.Size;
            _emptyRegions -= region.LiveBlocks == 0 ? 1 : 0;
            Invariant.Assert(_emptyRegions >= 0, "empty regions are counted");
            _caches.Drop((nuint)AddressOf(region.FirstUnit), region.Size);
        }

        Context.TakeBack(region);
    }

    /// <summary>Takes blocks from a region's tree: one for the caller, and half a stack more.</summary>
    private nuint Refill(Region region, int order)
    {
        Span<long> units = stackalloc long[BlockCaches.MaxCapacity / 2];
        AssertEntered();
        int wanted = Math.Max(_caches.Capacity(order) / 2, 1);
        int taken = region.Tree!.TakeMany(order, units[..wanted]);
        Invariant.Assert(taken > 0, "a region that was found has a free block of the order");
        _regions.Refresh(region);
        nuint start = (nuint)AddressOf(region.FirstUnit);
        for (int i = taken - 1; i > 0; i--)
        {
            _caches.TryPush(order, start + ((nuint)units[i] << _unitShift));
        }

        return start + ((nuint)units[0] << _unitShift);
    }

    /// <summary>Keeps a block for which the stack of its order has no room: half of the stack goes to the trees.</summary>
    private void Spill(nuint block, int order)
    {
        AssertEntered();
        if (_caches.Capacity(order) == 0)
        {
            PutBack(block);
            return;
        }

        foreach (nuint cached in _caches.Bottom(order))
        {
            PutBack(cached);
        }

        _caches.DropBottom(order);
        _caches.TryPush(order, block);
    }

    private bool FlushCaches()
    {
        AssertEntered();
        bool any = false;
        for (int order = 0; order < _caches.Orders; order++)
        {
            foreach (nuint cached in _caches.Blocks(order))
            {
                PutBack(cached);
                any = true;
            }

            _caches.Clear(order);
        }

        return any;
    }

    private bool ReturnEmptyRegions()
    {
        bool any = false;
        for (Region? region = _regions.First, next; region is not null && _emptyRegions > 0; region = next)
        {
            next = _regions.After(region);
            if (!region.IsLarge && region.LiveBlocks == 0)
            {
                ReturnRegion(region);
                any = true;
            }
        }

        return any;
    }

    private void PutBack(nuint block)
    {
        nuint unit = UnitOf(block);
        Region region = RegionAt(unit);
        Invariant.Assert(region.Owner == this && _blocks.At(unit) == 0, "what goes back to a tree is the client's and nobody's");
        region.Tree!.Give((long)(unit - region.FirstUnit));
        _regions.Refresh(region);
    }

    private long CountLive()
    {
        long live = 0;
        for (Region? region = _regions.First; region is not null; region = _regions.After(region))
        {
            live += region.LiveBlocks;
        }

        return live;
    }
}
