using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Vmem;

// Allocating and freeing by handle.
public sealed partial class Arena<T>
{
    /// <summary>Allocates a range under the arena's policy, and returns a handle to it: the fastest way to free it again, and proof against
    /// stale frees.</summary>
    /// <inheritdoc cref="TryAllocateHandle(T, FitPolicy, out RangeHandle{T})"/>
    public bool TryAllocateHandle(T size, out RangeHandle<T> handle) => TryAllocateHandle(size, _policy, out handle);

    /// <summary>Allocates a range under the given policy, and returns a handle to it.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="handle">The range. Its default value is no allocation.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>
    /// O(1) under instant fit, O(log n) otherwise. The range is not entered into the table by which addresses are found:
    /// <see cref="Free(T, T)"/> and <see cref="TryGetSegment"/> know it all the same, but have to search.
    /// </remarks>
    public bool TryAllocateHandle(T size, FitPolicy policy, out RangeHandle<T> handle)
    {
        size = RoundUp(size);
        if (policy != FitPolicy.InstantFit)
        {
            CheckPolicy(policy, nameof(policy));
        }

        EnterForChange();
        if (policy == FitPolicy.InstantFit && _sureFirst)
        {
            uint tag = _map.TakeSure(size, out T start);
            if (tag != 0)
            {
                handle = new RangeHandle<T>(start, size, tag, _map.Bind(tag));
                NoteAllocation();
                Exit();
                return true;
            }
        }

        if (_audit is not null)
        {
            return TryAllocateHandleSigned(size, policy, out handle);
        }

        return TryAllocateInOrder(size, policy, byHandle: true, out _, out handle);
    }

    /// <summary>Allocates a range that satisfies constraints, under the given policy, and returns a handle to it.</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="handle">The range. Its default value is no allocation.</param>
    /// <returns>Whether there was a place.</returns>
    /// <exception cref="ArgumentException">The size is 0 or its rounding overflows, or the constraints contradict each other or the
    /// quantum.</exception>
    /// <remarks>O(log n), and one step more for each free segment of the window that is long enough but badly placed.</remarks>
    public bool TryAllocateHandle(T size, in RangeConstraints<T> constraints, FitPolicy policy, out RangeHandle<T> handle) =>
        TryAllocatePlaced(size, constraints, policy, byHandle: true, out _, out handle);

    /// <summary>Frees a range by its handle.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <remarks>O(1), without a look-up by address, and O(log n) more for each index that the arena keeps.</remarks>
    public void Free(in RangeHandle<T> handle)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        EnterForChange();
        if (!_map.IsBound(mine))
        {
            FreeUnbound(mine);
            return;
        }

        _map.Unbind(mine.Tag);
        FreeAndExit(mine.Tag);
    }

    /// <summary>A handle that holds nothing, or an audited arena's, which looks as if it did. The lock is held, and is given back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeUnbound(RangeHandle<T> handle)
    {
        if (_audit is null)
        {
            ThrowUnbound(handle);
        }

        Exit();
        FreeHandleSigned(handle);
    }

    [DoesNotReturn]
    private void ThrowUnbound(in RangeHandle<T> handle)
    {
        InvalidFreeException wrong = handle.Generation == 0
            ? InvalidFree(InvalidFreeReason.NotAllocated, handle.Start, handle.Size, "The handle is the default one, which holds nothing.")
            : InvalidFree(InvalidFreeReason.AlreadyFree, handle.Start, handle.Size, "The handle is stale: what it held has been freed.");
        Exit();
        throw wrong;
    }
}
