using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;
using Vmem.Memory.Poisoning;

namespace Vmem.Memory;

// Regions: from the arena to a client and back. `Initialize` sees to the bytes of memory that changes hands.
public sealed unsafe partial class MemoryContext
{
    /// <summary>The writer of a granule whose contents are not known.</summary>
    private const ulong UnknownWriter = ulong.MaxValue;

    private long _regions;
    private ulong _bytesZeroed;

    /// <summary>A region to divide, of 2^<paramref name="regionClass"/> granules; null if there is no room for it.</summary>
    internal Region? TryGrant(MemoryClient client, int regionClass)
    {
        Region? region;
        using (_gate.EnterScope())
        {
            region = TryOpen(client, _map.Geometry.Granule << regionClass, regionClass);
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
            region = TryOpen(client, size, regionClass: -1);
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

            if (size < old)
            {
                // Sooner, the arena might still fail and the contents be lost; later, the memory might be another's.
                if ((Features & MemoryContextFeatures.ZeroOnFree) != 0)
                {
                    NativeMemory.Clear((void*)(_map.Start + offset + size), old - size);
                }

                _map.EntriesOf(offset + size, old - size).Clear();
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
        }
    }

    private Region? TryOpen(MemoryClient client, nuint size, int regionClass)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "the gate is held");
        if (!_arena.TryAllocate(size, out nuint offset))
        {
            return null;
        }

        Region region;
        try
        {
            region = regionClass < 0 ? _pool.TakeLarge() : _pool.TakeDivided(regionClass);
        }
        catch (OutOfMemoryException)
        {
            _arena.Free(offset, size);
            throw;
        }

        region.Open(client, offset >> _map.Geometry.UnitShift, size, client.Checkpoints.Count);
        Span<Region?> entries = _map.EntriesOf(offset, size);
        Invariant.Assert(entries[0] is null && entries[^1] is null, "memory that is given out is nobody's");
        entries.Fill(region);
        _regions++;
        return region;
    }

    private nuint OffsetOf(Region region) => region.FirstUnit << _map.Geometry.UnitShift;

    /// <summary>Brings the memory into the state that the features promise, wipes the blocks of whoever had it before from the map, and
    /// notes who may write to it from now on. True if every byte is zero.</summary>
    private bool Initialize(MemoryClient client, nuint offset, nuint size)
    {
        ContextGeometry geometry = _map.Geometry;

        // HasFlag would box until the JIT has optimised this method.
        bool poisons = (Features & MemoryContextFeatures.PoisonOnFree) != 0;
        bool zeroes = (Features & MemoryContextFeatures.ZeroOnHandOver) != 0 && !poisons;
        bool isZero = !poisons;
        for (nuint end = offset + size; offset < end; offset += geometry.Granule)
        {
            ref ulong writer = ref _writers[offset >> geometry.GranuleShift];
            if (writer != client.Serial && writer is not (0 or UnknownWriter))
            {
                _map.Blocks.Clear(offset >> geometry.UnitShift, geometry.Granule >> geometry.UnitShift);
            }

            if (poisons)
            {
                Pattern.Fill(_map.Start + offset, _map.Start + offset + geometry.Granule, Pattern.Freed);
            }
            else if (writer != 0 && zeroes && writer != client.Serial)
            {
                NativeMemory.Clear((void*)(_map.Start + offset), geometry.Granule);
                Interlocked.Add(ref _bytesZeroed, geometry.Granule);
            }
            else
            {
                isZero &= writer == 0;
            }

            writer = client.Serial;
        }

        return isZero;
    }
}
