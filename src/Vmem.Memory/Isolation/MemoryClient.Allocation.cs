using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Requests, from the short way to the last resort.
public sealed unsafe partial class MemoryClient
{
    /// <summary>A block of at least <paramref name="size"/> bytes; 0 gives the smallest there is. O(1) for sizes in the client's caches, else
    /// O(log region). A block starts at a multiple of its own size, as rounded, up to <see cref="MemoryContext.BlockSize"/>.</summary>
    /// <exception cref="ClientExhaustedException">The quota is used up, or the context has no room.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public void* Allocate(nuint size) => TryAllocate(size, out void* block) ? block : throw Exhausted(size, alignment: 1);

    /// <summary>The same, zeroed, its rounding included.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size) => AllocateAny(size, alignment: 1, zeroed: true, out void* block) ? block : throw Exhausted(size, alignment: 1);

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>. It takes at least so many bytes.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">A power of two of at most <see cref="MemoryContext.BlockSize"/>.</param>
    /// <exception cref="ArgumentException">The alignment is none of these.</exception>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateAligned(nuint size, nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment) || alignment > _geometry.Granule)
        {
            throw new ArgumentException($"An alignment of {alignment} cannot be had: a power of two of at most {_geometry.Granule}, the context's BlockSize, can.", nameof(alignment));
        }

        return AllocateAny(size, alignment, zeroed: false, out void* block) ? block : throw Exhausted(size, alignment);
    }

    /// <summary>As <see cref="Allocate"/>, but false where that would throw <see cref="ClientExhaustedException"/>.</summary>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public bool TryAllocate(nuint size, out void* block)
    {
        // Size 0 wraps and is no order of a cache, nor is a large size: both go the long way.
        int order = BitOperations.Log2((size - 1) | _unitMask) + 1 - _unitShift;
        if (_plain && order < _caches.Orders)
        {
            nuint length = (nuint)1 << (order + _unitShift);
            if (length <= _limit - _inUse && _caches.TryPop(order, out nuint offset))
            {
                Hand(_granules[offset >> _granuleShift]!, offset, size, length);
                block = _start + offset;
                return true;
            }
        }

        return AllocateAny(size, alignment: 1, zeroed: false, out block);
    }

    /// <summary>A block that the caches or a tree gave out becomes the user's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Hand(Region region, nuint offset, nuint size, nuint length)
    {
        region.SetLive((offset - region.Offset) >> _unitShift);
        if (region.LiveBlocks++ == 0)
        {
            _emptyRegions--;
        }

        Count(size, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Count(nuint size, nuint length)
    {
        nuint inUse = _inUse + length;
        _inUse = inUse;
        if (inUse > _peakInUse)
        {
            _peakInUse = inUse;
        }

        _allocations++;
        _requestedEver += size;
        _grantedEver += length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AllocateAny(nuint size, nuint alignment, bool zeroed, out void* block)
    {
        bool met = AllocateOnce(size, alignment, zeroed, out block, out bool hopeless)
            || (!hopeless && Context.TrimClients() > 0 && AllocateOnce(size, alignment, zeroed, out block, out _));
        if (!met)
        {
            Enter();
            _failures++;
            Exit();
        }

        return met;
    }

    /// <summary>Without the other clients' help; <paramref name="hopeless"/> says that it would change nothing.</summary>
    private bool AllocateOnce(nuint size, nuint alignment, bool zeroed, out void* block, out bool hopeless)
    {
        block = null;
        hopeless = true;
        nuint length = LengthFor(size, alignment);
        Enter();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (length == 0 || length > Context.Size || length > _limit - _inUse)
            {
                return false;
            }

            hopeless = false;
            if (!TryTake(length, out Region? region, out nuint offset, out bool isZeroed))
            {
                return false;
            }

            Furnish(region, offset, size, length, mustZero: (zeroed || Has(MemoryContextFeatures.ZeroOnAllocate)) && !isZeroed);
            if (region.IsLarge)
            {
                region.LiveBlocks = 1;
                Count(size, length);
            }
            else
            {
                Hand(region, offset, size, length);
            }

            block = _start + offset;
            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>How long a block for this request is; 0 if no number is large enough.</summary>
    private nuint LengthFor(nuint size, nuint alignment)
    {
        nuint guard = Has(MemoryContextFeatures.GuardBytes) ? Guard.Least : 0;
        if (size > nuint.MaxValue - guard)
        {
            return 0;
        }

        nuint needed = Math.Max(Math.Max(size + guard, alignment), 1);
        return needed <= _geometry.Granule / 2 ? (nuint)1 << (_geometry.OrderFor(needed) + _unitShift) : _geometry.RoundUpToGranules(needed);
    }

    private bool TryTake(nuint length, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Region? region, out nuint offset, out bool isZeroed)
    {
        isZeroed = false;
        if (length > _geometry.Granule / 2)
        {
            region = TakeLarge(length, out isZeroed);
            offset = region?.Offset ?? 0;
            return region is not null;
        }

        int order = BitOperations.Log2(length) - _unitShift;
        if (_caches.TryPop(order, out offset))
        {
            region = _granules[offset >> _granuleShift]!;
            return true;
        }

        region = RegionFor(order);
        if (region is null)
        {
            return false;
        }

        offset = Refill(region, order);
        return true;
    }

    /// <summary>What the features promise of a block when it is handed out.</summary>
    private void Furnish(Region region, nuint offset, nuint size, nuint length, bool mustZero)
    {
        byte* block = _start + offset;
        if (Has(MemoryContextFeatures.PoisonOnFree))
        {
            CheckPoison(region, offset, length);
        }

        if (mustZero)
        {
            NativeMemory.Clear(block, length);
        }

        if (Has(MemoryContextFeatures.GuardBytes))
        {
            Guard.Set(block, size, length);
            region.SetSlack((offset - region.Offset) >> _unitShift, (uint)(length - size));
        }
    }

    /// <summary>Refuses a block that was written to while it was free; it is made whole and kept, so that this is reported once.</summary>
    private void CheckPoison(Region region, nuint offset, nuint length)
    {
        long written = Poison.FirstOther(_start + offset, length);
        if (written < 0)
        {
            return;
        }

        nuint address = (nuint)(_start + offset) + (nuint)written;
        byte found = *(byte*)address;
        NativeMemory.Fill(_start + offset, length, Poison.Value);
        if (region.IsLarge)
        {
            ReturnRegion(region);
        }
        else
        {
            Keep(region, offset, BitOperations.Log2(length) - _unitShift);
        }

        throw WrittenWhileFree(address, found);
    }

    private InvariantViolationException WrittenWhileFree(nuint address, byte found) =>
        new("free memory is not written to", $"In client '{Name}' the byte at 0x{address:x} is 0x{found:x2} and not 0x{Poison.Value:x2}: it was written after its block had been freed.");

    private ClientExhaustedException Exhausted(nuint size, nuint alignment)
    {
        nuint length = LengthFor(size, alignment);
        nuint requested = length == 0 ? size : length;
        (nuint free, nuint largest) = Context.GetRoom();
        return new ClientExhaustedException(Name, requested, _inUse, Quota, quotaExceeded: Quota != 0 && requested > Quota - _inUse, free, largest);
    }
}
