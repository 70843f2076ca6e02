using System.Numerics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Regions: taken as they are needed, given back as they empty. Called with the client's lock held.
public sealed unsafe partial class MemoryClient
{
    // A stack of 64 is filled by half.
    private const int MaxRefill = 32;

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
        nuint worthwhile = Math.Min(_dividedSize, _limit - _inUse) >> _granuleShift;
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
        _regions.Add(region);
        _totalSize += region.Size;
        _regionsTaken++;
    }

    private void ReturnRegion(Region region)
    {
        _regions.Remove(region);
        _totalSize -= region.Size;
        if (!region.IsLarge)
        {
            _dividedSize -= region.Size;
            _emptyRegions -= region.LiveBlocks == 0 ? 1 : 0;
        }

        Context.TakeBack(region);
    }

    /// <summary>Takes blocks from a region's tree: one for the caller, and half a stack more.</summary>
    private nuint Refill(Region region, int order)
    {
        Span<long> units = stackalloc long[MaxRefill];
        int wanted = Math.Max((_caches.Capacity(order) + 1) / 2, 1);
        int taken = region.Tree!.TakeMany(order, units[..wanted]);
        _regions.Refresh(region);
        for (int i = taken - 1; i > 0; i--)
        {
            _caches.TryPush(order, OffsetOf(region, units[i]));
        }

        return OffsetOf(region, units[0]);
    }

    /// <summary>Keeps a block that nobody holds: on its stack, half of which goes to the trees if it is full.</summary>
    private void Keep(Region region, nuint offset, int order)
    {
        if (_caches.TryPush(order, offset))
        {
            return;
        }

        if (_caches.Capacity(order) == 0)
        {
            PutBack(region, offset);
            return;
        }

        foreach (nuint cached in _caches.Bottom(order))
        {
            PutBack(_granules[cached >> _granuleShift]!, cached);
        }

        _caches.DropBottom(order);
        _caches.TryPush(order, offset);
    }

    private bool FlushCaches()
    {
        bool any = false;
        for (int order = 0; order < _caches.Orders; order++)
        {
            foreach (nuint cached in _caches.Items(order))
            {
                PutBack(_granules[cached >> _granuleShift]!, cached);
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

    private void PutBack(Region region, nuint offset)
    {
        region.Tree!.Give((long)((offset - region.Offset) >> _unitShift));
        _regions.Refresh(region);
    }

    private nuint OffsetOf(Region region, long unit) => region.Offset + ((nuint)unit << _unitShift);
}
