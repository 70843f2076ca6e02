using Vmem.Leasing.Journals;

namespace Vmem.Leasing;

// Exact mode: an allocation or a free, and its note, under one lock.
public sealed partial class LeasedArena<T>
{
    /// <summary>Allocates, then notes it: under one lock, so that a snapshot has both or neither.</summary>
    private bool TryAllocateNoted(RangeJournal<T> journal, T size, out LeasedRange<T> range)
    {
        range = default;
        journal.Enter();
        try
        {
            return journal.TryReserve() && Arena.TryAllocate(size, out T start) && TryNote(journal, start, size, out range);
        }
        finally
        {
            journal.Exit();
        }
    }

    /// <summary>The same under constraints: to pass and compare none takes as long as the note.</summary>
    private bool TryAllocateNoted(RangeJournal<T> journal, T size, in RangeConstraints<T> constraints, out LeasedRange<T> range)
    {
        range = default;
        journal.Enter();
        try
        {
            return journal.TryReserve() && TryTake(size, constraints, out T start) && TryNote(journal, start, size, out range);
        }
        finally
        {
            journal.Exit();
        }
    }

    private bool TryNote(RangeJournal<T> journal, T start, T size, out LeasedRange<T> range)
    {
        if (!TryLease(start, size, out range))
        {
            return false;
        }

        journal.Allocated(range.Start, range.Size);
        return true;
    }

    /// <summary>Notes what the arena gave to one who waited. A snapshot may have it already.</summary>
    private bool TryLeaseNoted(RangeJournal<T> journal, T start, T size, out LeasedRange<T> range)
    {
        range = default;
        bool hasPlace = false;
        journal.Enter();
        try
        {
            hasPlace = journal.TryReserve();
            if (hasPlace && TryNote(journal, start, size, out range))
            {
                return true;
            }

            _ = hasPlace && journal.TryFree(start, RoundUp(size));
            return false;
        }
        finally
        {
            if (!hasPlace)
            {
                Drop(start, RoundUp(size));
            }

            journal.Exit();
        }
    }

    /// <summary>Notes a free, then does it. If the arena refuses it, the note is of what is not live, and means nothing.</summary>
    private bool TryFreeNoted(RangeJournal<T> journal, in LeasedRange<T> range)
    {
        journal.Enter();
        try
        {
            if (!journal.TryFree(range.Start, RoundUp(range.Size)))
            {
                return false;
            }

            Arena.Free(range.Start, range.Size);
            journal.Freed();
            return true;
        }
        catch (InvalidFreeException)
        {
            return false;
        }
        finally
        {
            journal.Exit();
        }
    }
}
