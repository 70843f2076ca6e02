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
    /// <remarks>A block that must move is held twice for a moment, and the quota has to allow that. One that shrinks never fails: where it
    /// cannot move to a smaller place it stays.</remarks>
    /// <exception cref="ClientExhaustedException">There is no room, or the quota is used up; the block is as it was.</exception>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void* Reallocate(void* block, nuint size)
    {
        if (block is null)
        {
            return Allocate(size);
        }

        if (IsTooSmallForItsRegion(block, size))
        {
            return AllocateOnce(size, alignment: 1, zeroed: false, out void* small, out _) ? Move(block, small, size) : ResizeFor(block, size);
        }

        return TryResize(block, size) ? block : Move(block, Allocate(size), size);
    }

    /// <summary>Resizes a block where it lies. It can grow as far as its buddies to the right are free, a large block as far as the context
    /// is free behind it. It can always shrink, but what has a region of its own keeps a <see cref="MemoryContext.BlockSize"/>. O(log region),
    /// and O(cached blocks) where these are in the way.</summary>
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
            newLength = region.IsLarge && newLength != 0 ? Math.Max(newLength, _geometry.Granule) : newLength;
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
            if (!TryResizeInTree(region, (long)((offset - region.Offset) >> _unitShift), _geometry.OrderFor(newLength)))
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

    /// <summary>Cached blocks are nobody's: where only they are in the way, they go back to the trees.</summary>
    private bool TryResizeInTree(Region region, long unit, int order)
    {
        if (region.Tree!.TryResize(unit, order))
        {
            return true;
        }

        long units = 1L << order;
        long next = region.NextLive(unit + 1);
        bool isCached = (unit & (units - 1)) == 0 && (next < 0 || next >= unit + units);
        return isCached && FlushCaches() && region.Tree.TryResize(unit, order);
    }

    /// <summary>Does the block have a region of its own, which a block of that size would not get?</summary>
    private bool IsTooSmallForItsRegion(void* block, nuint size)
    {
        Enter();
        try
        {
            Region region = Locate(block, out nuint offset, "resize");
            CheckGuard(region, offset, LengthOf(region, offset));
            return region.IsLarge && LengthFor(size, alignment: 1) - 1 < _geometry.Granule / 2;
        }
        finally
        {
            Exit();
        }
    }

    private void* Move(void* block, void* moved, nuint size)
    {
        NativeMemory.Copy(block, moved, Math.Min(GetSize(block), size));
        Free(block);
        return moved;
    }

    private void* ResizeFor(void* block, nuint size) => TryResize(block, size) ? block : throw Exhausted(size, alignment: 1);

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
