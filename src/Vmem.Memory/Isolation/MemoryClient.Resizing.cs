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
            Region region = Locate(block, out nuint offset, "resize");
            nuint length = LengthOf(region, offset);
            nuint usable = UsableLength(region, offset, length);
            CheckGuard(region, offset, length);
            nuint newLength = LengthFor(size, alignment: 1);
            if (newLength == 0 || (newLength > length && newLength - length > _limit - _inUse) || !TryMoveEnd(region, offset, length, newLength))
            {
                return false;
            }

            _inUse += newLength - length;
            _peakInUse = Math.Max(_peakInUse, _inUse);
            if (Has(MemoryContextFeatures.ZeroOnAllocate) && newLength > usable)
            {
                NativeMemory.Clear(_start + offset + usable, newLength - usable);
            }

            if (Has(MemoryContextFeatures.GuardBytes))
            {
                Guard.Set(_start + offset, size, newLength);
                region.SetSlack((offset - region.Offset) >> _unitShift, (uint)(newLength - size));
            }

            return true;
        }
        finally
        {
            Exit();
        }
    }

    private bool TryMoveEnd(Region region, nuint offset, nuint length, nuint newLength)
    {
        if (newLength == length)
        {
            return true;
        }

        if (region.IsLarge != newLength > _geometry.Granule / 2)
        {
            return false;
        }

        if (newLength < length)
        {
            Scrub(offset + newLength, length - newLength);
        }

        if (region.IsLarge)
        {
            nuint before = region.Size;
            if (!Context.TryResize(this, region, newLength))
            {
                return false;
            }

            _totalSize += newLength - before;
        }
        else
        {
            if (!region.Tree!.TryResize((long)((offset - region.Offset) >> _unitShift), _geometry.OrderFor(newLength)))
            {
                return false;
            }

            _regions.Refresh(region);
        }

        if (newLength > length && Has(MemoryContextFeatures.PoisonOnFree))
        {
            CheckPoisonOfGrowth(region, offset, length, newLength);
        }

        return true;
    }

    private void CheckPoisonOfGrowth(Region region, nuint offset, nuint length, nuint newLength)
    {
        long written = Poison.FirstOther(_start + offset + length, newLength - length);
        if (written < 0)
        {
            return;
        }

        nuint address = (nuint)_start + offset + length + (nuint)written;
        byte found = *(byte*)address;
        NativeMemory.Fill(_start + offset + length, newLength - length, Poison.Value);
        TryMoveEnd(region, offset, newLength, length);
        throw WrittenWhileFree(address, found);
    }
}
