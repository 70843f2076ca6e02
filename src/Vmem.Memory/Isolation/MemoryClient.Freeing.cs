using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Frees, and what they are checked against.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Frees a block of this client; null is no block and is ignored. O(1) as long as the client's caches have room for it, else
    /// O(log region), and O(cached blocks) where its region goes back to the context with it.</summary>
    /// <param name="block">What a call of this client gave, or null.</param>
    /// <exception cref="InvalidFreeException">It is no live block of this client; nothing was changed. With guard bytes also: it was
    /// written past its end, and stays allocated.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void Free(void* block)
    {
        nuint offset = (nuint)block - _start;
        nuint unit = offset >> _unitShift;
        int order = _blocks.At(unit) - 1;
        if ((uint)order < (uint)_shortOrders && (offset & _unitMask) == 0)
        {
            Region? region = RegionAt(unit);
            if (region is not null && region.Front == this)
            {
                ReleaseBlock(region, (nuint)block, unit, order);
                return;
            }
        }

        FreeSlow(block, unit, order);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(void* block, nuint unit, int order)
    {
        if ((uint)order < (uint)_lockedOrders && ((nuint)block & _unitMask) == 0)
        {
            _lock.Enter();
            Region? region = RegionAt(unit);
            bool isMine = region is not null && region.Front == this && _blocks.At(unit) == order + 1;
            if (isMine)
            {
                ReleaseBlock(region!, (nuint)block, unit, order);
            }

            _lock.Exit();
            if (isMine)
            {
                return;
            }
        }

        FreeAny(block);
    }

    /// <summary>Whether an address lies in a block that this client's user holds. O(log region).</summary>
    /// <param name="address">Any address.</param>
    /// <returns>Whether it does.</returns>
    public bool Owns(void* address)
    {
        using ArenaLock.Scope held = Enter();
        return _finder.Owns((nuint)address);
    }

    /// <summary>How many bytes of a block may be used: at least those that were asked for; exactly those where guard bytes follow.
    /// O(1).</summary>
    /// <param name="block">A live block of this client.</param>
    /// <returns>The bytes.</returns>
    /// <exception cref="InvalidFreeException">It is no live block of this client.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public nuint GetSize(void* block)
    {
        using ArenaLock.Scope held = Enter();
        return _contents.UsableLength(_finder.Find((nuint)block, "measure"));
    }

    /// <summary>A block ceases to be the user's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReleaseBlock(Region region, nuint block, nuint unit, int order)
    {
        AssertEntered();
        Invariant.Assert(region.Owner == this && region.LiveBlocks > 0 && _blocks.At(unit) == order + 1, "what is freed was handed out");
        _blocks.Set(unit, 0);
        nuint length = (nuint)1 << (order + _unitShift);
        Invariant.Assert(_inUse >= length, "what is freed was counted");
        _inUse -= length;
        _freedEver += length;
        if (!_free.Caches.TryPush(order, block))
        {
            _free.Spill(block, order);
        }

        if (--region.LiveBlocks == 0)
        {
            int empty = _free.Regions.Empty + 1;
            _free.Regions.Empty = empty;
            if (empty > 1)
            {
                _free.Return(region);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAny(void* address)
    {
        if (address is null)
        {
            return;
        }

        AuditSite? by = _audit?.Sign(AuditCall.Free);
        using ArenaLock.Scope held = Enter();
        FreeLive(_finder.Find((nuint)address, "free"), by);
    }

    /// <summary>Frees a block of whatever size, with all that the features ask for. The lock is held.</summary>
    private void FreeLive(in Block block, AuditSite? by)
    {
        AssertEntered();
        _contents.CheckGuard(block);
        FreeUnbroken(block, by);
    }

    /// <summary>Frees a block that was allocated at a moment, unless it is gone. Under one lock: another may lie there once the client has
    /// gone back.</summary>
    internal void FreeUnlessGone(nuint block, (ulong Resets, ulong Mark) moment)
    {
        AuditSite? by = _audit?.Sign(AuditCall.Free);
        using ArenaLock.Scope held = Enter();
        if (!_disposed && !IsBehind(moment))
        {
            FreeLive(_finder.Find(block, "free"), by);
        }
    }

    /// <summary>A block that is to be resized. The lock is held.</summary>
    private Block FindUnbroken(nuint address)
    {
        Block block = _finder.Find(address, "resize");
        _contents.CheckGuard(block);
        return block;
    }

    private void FreeUnbroken(in Block block, AuditSite? by)
    {
        nuint start = _map.AddressOf(block.Unit);
        _audit?.NoteFreed(start, by);
        _contents.Clear(start, block.Length);
        if (block.Region.IsSealed && !block.Region.IsLarge)
        {
            ReleaseSealed(block);
            return;
        }

        if (!block.Region.IsLarge)
        {
            ReleaseBlock(block.Region, start, block.Unit, _map.Geometry.OrderFor(block.Length));
            return;
        }

        Invariant.Assert(block.Region.LiveBlocks == 1 && _blocks.At(block.Unit) == BlockMap.Large && _inUse >= block.Length, "what is freed was handed out and counted");
        _blocks.Set(block.Unit, 0);
        _inUse -= block.Length;
        _freedEver += block.Length;
        _free.PutBack(block);
    }

    /// <summary>A block of a sealed region ceases to be the user's. It is not cached: from a cache it would be handed out as if it came
    /// after the mark.</summary>
    private void ReleaseSealed(in Block block)
    {
        Region region = block.Region;
        Invariant.Assert(region.LiveBlocks > 0 && _inUse >= block.Length, "what is freed was handed out and counted");
        _blocks.Set(block.Unit, 0);
        _inUse -= block.Length;
        _freedEver += block.Length;
        _free.PutBack(block);
        if (--region.LiveBlocks == 0)
        {
            _free.Regions.Empty++;
            _free.Regions.Return(region);
        }
    }
}
