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
    /// <remarks>O(log spans). Spans never coalesce with each other; an arena over every value of its type takes two, as no single size can
    /// express it.</remarks>
    public void AddSpan(T start, T size) => _space.AddSpan(start, size);

    /// <summary>Removes a span that was added, unless anything of it is allocated.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <returns>False, and nothing is changed, while anything of it is allocated or rests.</returns>
    /// <exception cref="ArgumentException">There is no such span, or it was imported (then <see cref="Reap"/> gives it back).</exception>
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

    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <param name="isDrained">Whether the caches are drained first: what keeps the span may lie in one.</param>
    private bool TryRemoveSpan(T start, T size, bool isDrained)
    {
        using Visit<T> visit = isDrained ? _caches!.VisitDrained(isOwnRelease: false) : _space.Visit();
        return _space.TryRemoveSpan(start, size);
    }
}
