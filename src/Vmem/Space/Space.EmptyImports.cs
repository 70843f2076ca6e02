using Vmem.Checks;

namespace Vmem.Space;

// Imports that are wholly free: which are kept, and which go.
internal sealed partial class Space<T>
{
    /// <summary>How much more the limit allows when all wholly free imports have gone back. Takes the lock.</summary>
    public T CountHeadroomWithoutEmpty()
    {
        using Visit<T> visit = Visit();
        return HeadroomOver(Map.TotalSize - (_imports?.Empty ?? T.Zero));
    }

    /// <summary>Takes all wholly free imports out, to be released after the visit.</summary>
    /// <returns>How much that is; 0 if there are none.</returns>
    public T DetachEmpty()
    {
        Conclusion end = default;
        T total = DetachEmpty(ref end);
        end.Throw();
        return total;
    }

    /// <summary>The same; <paramref name="end"/> takes what the source throws.</summary>
    public T DetachEmpty(ref Conclusion end)
    {
        using Visit<T> visit = Visit(ref end, isOwnRelease: true);
        T total = RetireDrained();
        if (_imports is not { EmptySpans: > 0 })
        {
            return total;
        }

        bool any = !T.IsZero(total);
        while (Map.FirstEmpty is var span and not 0)
        {
            T size = Map.GetEmpty(span).Size;
            if (!TryDetach(span))
            {
                break;                            // there is no memory to note more of them: the rest stays
            }

            total += size;
            any = true;
        }

        return any && T.IsZero(total) ? T.MaxValue : total;
    }

    /// <summary>An interval has ended: wholly free imports that nobody has needed in it and in the one before go to the source.</summary>
    /// <returns>Whether any are left.</returns>
    public bool AgeEmpty()
    {
        if (_imports is null)
        {
            return false;
        }

        using Visit<T> visit = Visit();
        long idle = _imports.EndInterval();
        while (idle > 0 && TryDetach(Map.FirstEmpty))
        {
            idle--;
        }

        return _isAging = _imports.EmptySpans > 0;
    }

    /// <summary>Takes the wholly free imports out that are more than is to be retained. They were kept because a waiting request might have
    /// wanted them.</summary>
    /// <returns>What is to be released.</returns>
    public Aftermath<T> DetachSurplus()
    {
        Aftermath<T> surplus = default;
        if (_imports is null || HasEnded)
        {
            return surplus;
        }

        using (VisitEvenEnded(ref surplus))
        {
            if (!_hasEnded)
            {
                _ = RetireDrained();
            }

            while (!_hasEnded && _imports.HasSurplus && TryDetach(Map.FirstEmpty))
            {
            }
        }

        return surplus;
    }

    /// <summary>Takes out a wholly free import that is kept; false as above. The lock is held.</summary>
    private bool TryDetach(uint span)
    {
        Segment<T> import = Map.GetEmpty(span);
        if (!TryReleaseLater(import))
        {
            return false;
        }

        Unkeep(span);
        Remove(span, import);
        return true;
    }

    private void Keep(uint span)
    {
        Map.LinkEmpty(span);
        _imports!.NoteEmpty(Map.GetEmpty(span).Size);
        UpdateGoodFit();
        if (!_isAging)
        {
            _isAging = true;
            Caches?.WakeUpkeep();
        }
    }

    private void Unkeep(uint span)
    {
        Map.UnlinkEmpty(span);
        _imports!.NoteUsed(Map.GetEmpty(span).Size);
        UpdateGoodFit();
    }
}
