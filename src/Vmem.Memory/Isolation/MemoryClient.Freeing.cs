using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Frees, and what they are checked against.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Frees a block of this client; null is no block and is ignored. O(1) as long as the client's caches have room for it, else
    /// O(log region), and O(cached blocks) where its region goes back to the context with it.</summary>
    /// <exception cref="InvalidFreeException">It is no live block of this client; nothing was changed. With guard bytes also: it was written
    /// past its end, and stays allocated.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void Free(void* block)
    {
        nuint offset = (nuint)block - (nuint)_start;
        nuint unit = offset >> _unitShift;
        int order = _blocks.At(unit) - 1;
        if ((uint)order < (uint)_shortOrders && (offset & _unitMask) == 0)
        {
            Region? region = RegionOrNull(unit);
            if (region is not null && region.Owner == this)
            {
                Retire(region, (nuint)block, unit, order);
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
            Region? region = RegionOrNull(unit);
            bool isMine = region is not null && region.Owner == this && _blocks.At(unit) == order + 1;
            if (isMine)
            {
                Retire(region!, (nuint)block, unit, order);
            }

            _lock.Exit();
            if (isMine)
            {
                return;
            }
        }

        FreeAny(block);
    }

    /// <summary>Does the address lie in a block that this client's user holds? O(log region).</summary>
    public bool Owns(void* address)
    {
        Enter();
        try
        {
            return TryFindHolder(address, out Region? region, out _, out bool isLive) && region.Owner == this && isLive;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>How many bytes of a block may be used: at least those that were asked for; exactly those where guard bytes follow. O(1).</summary>
    /// <exception cref="InvalidFreeException">It is no live block of this client.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public nuint GetSize(void* block)
    {
        Enter();
        try
        {
            return UsableLength(Locate(block, "measure"));
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The region that a unit is in, if somebody holds it. The unit must exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Region? RegionOrNull(nuint unit) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_granules), unit >> _granuleUnitShift);

    /// <summary>A block ceases to be the user's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Retire(Region region, nuint block, nuint unit, int order)
    {
        AssertEntered();
        Invariant.Assert(region.Owner == this && region.LiveBlocks > 0 && _blocks.At(unit) == order + 1, "what is freed was handed out");
        _blocks.Set(unit, 0);
        nuint length = (nuint)1 << (order + _unitShift);
        Invariant.Assert(_inUse >= length, "what is freed was counted");
        _inUse -= length;
        _freedEver += length;
        if (!_caches.TryPush(order, block))
        {
            Spill(block, order);
        }

        if (--region.LiveBlocks == 0 && ++_emptyRegions > 1)
        {
            ReturnRegion(region);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAny(void* address)
    {
        if (address is null)
        {
            return;
        }

        Enter();
        try
        {
            FreeLive(Locate(address, "free"));
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Frees a block of whatever size, with all that the features ask for. The lock is held.</summary>
    private void FreeLive(in Block block)
    {
        AssertEntered();
        CheckGuard(block);
        Scrub(block.Unit, block.Length);
        if (!block.Region.IsLarge)
        {
            Retire(block.Region, (nuint)AddressOf(block.Unit), block.Unit, _geometry.OrderFor(block.Length));
            return;
        }

        Invariant.Assert(block.Region.LiveBlocks == 1 && _blocks.At(block.Unit) == BlockMap.Large && _inUse >= block.Length, "what is freed was handed out and counted");
        _blocks.Set(block.Unit, 0);
        _inUse -= block.Length;
        _freedEver += block.Length;
        ReturnRegion(block.Region);
    }

    /// <summary>The live block of this client that starts at an address; if there is none, an exception says why.</summary>
    private Block Locate(void* address, string verb)
    {
        AssertEntered();
        nuint offset = (nuint)address - (nuint)_start;
        nuint unit = offset >> _unitShift;
        int start = _blocks.At(unit);
        if (start != 0 && (offset & _unitMask) == 0 && RegionOrNull(unit) is { } region && region.Owner == this)
        {
            return new Block(region, unit, start == BlockMap.Large ? region.Size : (nuint)1 << (start - 1 + _unitShift));
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        throw WrongAddress(address, verb);
    }

    /// <summary>Which region holds the address, and where does the block start that it lies in? False if no client holds the memory.</summary>
    private bool TryFindHolder(void* address, [NotNullWhen(true)] out Region? region, out nuint start, out bool isLive)
    {
        nuint unit = ((nuint)address - (nuint)_start) >> _unitShift;
        region = unit < (nuint)_blocks.Units ? RegionOrNull(unit) : null;
        start = 0;
        isLive = false;
        if (region?.Owner != this)
        {
            return region is not null;
        }

        start = region.FirstUnit;
        if (region.Tree is { } tree)
        {
            tree.TryFind((long)(unit - region.FirstUnit), out long found, out _, out _);
            start += (nuint)found;
        }

        isLive = _blocks.At(start) != 0;
        return true;
    }

    private InvalidFreeException WrongAddress(void* address, string verb)
    {
        (InvalidFreeReason reason, string why) = !TryFindHolder(address, out Region? region, out nuint start, out bool isLive)
            ? (InvalidFreeReason.NotAllocated, (nuint)address - (nuint)_start < Context.Size
                ? "no client holds that memory (any more)"
                : "it lies outside the context's memory")
            : region.Owner is not { } owner ? (InvalidFreeReason.NotAllocated, "no client holds that memory (any more)")
            : owner != this ? (InvalidFreeReason.OtherOwner, $"the memory belongs to client '{owner.Name}'")
            : isLive ? (InvalidFreeReason.InteriorAddress, $"it lies {(byte*)address - AddressOf(start)} bytes inside the block at {AddressText(start)}")
            : (InvalidFreeReason.AlreadyFree, "it lies in no live block: freed before, or never handed out");
        return new InvalidFreeException(reason, (nuint)address, 0, $"Client '{Name}' cannot {verb} 0x{(nuint)address:x}: {why}. Nothing was changed.");
    }

    private string AddressText(nuint unit) => $"0x{(nuint)AddressOf(unit):x}";
}
