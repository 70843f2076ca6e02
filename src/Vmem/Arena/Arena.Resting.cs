using Vmem.Ranges;

namespace Vmem;

// Freeing later: after a time, or when whoever may still use the range says that it has done.
public sealed partial class Arena<T>
{
    /// <summary>Frees a range for its caller now, and for others after a delay: until then it <em>rests</em>.</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="delay">How long it rests; 0: not at all. Whatever <see cref="ArenaOptions{T}.ReuseDelay"/> says.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows; or the delay is negative, as an infinite one
    /// is: what has no known end rests for a fence.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated, or it rests already; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>
    /// <para>
    /// What rests is neither free nor in use (<see cref="ArenaStatistics{T}.Resting"/>, <see cref="SegmentKind.Resting"/>): no request gets
    /// it, its span cannot be removed and does not go back to its source, and freeing it again is an error. When the arena is disposed, it
    /// is no leak. Requests that wait get it when the time has come, by a timer of <see cref="ArenaOptions{T}.TimeProvider"/>,
    /// whose precision is that of the rest. Rests end in the order of their ends. While the timer is set it keeps the arena alive.
    /// </para>
    /// <para>
    /// A single-threaded arena has no timer. Rests whose time has come end there at the next request that fails without them, and at every
    /// call that looks at the arena, which they also do in an arena whose timer is late.
    /// </para>
    /// <para>
    /// O(1) if no range rests longer by then, else O(log n) in those that rest; so is the end, which costs what a free does beside. In an
    /// arena with quantum caches a range of a cached size becomes a segment of its own first, for which the caches of all threads stand
    /// still. No managed memory after the first call.
    /// </para>
    /// </remarks>
    public void FreeAfter(T start, T size, TimeSpan delay) =>
        _space.Rest(start, _space.RoundUp(size), _space.UntilAfter(delay), AuditCall.FreeAfter);

    /// <summary>The same for a range that a handle holds. The handle is stale from now on.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <param name="delay">How long it rests.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>As <see cref="FreeAfter(T, T, TimeSpan)"/>, without a look-up by address.</remarks>
    public void FreeAfter(in RangeHandle<T> handle, TimeSpan delay)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        _space.Rest(mine, _space.UntilAfter(delay), AuditCall.FreeAfter);
    }

    /// <summary>Frees a range for its caller now, and for others when a fence is completed: until then it <em>rests</em>.</summary>
    /// <param name="start">The first value of the range, as it was allocated.</param>
    /// <param name="size">Its length; anything that rounds to the same number of quanta as the request did.</param>
    /// <param name="fence">The number of a frame, an epoch, or a point of a timeline. One that is completed already frees at once.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">No such range is allocated, or it rests already; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>
    /// As <see cref="FreeAfter(T, T, TimeSpan)"/>, but it takes <see cref="CompleteFence"/> to end the rest; no time does, nor does
    /// <see cref="ArenaOptions{T}.CutRestsShort"/>. Fences may be said in any order: O(1) if none that a range rests for is higher, else
    /// O(log n). A request that waits for such a range waits until somebody completes the fence.
    /// </remarks>
    public void FreeAt(T start, T size, ulong fence) =>
        _space.Rest(start, _space.RoundUp(size), _space.UntilFence(fence), AuditCall.FreeAt);

    /// <summary>The same for a range that a handle holds. The handle is stale from now on.</summary>
    /// <param name="handle">What <see cref="TryAllocateHandle(T, out RangeHandle{T})"/> gave.</param>
    /// <param name="fence">The fence that ends the rest.</param>
    /// <exception cref="InvalidFreeException">The handle is the default one, stale, or another arena's; nothing was changed.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory to note the rest; nothing was changed.</exception>
    /// <remarks>As <see cref="FreeAt(T, T, ulong)"/>, without a look-up by address.</remarks>
    public void FreeAt(in RangeHandle<T> handle, ulong fence)
    {
        RangeHandle<T> mine = handle;             // the caller's variable may change under us
        _space.Rest(mine, _space.UntilFence(fence), AuditCall.FreeAt);
    }

    /// <summary>Says that a fence, and every lower one, is completed: what rests for them becomes free, the lowest fence first, and of one
    /// fence what was freed first.</summary>
    /// <param name="fence">The fence. A lower one than that of an earlier call changes nothing.</param>
    /// <remarks>The cost of as many frees, in steps between which others come. Requests that wait are served.</remarks>
    public void CompleteFence(ulong fence) => _space.CompleteFence(fence);
}
