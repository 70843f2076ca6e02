using System.Runtime.InteropServices;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Blocks that become longer or shorter.
public sealed unsafe partial class MemoryClient
{
    /// <summary>
    /// As C's realloc: the contents are kept up to the lesser of both sizes; where the block lies may change, and then the old address is no
    /// block any more. Null allocates. O(log region) in place, else O(size).
    /// </summary>
    /// <remarks>A block that must move is held twice for a moment, and the quota has to allow that.</remarks>
    /// <exception cref="ClientExhaustedException">There is no room, or the quota is used up; the block is as it was.</exception>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void* Reallocate(void* block, nuint size)
    {
        if (block is null)
        {
            return Allocate(size);
        }

        if (TryResize(block, size))
        {
            return block;
        }

        nuint kept = Math.Min(GetSize(block), size);
        void* moved = Allocate(size);
        NativeMemory.Copy(block, moved, kept);
        Free(block);
        return moved;
    }

    /// <summary>Resizes a block where it lies. It can grow as far as its buddies to the right are free, a large block as far as the context
    /// is free behind it. O(log region).</summary>
    /// <returns>False, and nothing is changed, if it has no room to grow, or if the quota forbids it.</returns>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public bool TryResize(void* block, nuint size)
    {
        Enter();
        try
        {
            Block old = Locate(block, "resize");
            CheckGuard(old);
            nuint usable = UsableLength(old);
            nuint length = LengthFor(size, alignment: 1);
            if (length == 0 || (length > old.Length && length - old.Length > _limit - _inUse) || !TryMoveEnd(old, length))
            {
                return false;
            }

            if (length > old.Length && Has(MemoryContextFeatures.PoisonOnFree))
            {
                CheckPoisonBehind(old, length);
            }

            _inUse += length - old.Length;
            _requestedEver += length - old.Length;
            _peakInUse = Math.Max(_peakInUse, _inUse);
            if (Has(MemoryContextFeatures.ZeroOnAllocate) && length > usable)
            {
                NativeMemory.Clear((byte*)block + usable, length - usable);
            }

            SetGuard(old with { Length = length }, size);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Makes a block end elsewhere, as far as the map, the tree and the context are concerned.</summary>
    private bool TryMoveEnd(in Block block, nuint length)
    {
        Region region = block.Region;
        if (length == block.Length)
        {
            return true;
        }

        if (region.IsLarge != length > _geometry.Granule / 2)
        {
            return false;
        }

        if (length < block.Length)
        {
            Scrub(block.Unit + (length >> _unitShift), block.Length - length);
        }

        if (region.IsLarge)
        {
            if (!Context.TryResize(this, region, length))
            {
                return false;
            }

            _totalSize += length - block.Length;
            return true;
        }

        int order = _geometry.OrderFor(length);
        if (!region.Tree!.TryResize((long)(block.Unit - region.FirstUnit), order))
        {
            return false;
        }

        _blocks.Set(block.Unit, order + 1);
        _regions.Refresh(region);
        return true;
    }
}
