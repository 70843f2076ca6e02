using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Blocks that become longer or shorter.
public sealed unsafe partial class MemoryClient
{
    /// <summary>
    /// As C's realloc: the contents are kept up to the lesser of both sizes; where the block lies may change, and then the old address is
    /// no block any more. Null allocates. O(log region) in place, else O(size).
    /// </summary>
    /// <remarks>A block that must move is held twice for a moment, and the quota has to allow that. One that shrinks never fails for want
    /// of room: where it cannot move to a smaller place it stays. Other threads' calls on the client wait while it is copied.</remarks>
    /// <exception cref="ClientExhaustedException">There is no room, or the quota is used up; the block is as it was.</exception>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was
    /// changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    /// <exception cref="InvariantViolationException">With poison: free memory that it would have taken was written to. Nothing was
    /// changed, but that it holds poison again.</exception>
    public void* Reallocate(void* block, nuint size) =>
        TryReallocate(block, size, out void* resized) ? resized : throw Exhausted(size, alignment: 1);

    /// <summary>As <see cref="Reallocate"/>, but false where that would throw <see cref="ClientExhaustedException"/>.</summary>
    /// <param name="block">A block of this client, or null.</param>
    /// <param name="size">In bytes; 0 gives the smallest block there is, and frees nothing.</param>
    /// <param name="resized">Where the block is now. If the result is false, <paramref name="block"/>, which is as it was: who writes it
    /// over the old address loses nothing.</param>
    /// <returns>False if there is no room, the quota is used up, or there is no memory for the context's tables.</returns>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was
    /// changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    /// <exception cref="InvariantViolationException">With poison: free memory that it would have taken was written to. Nothing was
    /// changed, but that it holds poison again.</exception>
    public bool TryReallocate(void* block, nuint size, out void* resized)
    {
        if (block is null)
        {
            return TryAllocate(size, out resized);
        }

        resized = block;
        bool wantsToMove = IsTooSmallForItsPlace(block, size);
        if (!wantsToMove && TryResize(block, size))
        {
            return true;
        }

        if (!TrySign(AuditCall.Move, out AuditSite? by))
        {
            return TryResize(block, size);
        }

        var move = new BlockRequest(size, Alignment: 1, Zeroed: false, by, Old: (nuint)block);
        if (AllocateOnce(move, out BlockGrant grant))
        {
            resized = grant.Start;
            return true;
        }

        if (!wantsToMove)
        {
            // What clients hold in reserve may be all that is in the way behind the block.
            _ = Context.TrimClients();
        }

        if (TryResize(block, size))
        {
            return true;
        }

        if (!TryMeet(move, out grant))
        {
            return false;
        }

        resized = grant.Start;
        return true;
    }

    /// <summary>Resizes a block where it lies. It can grow as far as its buddies to the right are free, a large block as far as the context
    /// is free behind it. A block that shrinks needs no room, but what has a region of its own keeps a
    /// <see cref="MemoryContext.BlockSize"/>. O(log region), and O(cached blocks) where these are in the way.</summary>
    /// <param name="block">A live block of this client.</param>
    /// <param name="size">How many bytes it shall have.</param>
    /// <returns>False, and nothing is changed, if it has no room to grow, if the quota forbids it, or if there is no memory for the
    /// record of what a large block leaves free.</returns>
    /// <exception cref="InvalidFreeException">It is no live block of this client, or was written past its end; nothing was
    /// changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    /// <exception cref="InvariantViolationException">With poison: free memory that it would have taken was written to. Nothing was
    /// changed, but that it holds poison again.</exception>
    public bool TryResize(void* block, nuint size)
    {
        using ArenaLock.Scope held = Enter();
        Block old = FindUnbroken((nuint)block);
        nuint usable = _contents.UsableLength(old);
        nuint length = LengthFor(size, alignment: 1);
        length = old.Region.IsLarge && length != 0 ? Math.Max(length, Context.BlockSize) : length;
        if (length == 0 || (length > old.Length && length - old.Length > Room) || !_free.TryMoveEnd(old, length))
        {
            return false;
        }

        Block resized = old with { Length = length };
        if (length > old.Length && _contents.TryMendPoison((nuint)block + old.Length, length - old.Length,
            out InvariantViolationException? written))
        {
            _ = _free.TryMoveEnd(resized, old.Length);
            throw written;
        }

        if (length < old.Length && !old.Region.IsLarge)
        {
            _contents.Clear((nuint)block + length, old.Length - length);
        }

        _inUse += length - old.Length;
        _grownEver += (long)length - (long)old.Length;
        _peakInUse = Math.Max(_peakInUse, _inUse);
        _contents.Resize(resized, usable, size);
        _audit?.NoteResized((nuint)block, size);
        return true;
    }

    /// <summary>True if a block of that size belongs elsewhere: it would not get a region of its own, or would be less than half of what it
    /// is. What a block that shrinks where it lies leaves free is good for shorter blocks only, so that a client that makes long blocks
    /// short, again and again, would take one region after the other.</summary>
    private bool IsTooSmallForItsPlace(void* address, nuint size)
    {
        using ArenaLock.Scope held = Enter();
        Block block = FindUnbroken((nuint)address);
        return LengthFor(size, alignment: 1) is var length and not 0 &&
            (block.Region.IsLarge ? !_map.Geometry.IsLarge(length) : length < block.Length / 2);
    }
}
