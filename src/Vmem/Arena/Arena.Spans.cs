using Vmem.Space;

namespace Vmem;

// Spans: adding (vmem_add), removing, and giving back (vmem_qcache_reap).
public sealed partial class Arena<T>
{
    /// <summary>Adds the range [start, start + size) to the arena (vmem_add). It may end at the very top of the type.</summary>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <exception cref="ArgumentException">The span is empty, misaligned, reaches past the top of the type, overlaps a span of the arena,
    /// or would exceed the limit.</exception>
    /// <remarks>O(log spans). The span stays apart from others that it touches: no range lies in both. See
    /// <see cref="AddSpan(T, T, bool)"/>, and <see cref="OverAll"/> for every value of the type.</remarks>
    public void AddSpan(T start, T size) => _space.AddSpan(start, size, joinNeighbors: false);

    /// <summary>Adds the range [start, start + size) to the arena, if need be as a part of what it touches.</summary>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <param name="joinNeighbors">True: with the added spans that it touches, below and above, it becomes one span, in which a range may
    /// lie across the former seam. Imported spans stay apart, and so do two spans that only touch each other. False: see
    /// <see cref="AddSpan(T, T)"/>.</param>
    /// <exception cref="ArgumentException">The span is empty, misaligned, reaches past the top of the type, overlaps a span of the arena,
    /// or would exceed the limit; or it is to be joined, and is not whole pages of <see
    /// cref="ArenaOptions{T}.KindGranularity"/>.</exception>
    /// <remarks>O(log spans), and O(log n) for each index that the arena keeps. A joined span is removed as a whole, and a snapshot has it
    /// as one. To make one span longer or shorter, <see cref="TryGrowSpan"/> is enough.</remarks>
    public void AddSpan(T start, T size, bool joinNeighbors) => _space.AddSpan(start, size, joinNeighbors);

    /// <summary>Makes a span that was added longer or shorter at its end: a file that grows, a buffer that gives back its tail.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="oldSize">Its length.</param>
    /// <param name="newSize">The length it shall have, a multiple of the quantum and not 0.</param>
    /// <returns>False, and nothing is changed, if any of what would go is allocated; or if what would come lies in another span, or would
    /// exceed the limit.</returns>
    /// <exception cref="ArgumentException">There is no such span, or it was imported; or the new size is 0, no multiple of the quantum, or
    /// reaches past the top of the type.</exception>
    /// <remarks>O(log spans), and O(log n) for each index that the arena keeps. What quantum caches keep of the tail is given up. Those who
    /// wait are served from what comes; those who wait for what can never come any more get an
    /// <see cref="ArenaExhaustedException"/>. A span that grows until it touches another does not become one with it.</remarks>
    public bool TryGrowSpan(T start, T oldSize, T newSize)
    {
        _space.CheckSpan(start, newSize);
        return TryResizeSpan(start, oldSize, newSize, isDrained: false) ||
            (_caches is not null && newSize < oldSize && TryResizeSpan(start, oldSize, newSize, isDrained: true)) ||
            (newSize < oldSize && _space.EndDueRests() && TryResizeSpan(start, oldSize, newSize, isDrained: _caches is not null));
    }

    /// <summary>Removes a span that was added, unless anything of it is allocated.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <returns>False, and nothing is changed, while anything of it is allocated or rests.</returns>
    /// <exception cref="ArgumentException">There is no such span, it was imported (then <see cref="Reap"/> gives it back), or it holds
    /// every value of the type (<see cref="OverAll"/>).</exception>
    /// <remarks>O(log spans). Those who wait for what can never come any more get an <see cref="ArenaExhaustedException"/>.</remarks>
    public bool TryRemoveSpan(T start, T size) =>
        TryRemoveSpan(start, size, isDrained: false)
            || (_caches is not null && TryRemoveSpan(start, size, isDrained: true))
            || (_space.EndDueRests() && TryRemoveSpan(start, size, isDrained: _caches is not null));

    /// <summary>Whether a value lies in any span, allocated or not (vmem_contains).</summary>
    /// <param name="value">The value.</param>
    /// <returns>Whether the arena manages it.</returns>
    /// <remarks>O(log spans).</remarks>
    public bool Contains(T value)
    {
        using Visit<T> visit = _space.Visit();
        return _space.Map.FindSpan(value, out _, out _) != 0;
    }

    /// <summary>Empties the quantum caches, gives all wholly free imports back to the source, and memory of the tables that is not needed
    /// to the system (vmem_qcache_reap).</summary>
    /// <returns>How much went back: to the source, or, in an arena without one, from the caches to the free segments.</returns>
    /// <remarks>O(spans), and O(1) for each range and slab of the caches.</remarks>
    public T Reap()
    {
        T released = T.Zero;
        _ = _space.EndDueRests();
        T drained = _caches is null ? T.Zero : _caches.Drain(out released);
        _caches?.DropEmpty();
        released += _space.DetachEmpty();
        _space.Trim();
        return _importer is null ? drained : released;
    }

    private bool TryResizeSpan(T start, T oldSize, T newSize, bool isDrained)
    {
        using Visit<T> visit = isDrained ? _caches!.VisitDrained(isOwnRelease: false) : _space.Visit();
        return _space.TryGrowSpan(start, oldSize, newSize);
    }

    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <param name="isDrained">Whether the caches are drained first: what keeps the span may lie in one.</param>
    private bool TryRemoveSpan(T start, T size, bool isDrained)
    {
        using Visit<T> visit = isDrained ? _caches!.VisitDrained(isOwnRelease: false) : _space.Visit();
        return _space.TryRemoveSpan(start, size);
    }
}
