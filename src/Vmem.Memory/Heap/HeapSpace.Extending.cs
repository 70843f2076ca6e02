using Vmem.Checks;

namespace Vmem.Memory.Heap;

// Pages that become more or fewer where they lie.
internal sealed partial class HeapSpace
{
    /// <summary>Makes allocated pages more or fewer.</summary>
    public bool TryExtend(nuint start, nuint oldSize, nuint newSize)
    {
        Invariant.Assert(newSize > 0 && (newSize & (PageSize - 1)) == 0 && Reserves(start), "whole pages of the heap are resized");
        Invariant.Assert(oldSize > 0 && (oldSize & (PageSize - 1)) == 0, "pages that are resized were allocated");
        int turns = _free.Turns;
        if (!TryExtendPages(start, oldSize, newSize))
        {
            // What is being discarded, or looked at, is free all the same: it is waited for.
            bool isExtended;
            using (_placing.EnterScope())
            {
                isExtended = TryExtendPages(start, oldSize, newSize);
            }

            if (!isExtended)
            {
                if ((turns & 1) == 0 && turns == _free.Turns)
                {
                    return false;
                }

                using (_free.Hold())
                {
                    if (!TryExtendPages(start, oldSize, newSize))
                    {
                        return false;
                    }
                }
            }
        }

        if (newSize <= oldSize)
        {
            return true;
        }

        bool isCommitted = false;
        try
        {
            isCommitted = _extents.TryCommit(start + oldSize, newSize - oldSize);
        }
        finally
        {
            if (!isCommitted)
            {
                _ = _pages.TryExtend(start, newSize, oldSize);
            }
        }

        if (isCommitted)
        {
            _ = _extents.Mark(start + oldSize, newSize - oldSize, clear: false);
        }

        return isCommitted;
    }

    /// <summary>The memory of allocated pages has gone elsewhere: they take none.</summary>
    public void NoteEmpty(nuint start, nuint size) => _extents.Note(_window.Discard(start, size, staleOnly: false));

    /// <summary>The memory of pages in use has gone back. They are dirty as before: who uses them touches them again without a
    /// word.</summary>
    public void NoteDiscarded(nuint size) => _extents.NoteDiscarded(size);

    /// <summary>Pages in use have no memory, and nobody touches them before they are free. What of them had gone back was counted
    /// then.</summary>
    /// <remarks>Not of a heap with huge pages: one may have brought their memory, and only dirty pages are looked for.</remarks>
    public void NoteClean(nuint start, nuint size)
    {
        if (!_extents.IsHuge)
        {
            nuint dirty = _window.Dirty.Forget(start, size);
            Budget.Uncharge(dirty);
            _extents.NoteClean(dirty);
        }
    }

    private bool TryExtendPages(nuint start, nuint oldSize, nuint newSize)
    {
        try
        {
            return _pages.TryExtend(start, oldSize, newSize);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
