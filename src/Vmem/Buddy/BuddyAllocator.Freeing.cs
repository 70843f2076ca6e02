using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem;

// Freeing and resizing. A call that cannot be right says what is wrong and changes nothing.
public sealed partial class BuddyAllocator<T>
{
    /// <summary>Frees a block, which then coalesces with its buddy for as long as that is free.</summary>
    /// <param name="start">The first value of the block, as <see cref="Allocate"/> gave it.</param>
    /// <exception cref="InvalidFreeException">No allocated block starts there, or the guard keys around the bookkeeping are broken
    /// (looked at in Debug builds and with <see cref="BuddyAllocatorOptions.Audit"/>). Nothing was changed.</exception>
    /// <remarks>A step for each level that it coalesces through, at most seven; and for each order passed that has other free blocks, one
    /// for each row of its index, at most six. Requests that wait in arenas above are tried then.</remarks>
    public void Free(T start)
    {
        Enter();
        if (IsFirstOfUnit(start) && !_watchesFrees && _tree.TryGive(UnitOf(start)))
        {
            Exit();
            return;
        }

        FreeWatchfully(start);
    }

    /// <summary>Resizes a block in place: smaller by giving right halves back, larger by taking in the free buddies to its right.</summary>
    /// <param name="start">The first value of an allocated block.</param>
    /// <param name="newSize">How many values it shall have; rounded up as a request is.</param>
    /// <returns>False, and nothing is changed, if it cannot grow so far: a block of that size cannot start here, or a buddy is not free as
    /// a whole.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0.</exception>
    /// <exception cref="InvalidFreeException">No allocated block starts there.</exception>
    /// <remarks>A step for each order in between.</remarks>
    public bool TryResize(T start, T newSize)
    {
        int order = OrderFor(newSize);
        Enter();
        try
        {
            CheckLive(start, "resize the block");
            long unit = UnitOf(start);
            if (order > _tree.MaxOrder || !_tree.TryResize(unit, order))
            {
                return false;
            }

            _audit?.Note(unit, newSize);
            NoteGrant(newSize, order);
        }
        finally
        {
            Exit();
        }

        Conclusion nobodys = default;             // who holds the block must know how long it is
        nobodys.Take(this, static allocator => allocator.NotifyListeners());      // it may be smaller now
        nobodys.ThrowOwnFault();
        return true;
    }

    /// <summary>Whether a unit begins with this value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsFirstOfUnit(T value)
    {
        T offset = value - Start;
        return offset <= _lastUsable && (offset & (MinBlock - T.One)) == T.Zero;
    }

    /// <summary>A free with all checks, or one that cannot be right. The lock is held, and is given back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeWatchfully(T start)
    {
        AssertEntered();
        try
        {
            if ((AlwaysChecksKeys || _audit is not null) && !_tree.KeysHold)
            {
                throw Invalid(InvalidFreeReason.Corrupted, start, "free the block", "The guard keys around the bookkeeping have been overwritten.");
            }

            CheckLive(start, "free the block");
            _audit?.Forget(UnitOf(start));
            _tree.Give(UnitOf(start));
        }
        finally
        {
            Exit();
        }

        NotifyListeners();
    }

    /// <summary>Throws unless an allocated block starts with this value. The lock is held.</summary>
    private void CheckLive(T start, string call)
    {
        AssertEntered();
        if (!IsUsable(start))
        {
            string where = start - Start <= _sizeLess1 ? $"{start} is in the end of the range that is smaller than a block." : $"{start} is outside its range.";
            throw Invalid(InvalidFreeReason.NotAllocated, start, call, where);
        }

        BuddyFragment<T> fragment = FragmentAt(UnitOf(start), out _);
        if (!fragment.IsAllocated)
        {
            throw Invalid(InvalidFreeReason.AlreadyFree, start, call, $"{start} is free: it lies in a free block of {fragment.Size} at {fragment.Start}. It was freed before, or never allocated.");
        }

        if (fragment.Start != start)
        {
            throw Invalid(InvalidFreeReason.InteriorAddress, start, call, $"{start} lies inside an allocated block of {fragment.Size} at {fragment.Start}.");
        }
    }

    /// <param name="reason">What was wrong.</param>
    /// <param name="start">Where the block was to start.</param>
    /// <param name="call">What was asked for.</param>
    /// <param name="detail">What was wrong, in words.</param>
    /// <param name="size">What the call said of its size; 0: nothing.</param>
    private InvalidFreeException Invalid(InvalidFreeReason reason, T start, string call, string detail, T size = default) => new(
        reason,
        UInt128.CreateTruncating(start),
        UInt128.CreateTruncating(size),
        $"Buddy allocator '{Name}' was asked to {call} at {start}. {detail} Nothing was changed.");
}
