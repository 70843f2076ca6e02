using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Requests, from the short way to the last resort.
public sealed unsafe partial class MemoryClient
{
    /// <summary>A block of at least <paramref name="size"/> bytes; 0 gives the smallest there is. O(1) for sizes in the client's caches,
    /// else O(log region). A block starts at a multiple of its own size, as rounded, up to <see cref="MemoryContext.BlockSize"/>.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <returns>The block.</returns>
    /// <exception cref="ClientExhaustedException">The quota is used up, or the context has no room.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="InvariantViolationException">With poison: free memory that it would have taken was written to. Nothing was
    /// changed, but that it holds poison again.</exception>
    public void* Allocate(nuint size) => TryAllocate(size, out void* block) ? block : throw Exhausted(size, alignment: 1);

    /// <summary>The same, zeroed, its rounding included.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size) => TryAllocateZeroed(size, out void* block) ? block : throw Exhausted(size, alignment: 1);

    /// <summary>As <see cref="AllocateZeroed"/>, but false where that would throw <see cref="ClientExhaustedException"/>.</summary>
    /// <inheritdoc cref="TryAllocate"/>
    public bool TryAllocateZeroed(nuint size, out void* block) => AllocateAny(size, alignment: 1, zeroed: true, out block);

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>. It takes at least so many bytes.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">A power of two of at most <see cref="MemoryContext.BlockSize"/>.</param>
    /// <returns>The block.</returns>
    /// <exception cref="ArgumentException">The alignment is none of these.</exception>
    /// <inheritdoc cref="Allocate" path="/exception"/>
    public void* AllocateAligned(nuint size, nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment) || alignment > Context.BlockSize)
        {
            throw new ArgumentException($"An alignment of {alignment} cannot be had: a power of two of at most {Context.BlockSize}, the context's BlockSize, can.", nameof(alignment));
        }

        return AllocateAny(size, alignment, zeroed: false, out void* block) ? block : throw Exhausted(size, alignment);
    }

    /// <summary>As <see cref="Allocate"/>, but false where that would throw <see cref="ClientExhaustedException"/>: also if there is no
    /// memory for the context's tables.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="block">The block; null where there is none.</param>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="InvariantViolationException">With poison: free memory that it would have taken was written to. Nothing was
    /// changed, but that it holds poison again.</exception>
    public bool TryAllocate(nuint size, out void* block)
    {
        // Size 0 wraps and is of no order, as is a large size: both go the long way.
        int order = BitOperations.Log2((size - 1) | _unitMask) + 1 - _unitShift;
        if ((uint)order < (uint)_shortOrders)
        {
            nuint cached = TakeCached(order, size);
            if (cached != 0)
            {
                block = (void*)cached;
                return true;
            }
        }

        return TryAllocateSlow(order, size, out block);
    }

    /// <summary>A block from the caches, which is the user's then; 0 if there is none, or the quota forbids it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private nuint TakeCached(int order, nuint size)
    {
        nuint length = (nuint)1 << (order + _unitShift);
        if (_inUse + length > _limit || !_free.Caches.TryPeek(order, out nuint cached))
        {
            return 0;
        }

        _free.Caches.Pop(order);
        nuint unit = (cached - _start) >> _unitShift;
        Invariant.Assert((unit & (((nuint)1 << order) - 1)) == 0, "a block starts at a multiple of its size");
        HandOut(RegionAt(unit)!, unit, order, size, length);
        return cached;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateSlow(int order, nuint size, out void* block)
    {
        if ((uint)order < (uint)_lockedOrders)
        {
            _lock.Enter();
            nuint cached = TakeCached(order, size);
            _lock.Exit();
            if (cached != 0)
            {
                block = (void*)cached;
                return true;
            }
        }

        return AllocateAny(size, alignment: 1, zeroed: false, out block);
    }

    /// <summary>A block that the caches or a tree gave out becomes the user's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void HandOut(Region region, nuint unit, int order, nuint size, nuint length)
    {
        AssertEntered();
        Invariant.Assert(region.Owner == this && _blocks.At(unit) == 0 && order <= _map.Geometry.MaxOrder, "what is handed out is the client's and nobody's");
        _blocks.Set(unit, order + 1);
        if (region.LiveBlocks++ == 0)
        {
            int empty = _free.Regions.Empty - 1;      // not --: the JIT would compute the address first
            _free.Regions.Empty = empty;
        }

        Count(size, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Count(nuint size, nuint length)
    {
        Invariant.Assert(length <= Room && size <= length, "the quota allows what is handed out");
        nuint inUse = _inUse + length;
        _inUse = inUse;
        if (inUse > _peakInUse)
        {
            _peakInUse = inUse;
        }

        _allocations++;
        _requestedEver += size;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AllocateAny(nuint size, nuint alignment, bool zeroed, out void* block)
    {
        BlockGrant grant = default;
        bool met = TrySign(alignment > 1 ? AuditCall.AllocateConstrained : AuditCall.Allocate, out AuditSite? by)
            && TryMeet(new BlockRequest(size, alignment, zeroed, by), out grant);
        block = grant.Start;
        return met;
    }

    /// <summary>Says whose call this is, if that is kept. False, and the request is refused, if there is no memory for it.</summary>
    private bool TrySign(AuditCall call, out AuditSite? by)
    {
        by = _audit?.Sign(call);
        bool isSigned = by is not null || _audit is null;
        if (!isSigned)
        {
            NoteFailure();
        }

        return isSigned;
    }

    private bool TryMeet(in BlockRequest request, out BlockGrant grant)
    {
        int refusals = Context.Refusals;
        bool met = AllocateOnce(request, out grant);
        if (!met && !grant.IsHopeless)
        {
            // Even if nothing came back: another thread that failed may have just taken it back, and not need all of it.
            _ = Context.TrimClients();
            TryRelieve(refusals);
            met = AllocateOnce(request, out grant);
        }

        if (!met)
        {
            NoteFailure();
        }

        return met;
    }

    private void NoteFailure()
    {
        using ArenaLock.Scope held = Enter();
        _failures++;
    }

    /// <summary>Where there is room, but the budget has refused memory for it, all others give back what they do not use.</summary>
    private void TryRelieve(int refusals)
    {
        try
        {
            if (refusals != Context.Refusals)
            {
                MemoryBudget.Default.Relieve();
            }
        }
        catch (OutOfMemoryException)
        {
            // For the list of who keeps something.
        }
    }

    /// <summary>Without the other clients' help. False also if there is no memory for tables: to callers that is one shortage like
    /// another.</summary>
    private bool AllocateOnce(in BlockRequest request, out BlockGrant grant)
    {
        try
        {
            return AllocateUnderLock(request, out grant);
        }
        catch (OutOfMemoryException)
        {
            grant = default;
            return false;
        }
    }

    /// <summary>A block moves under the lock under which its new place was taken: until then another thread might go back behind the new
    /// one, whose memory would be another client's.</summary>
    private bool AllocateUnderLock(in BlockRequest request, out BlockGrant grant)
    {
        grant = default;
        nuint length = LengthFor(request.Size, request.Alignment);
        using ArenaLock.Scope held = Enter();
        ObjectDisposedException.ThrowIf(_disposed, this);
        Block old = request.Old == 0 ? default : FindUnbroken(request.Old);
        if (length == 0 || length > Context.MaxSize || length > Room)
        {
            grant.IsHopeless = length == 0 || length > Room + _childrenHeld;       // what they hold may be in reserve
            return false;
        }

        _audit?.Reserve();
        if (!_free.TryTake(length, room: Room, out Block taken, out bool isZeroed))
        {
            return false;
        }

        nuint start = _map.AddressOf(taken.Unit);
        if (_contents.TryMendPoison(start, length, out InvariantViolationException? written))
        {
            _free.PutBack(taken);
            throw written;
        }

        _contents.Initialize(taken, request.Size, request.Zeroed, isZeroed);
        if (taken.Region.IsLarge)
        {
            _blocks.Set(taken.Unit, BlockMap.Large);
            taken.Region.LiveBlocks = 1;
            Count(request.Size, length);
        }
        else
        {
            HandOut(taken.Region, taken.Unit, _map.Geometry.OrderFor(length), request.Size, length);
        }

        _audit?.NoteAllocated(start, request.Size, request.By!);
        grant = new BlockGrant { Start = (void*)start, Moment = Moment };
        if (request.Old != 0)
        {
            NativeMemory.Copy((void*)request.Old, grant.Start, Math.Min(_contents.UsableLength(old), request.Size));
            FreeUnbroken(old, request.By);
        }

        return true;
    }

    /// <summary>How long a block for this request is; 0 if no number is large enough.</summary>
    private nuint LengthFor(nuint size, nuint alignment) => size > nuint.MaxValue - _contents.Overhead
        ? 0
        : _map.Geometry.LengthFor(Math.Max(Math.Max(size + _contents.Overhead, alignment), 1));

    private ClientExhaustedException Exhausted(nuint size, nuint alignment)
    {
        nuint length = LengthFor(size, alignment);
        nuint requested = length == 0 ? size : length;
        (nuint free, nuint largest) = Context.GetRoom();
        return new ClientExhaustedException(this, requested, Refuser(requested), free, largest);
    }
}
