using System.Runtime.InteropServices;

namespace Vmem.Memory.Isolation;

// What marks do to regions (see Checkpoints).
internal partial struct ClientRegions
{
    /// <summary>Nothing more is given out from what there is, until <see cref="Unseal"/>.</summary>
    public void Seal()
    {
        for (Region? region = _lists.First, next; region is not null; region = next)
        {
            next = _lists.After(region);
            if (!region.IsSealed)
            {
                region.Seal();
                _lists.Refresh(region);
            }
        }
    }

    /// <summary>Opens up the regions that were taken when exactly so many marks were set.</summary>
    public void Unseal(int marks)
    {
        for (Region? region = _lists.First, next; region is not null; region = next)
        {
            next = _lists.After(region);
            if (region.IsSealed && region.Checkpoint == marks)
            {
                region.Unseal();
                _lists.Refresh(region);
            }
        }
    }

    /// <summary>Returns the regions that were taken when so many marks were set, or more, with all that is in them. No block is cached.
    /// The client may get the same memory again, so that the map must not say any more that blocks start there.</summary>
    /// <returns>What was live in them.</returns>
    public unsafe (long Blocks, nuint Bytes) ReturnSince(int marks, bool zeroed)
    {
        long blocks = 0;
        nuint bytes = 0;
        for (Region? region = _lists.First, next; region is not null; region = next)
        {
            next = _lists.After(region);
            if (region.Checkpoint < marks)
            {
                continue;
            }

            blocks += region.LiveBlocks;
            bytes += region.Tree is { } tree ? (nuint)(tree.Units - tree.FreeUnits) << map.Geometry.UnitShift : region.Size;
            map.Blocks.Clear(region.FirstUnit, region.IsLarge ? 1 : region.Size >> map.Geometry.UnitShift);
            if (zeroed)
            {
                NativeMemory.Clear((void*)map.AddressOf(region.FirstUnit), region.Size);
            }

            Return(region);
        }

        return (blocks, bytes);
    }
}
