using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Frees, and what they are checked against.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Frees a block of this client; null is no block and is ignored. O(1) as long as the client's caches have room for it, else
    /// O(log region).</summary>
    /// <exception cref="InvalidFreeException">It is no live block of this client; nothing was changed. With guard bytes also: it was written
    /// past its end, and stays allocated.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void Free(void* block)
    {
        if (!_plain || !TryLocate(block, out Region? region, out nuint offset))
        {
            FreeAny(block);
            return;
        }

        Retire(region, offset, region.Tree!.OrderOf((long)((offset - region.Offset) >> _unitShift)));
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
            Region region = Locate(block, out nuint offset, "measure");
            return UsableLength(region, offset, LengthOf(region, offset));
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Finds the region of a live block of a divided region; all other cases are for <see cref="Locate"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryLocate(void* block, [NotNullWhen(true)] out Region? region, out nuint offset)
    {
        offset = (nuint)block - (nuint)_start;
        nuint granule = offset >> _granuleShift;
        Region?[] granules = _granules;
        region = granule < (nuint)granules.Length ? granules[granule] : null;
        return region is not null && region.Owner == this && !region.IsLarge
            && (offset & _unitMask) == 0 && region.IsLive((offset - region.Offset) >> _unitShift);
    }

    /// <summary>A block ceases to be the user's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Retire(Region region, nuint offset, int order)
    {
        region.ClearLive((offset - region.Offset) >> _unitShift);
        _inUse -= (nuint)1 << (order + _unitShift);
        _frees++;
        if (!_caches.TryPush(order, offset))
        {
            Keep(region, offset, order);
        }

        if (--region.LiveBlocks == 0 && ++_emptyRegions > 1)
        {
            _caches.Drop(region.Offset, region.Size);
            ReturnRegion(region);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAny(void* block)
    {
        if (block is null)
        {
            return;
        }

        Enter();
        try
        {
            Region region = Locate(block, out nuint offset, "free");
            nuint length = LengthOf(region, offset);
            CheckGuard(region, offset, length);
            if (region.IsLarge)
            {
                Scrub(offset, length);
                region.LiveBlocks = 0;
                _inUse -= length;
                _frees++;
                ReturnRegion(region);
                return;
            }

            Scrub(offset, length);
            Retire(region, offset, _geometry.OrderFor(length));
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The region of a live block; else says why it is none.</summary>
    private Region Locate(void* block, out nuint offset, string verb)
    {
        if (TryLocate(block, out Region? region, out offset) || IsLarge(region, offset))
        {
            return region;
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        throw WrongAddress(block, verb);
    }

    private bool IsLarge([NotNullWhen(true)] Region? region, nuint offset) =>
        region is not null && region.Owner == this && region.IsLarge && offset == region.Offset;

    private nuint LengthOf(Region region, nuint offset) => region.IsLarge
        ? region.Size
        : (nuint)1 << (region.Tree!.OrderOf((long)((offset - region.Offset) >> _unitShift)) + _unitShift);

    private nuint UsableLength(Region region, nuint offset, nuint length) =>
        Has(MemoryContextFeatures.GuardBytes) ? length - region.SlackAt((offset - region.Offset) >> _unitShift) : length;

    private void CheckGuard(Region region, nuint offset, nuint length)
    {
        if (!Has(MemoryContextFeatures.GuardBytes))
        {
            return;
        }

        nuint size = UsableLength(region, offset, length);
        long broken = Guard.FirstBroken(_start + offset, size, length);
        if (broken >= 0)
        {
            throw new InvalidFreeException(InvalidFreeReason.Corrupted, (nuint)(_start + offset), size,
                $"The block of {size} bytes at {AddressText(offset)} of client '{Name}' was written past its end: byte {broken} is 0x{_start[offset + (nuint)broken]:x2}. It stays allocated.");
        }
    }

    /// <summary>What the features promise of bytes that are free.</summary>
    private void Scrub(nuint offset, nuint length)
    {
        if (Has(MemoryContextFeatures.PoisonOnFree))
        {
            NativeMemory.Fill(_start + offset, length, Poison.Value);
        }
        else if (Has(MemoryContextFeatures.ZeroOnFree))
        {
            NativeMemory.Clear(_start + offset, length);
        }
    }

    /// <summary>Which region holds the address, and where the block starts that it lies in? False if no client holds the memory.</summary>
    private bool TryFindHolder(void* address, [NotNullWhen(true)] out Region? region, out nuint start, out bool isLive)
    {
        nuint offset = (nuint)address - (nuint)_start;
        nuint granule = offset >> _granuleShift;
        region = granule < (nuint)_granules.Length ? _granules[granule] : null;
        start = 0;
        isLive = false;
        if (region is null || region.Owner != this)
        {
            return region is not null;
        }

        if (region.IsLarge)
        {
            start = region.Offset;
            isLive = true;
            return true;
        }

        region.Tree!.TryFind((long)((offset - region.Offset) >> _unitShift), out long unit, out _, out bool isFree);
        start = OffsetOf(region, unit);
        isLive = !isFree && region.IsLive((nuint)unit);
        return true;
    }

    private string AddressText(nuint offset) => $"0x{(nuint)_start + offset:x}";

    private InvalidFreeException WrongAddress(void* block, string verb)
    {
        nuint address = (nuint)block;
        (InvalidFreeReason reason, string why) = !TryFindHolder(block, out Region? region, out nuint start, out bool isLive)
            ? (InvalidFreeReason.NotAllocated, address - (nuint)_start < Context.Size
                ? "no client holds that memory (any more)"
                : "it lies outside the context's memory")
            : region.Owner is not { } owner ? (InvalidFreeReason.NotAllocated, "no client holds that memory (any more)")
            : owner != this ? (InvalidFreeReason.OtherOwner, $"the memory belongs to client '{owner.Name}'")
            : isLive ? (InvalidFreeReason.InteriorAddress, $"it lies {address - (nuint)_start - start} bytes inside the block at {AddressText(start)}")
            : (InvalidFreeReason.AlreadyFree, "it lies in no live block: freed before, or never handed out");
        return new InvalidFreeException(reason, address, 0, $"Client '{Name}' cannot {verb} 0x{address:x}: {why}. Nothing was changed.");
    }
}
