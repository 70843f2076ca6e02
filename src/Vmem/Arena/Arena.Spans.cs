using Vmem.Segments;

namespace Vmem;

// Spans: adding (vmem_add) and removing them.
public sealed partial class Arena<T>
{
    /// <summary>Adds the range [start, start + size) to the arena (vmem_add). It may end at the very top of the type.</summary>
    /// <param name="start">The first value of the span, a multiple of the quantum.</param>
    /// <param name="size">Its length, a multiple of the quantum and not 0.</param>
    /// <exception cref="ArgumentException">The span is empty, misaligned, reaches past the top of the type, overlaps a span of the arena,
    /// or would exceed the limit.</exception>
    /// <remarks>O(log spans). Spans never coalesce with each other; an arena over every value of its type takes two, as no single size can
    /// express it.</remarks>
    public void AddSpan(T start, T size)
    {
        CheckSpan(start, size);
        bool followed = false;
        Enter();
        try
        {
            if (_map.TryFindOverlap(start, start + (size - T.One), out Segment<T> other))
            {
                throw new ArgumentException($"The span of {size} at {start} overlaps the one of {other.Size} at {other.Start}.", nameof(start));
            }

            if (ExceedsLimit(size))
            {
                throw new ArgumentException($"With another {size} the arena would exceed its limit of {_limit}.", nameof(size));
            }

            _map.ReserveSpan(size);
            _ = _map.AddSpan(start, size, imported: false);
            _recorder?.Added(start, size);
            _removals += T.IsZero(_limit) || _source is null ? 0 : 1;
            followed = _followed;
        }
        finally
        {
            Exit();
            if (followed)
            {
                RoomMayHaveCome();
                FailTheImpossible();              // an import may now be no larger than what the span leaves of the limit
            }
        }
    }

    /// <summary>Removes a span that was added, unless anything of it is allocated.</summary>
    /// <param name="start">The first value of the span.</param>
    /// <param name="size">Its length.</param>
    /// <returns>False, and nothing is changed, while anything of it is allocated.</returns>
    /// <exception cref="ArgumentException">There is no such span, or it was imported (then <see cref="Reap"/> gives it back).</exception>
    /// <remarks>O(log spans). Those who wait for what can never come any more get an <see cref="ArenaExhaustedException"/>.</remarks>
    public bool TryRemoveSpan(T start, T size) =>
        TryRemoveFreeSpan(start, size, emptied: false) || (_caches is not null && TryRemoveFreeSpan(start, size, emptied: true));

    private bool TryRemoveFreeSpan(T start, T size, bool emptied)
    {
        List<Segment<T>>? releases = null;
        bool followed = false;
        if (emptied)
        {
            _ = EnterEmptied(ref releases);
        }
        else
        {
            Enter();
        }

        try
        {
            uint span = _map.FindSpan(start, out T spanStart, out T spanSize);
            if (span == 0 || spanStart != start || spanSize != size)
            {
                string found = span == 0 ? "no span holds that address" : $"the span there has {spanSize} at {spanStart}";
                throw new ArgumentException($"Arena '{Name}' has no span of {size} at {start}: {found}.", nameof(start));
            }

            if (_map.IsImported(span))
            {
                throw new ArgumentException($"The span of {size} at {start} was imported; it goes back to its source when it is free.", nameof(start));
            }

            if (!_map.IsWhollyFree(span))
            {
                return false;
            }

            _map.RemoveSpan(span);
            _recorder?.Removed(start, size);
            _removals++;
            followed = _followed;
            return true;
        }
        finally
        {
            if (emptied)
            {
                ExitFrozen();
            }
            else
            {
                Exit();
            }

            ReleaseAll(releases);
            if (followed || (emptied && Volatile.Read(ref _followed)))
            {
                RoomMayHaveCome();                // under the limit
                FailTheImpossible();
            }
        }
    }

    /// <summary>Whether a value lies in any span, allocated or not (vmem_contains).</summary>
    /// <param name="value">The value.</param>
    /// <returns>Whether the arena manages it.</returns>
    /// <remarks>O(log spans).</remarks>
    public bool Contains(T value)
    {
        Enter();
        try
        {
            return _map.FindSpan(value, out _, out _) != 0;
        }
        finally
        {
            Exit();
        }
    }

    private void CheckSpan(T start, T size)
    {
        if (T.IsZero(size))
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "A span must not be empty.");
        }

        if (!T.IsZero(size & _quantumMask))
        {
            throw new ArgumentException($"The size of a span must be a multiple of the quantum {Quantum}, and {size} is not.", nameof(size));
        }

        if (!T.IsZero(start & _quantumMask))
        {
            throw new ArgumentException($"A span must start at a multiple of the quantum {Quantum}, and {start} is none.", nameof(start));
        }

        if (start + (size - T.One) < start)
        {
            throw new ArgumentException($"A span of {size} at {start} reaches past the top of {typeof(T).Name}.", nameof(size));
        }
    }
}
