using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// Many ranges of one size at once, under one lock.
public sealed partial class Arena<T>
{
    /// <summary>Allocates as many ranges of one size as there is room for, up to the length of <paramref name="starts"/>, under the arena's
    /// policy.</summary>
    /// <param name="size">The length of each, in units; rounded up to the quantum.</param>
    /// <param name="starts">Receives the first value of each range.</param>
    /// <returns>How many were allocated; the rest of <paramref name="starts"/> is left as it was.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <remarks>The cost of as many single allocations, less the locking.</remarks>
    public int TryAllocateMany(T size, Span<T> starts)
    {
        if (_audit is not null)
        {
            return TryAllocateManySigned(RoundUp(size), starts);
        }

        if (size - T.One >= _frontMax)
        {
            return TryAllocateManyBehind(RoundUp(size), starts);
        }

        int count = 0;
        try
        {
            while (count < starts.Length && TryAllocate(size, out T start))
            {
                starts[count++] = start;
            }
        }
        catch when (count > 0)
        {
            FreeMany(starts[..count], size);      // the source threw: the caller will not learn how many there were
            throw;
        }

        return count;
    }

    private int TryAllocateManyBehind(T size, Span<T> starts)
    {
        int count = 0;
        try
        {
            do
            {
                count += TakeMany(size, starts[count..]);
            }
            while (count < starts.Length && TryAllocateImported(size, ref count, starts));
        }
        catch when (count > 0)
        {
            FreeMany(starts[..count], size);      // the source threw: the caller will not learn how many there were
            throw;
        }

        return count;
    }

    /// <summary>Frees many ranges of one size: all of them, or, if one of them cannot be right, none. Ranges of a size that the quantum
    /// caches keep are freed one by one.</summary>
    /// <param name="starts">The first value of each.</param>
    /// <param name="size">The length of each; anything that rounds to the same number of quanta as the request did.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0, or its rounding overflows.</exception>
    /// <exception cref="InvalidFreeException">One is not allocated, has another size, appears twice, or was allocated by handle; nothing
    /// was changed.</exception>
    /// <remarks>
    /// The cost of as many single frees, less the locking. First every range leaves the table of live segments, which finds any mistake, a
    /// double one included, and is undone if there is one; only then are they freed.
    /// </remarks>
    public void FreeMany(ReadOnlySpan<T> starts, T size)
    {
        if (_audit is not null)
        {
            FreeManySigned(starts, RoundUp(size));
            return;
        }

        if (size - T.One >= _frontMax)
        {
            FreeManyBehind(starts, RoundUp(size));
            return;
        }

        foreach (T start in starts)
        {
            Free(start, size);
        }
    }

    private void FreeManyBehind(ReadOnlySpan<T> starts, T size)
    {
        List<Segment<T>>? releases = null;
        Enter();
        try
        {
            if (_audit is not null)
            {
                CheckCalls(starts, size);
            }

            uint chain = DelistAll(starts, size);
            try
            {
                while (chain != 0)
                {
                    _map.Reserve();
                    uint tag = chain;
                    chain = _map.ChainedTo(tag);
                    NoteFreed(tag);
                    FreeDelisted(tag, ref releases);
                }
            }
            finally
            {
                Relist(chain);                    // only if memory ran out in the middle: the rest stays allocated
            }
        }
        finally
        {
            bool followed = _followed;
            Exit();
            if (releases is not null)
            {
                ReleaseAll(releases);
            }

            if (followed)
            {
                RoomMayHaveCome();
            }
        }
    }

    private int TakeMany(T size, Span<T> starts)
    {
        int count = 0;
        bool audited = _audit is not null;
        Enter();
        try
        {
            for (; count < starts.Length; count++)
            {
                _map.Reserve();
                uint free = _map.Find(_policy, size, out T start);
                if (free == 0)
                {
                    _failures += _source is null && _caches is null ? 1 : 0;
                    break;
                }

                if (audited)
                {
                    _ = ClaimAudited(free, start, size, _policy, byHandle: false);
                }
                else
                {
                    _map.Enlist(Take(free, start, size, _policy));
                }

                starts[count] = start;
            }
        }
        finally
        {
            Exit();
        }

        return count;
    }

    private bool TryAllocateImported(T size, ref int count, Span<T> starts)
    {
        if ((_source is null && _caches is null) || !TryClaimImporting(new Placement<T>(size, default, Quantum), default, _policy, byHandle: false, out T start, out _))
        {
            return false;
        }

        starts[count++] = start;
        return true;
    }

    private void FreeDelisted(uint tag, ref List<Segment<T>>? releases)
    {
        if (_plain)
        {
            _ = _map.Free(tag);
            return;
        }

        _audit?.NoteFreed(tag);
        uint free = _map.Free(tag);
        if (_source is not null && TryDetachEmptyImport(free, out Segment<T> release))
        {
            (releases ??= []).Add(release);
        }
    }

    /// <summary>Takes every range out of the table of live segments and chains their tags; on a mistake puts them all back and
    /// throws.</summary>
    private uint DelistAll(ReadOnlySpan<T> starts, T size)
    {
        uint chain = 0;
        for (int i = 0; i < starts.Length; i++)
        {
            uint tag = _map.Delist(starts[i], size);
            if (tag == 0)
            {
                Relist(chain);
                throw ExplainUnlisted(starts, i, size);
            }

            _map.Chain(tag, chain);
            chain = tag;
        }

        return chain;
    }

    private void Relist(uint chain)
    {
        while (chain != 0)
        {
            uint tag = chain;
            chain = _map.ChainedTo(tag);
            _map.Enlist(tag);
        }
    }

    private InvalidFreeException ExplainUnlisted(ReadOnlySpan<T> starts, int index, T size)
    {
        T start = starts[index];
        string place = $"Range {index} of {starts.Length}:";
        try
        {
            uint tag = FindUnlisted(start, size);
            return _map.IsByHandle(tag)
                ? InvalidFree(InvalidFreeReason.OtherOwner, start, size, $"{place} it belongs to a handle; free it by that.")
                : InvalidFree(InvalidFreeReason.AlreadyFree, start, size, $"{place} it appears twice.");
        }
        catch (InvalidFreeException e)
        {
            return new InvalidFreeException(e.Reason, e.Start, e.Size, $"{place} {e.Message}");
        }
    }
}
