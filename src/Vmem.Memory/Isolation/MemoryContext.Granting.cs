using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Regions: from the arena to a client and back.
public sealed unsafe partial class MemoryContext
{
    private long _regions;

    /// <summary>A region to divide, of 2^<paramref name="regionClass"/> granules; null if there is no room for it.</summary>
    /// <param name="client">Whose it is to be.</param>
    /// <param name="regionClass">How long it is.</param>
    /// <param name="mayGrow">Whether the context may grow for it.</param>
    internal Region? TryGrant(MemoryClient client, int regionClass, bool mayGrow)
    {
        Region? region;
        using (_gate.EnterScope())
        {
            region = TryOpen(client, _map.Geometry.Granule << regionClass, regionClass, mayGrow);
        }

        if (region is not null)
        {
            Initialize(client, OffsetOf(region), region.Size);
        }

        return region;
    }

    /// <summary>A region for one block, of a multiple of the granule; null if there is no room for it. <paramref name="isZeroed"/> says
    /// whether every byte of it is zero.</summary>
    internal Region? TryGrantLarge(MemoryClient client, nuint size, out bool isZeroed)
    {
        Region? region;
        using (_gate.EnterScope())
        {
            region = TryOpen(client, size, regionClass: -1, mayGrow: true);
        }

        isZeroed = region is not null && Initialize(client, OffsetOf(region), region.Size);
        return region;
    }

    /// <summary>Makes a large block's region longer or shorter where it is.</summary>
    internal bool TryResize(MemoryClient client, Region region, nuint size)
    {
        nuint old = region.Size;
        nuint offset = OffsetOf(region);
        using (_gate.EnterScope())
        {
            if (!_arena.TryExtend(offset, old, size))
            {
                return false;
            }

            if (size > old && !_pages.TryCharge(offset + old, size - old))
            {
                bool isAsBefore = _arena.TryExtend(offset, size, old);
                Invariant.Assert(isAsBefore, "a range can be made shorter");
                return false;
            }

            if (size < old)
            {
                // Sooner, the arena might still fail and the contents be lost; later, the memory might be another's.
                if ((Features & MemoryContextFeatures.ZeroOnFree) != 0)
                {
                    NativeMemory.Clear((void*)(_map.Start + offset + size), old - size);
                }

                _map.EntriesOf(offset + size, old - size).Clear();
                _upkeep.NoteReturn();
            }
            else
            {
                _map.EntriesOf(offset + old, size - old).Fill(region);
            }

            region.Size = size;
        }

        if (size > old)
        {
            Initialize(client, offset + old, size - old);
        }

        return true;
    }

    internal void TakeBack(Region region)
    {
        using (_gate.EnterScope())
        {
            nuint offset = OffsetOf(region);
            Span<Region?> entries = _map.EntriesOf(offset, region.Size);
            Invariant.Assert(entries[0] == region && entries[^1] == region && _regions > 0, "a region that comes back was given out");
            entries.Clear();
            _arena.Free(offset, region.Size);
            region.Close();
            _pool.Return(region);
            _regions--;
            _upkeep.NoteReturn();
        }
    }

    private Region? TryOpen(MemoryClient client, nuint size, int regionClass, bool mayGrow)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        if (!_arena.TryAllocate(size, out nuint offset) && !(mayGrow && TryGrow(size) && _arena.TryAllocate(size, out offset)))
        {
            return null;
        }

        if (!_pages.TryCharge(offset, size))
        {
            _arena.Free(offset, size);
            return null;
        }

        Region region;
        try
        {
            region = regionClass < 0 ? _pool.TakeLarge() : _pool.TakeDivided(regionClass);
        }
        catch (OutOfMemoryException)
        {
            _pages.Uncharge(offset, size);
            _arena.Free(offset, size);
            throw;
        }

        region.Open(client, offset >> _map.Geometry.UnitShift, size, client.Checkpoints.Count);
        Span<Region?> entries = _map.EntriesOf(offset, size);
        Invariant.Assert(entries[0] is null && entries[^1] is null, "memory that is given out is nobody's");
        entries.Fill(region);
        _regions++;
        _upkeep.NoteGrant();
        return region;
    }

    /// <summary>Makes the context longer, so that a region of a size may find room: twice as long, or by so much, or as long as may
    /// be.</summary>
    private bool TryGrow(nuint size)
    {
        nuint left = MaxSize - _size;
        nuint more = nuint.Min(nuint.Max(_size, size), left);
        return more > 0 && size <= left + _arena.GetStatistics().Free && (TryGrowBy(more) || (size < more && TryGrowBy(size)));
    }

    private bool TryGrowBy(nuint more)
    {
        if (!_pages.TryGrow(more))
        {
            return false;
        }

        bool isLonger = false;
        try
        {
            isLonger = _block.TryGrow(_size + more) && _arena.TryGrowSpan(0, _size, _size + more);
        }
        finally
        {
            if (!isLonger)
            {
                _pages.Shrink(more);              // the block may stay longer: it is the next growth's
            }
        }

        _size += isLonger ? more : 0;
        return isLonger;
    }

    private nuint OffsetOf(Region region) => region.FirstUnit << _map.Geometry.UnitShift;

    private bool Initialize(MemoryClient client, nuint offset, nuint size) =>
        _pages.Initialize(client.Serial, Features, offset, size);
}
