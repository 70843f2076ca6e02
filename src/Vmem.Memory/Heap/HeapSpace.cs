using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>A heap's pages: an arena over its reservation.</summary>
internal sealed partial class HeapSpace : IDisposable
{
    /// <summary>What slabs are aligned to and made of.</summary>
    public const int GranuleShift = 16;

    public const nuint Granule = 1 << GranuleShift;

    private readonly HeapReservation _reservation;
    private readonly Arena<nuint> _pages;
    private readonly Gate _placing = new();       // held while pages are taken only to see how they lie

    /// <param name="heap">Whose it is.</param>
    /// <param name="wanted">The most that it may be long.</param>
    /// <param name="huge">Whether huge pages are asked for.</param>
    public HeapSpace(string heap, nuint wanted, bool huge)
    {
        _reservation = HeapReservation.Take(wanted, huge);
        try
        {
            _pages = new Arena<nuint>($"{heap}: pages", Start, Size, PageSize);
        }
        catch
        {
            _reservation.Release();
            throw;
        }
    }

    public static nuint PageSize => VirtualMemory.PageSize;

    public nuint Start => _reservation.Start;

    public nuint Size => _reservation.Size;

    public nuint Granules => _reservation.Granules;

    public nuint CommittedBytes => _reservation.CommittedBytes;

    public SlabMap Map => _reservation.Map;

    public static nuint RoundUp(nuint size) => (size + PageSize - 1) & ~(PageSize - 1);

    /// <summary>Pages, readable and writable; the size is a multiple of the page size.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="clear">Zeroes those that are not zero.</param>
    /// <param name="start">Where they begin.</param>
    /// <param name="isZero">Are all of them zero?</param>
    public bool TryAllocate(nuint size, nuint alignment, bool clear, out nuint start, out bool isZero)
    {
        isZero = false;
        Invariant.Assert(size > 0 && (size & (PageSize - 1)) == 0 && nuint.IsPow2(alignment), "whole pages are asked for");
        if (!TryAllocatePages(size, alignment, out start))
        {
            // What is being discarded, or looked at, is free all the same: it is waited for.
            using (_discarding.EnterScope())
            {
                using (_placing.EnterScope())
                {
                    if (!TryAllocatePages(size, alignment, out start))
                    {
                        return false;
                    }
                }
            }
        }

        Invariant.Assert((start & (alignment - 1)) == 0 && start >= Start && size <= Size - (start - Start), "pages lie in the reservation, aligned as asked");
        bool isCommitted = false;
        try
        {
            isCommitted = _reservation.TryCommit(start, size);
        }
        finally
        {
            if (!isCommitted)
            {
                _pages.Free(start, size);
            }
        }

        isZero = isCommitted && _reservation.Dirty.Mark(start, size, clear);
        return isCommitted;
    }

    public void Free(nuint start, nuint size)
    {
        Invariant.Assert((start & (PageSize - 1)) == 0 && (size & (PageSize - 1)) == 0 && start - Start < Size, "whole pages of the reservation come back");
        _pages.Free(start, size);
    }

    /// <summary>How long the pages are that were allocated at an address; 0 if none were.</summary>
    public nuint SizeAt(nuint start) => TryFind(start, out Segment<nuint> found) && found.Start == start ? found.Size : 0;

    /// <summary>Makes allocated pages more or fewer.</summary>
    public bool TryExtend(nuint start, nuint oldSize, nuint newSize)
    {
        Invariant.Assert(newSize > 0 && (newSize & (PageSize - 1)) == 0 && start - Start < Size, "whole pages of the reservation are resized");
        Invariant.Assert(oldSize > 0 && (oldSize & (PageSize - 1)) == 0, "pages that are resized were allocated");
        int turns = Volatile.Read(ref _turns);
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
                if ((turns & 1) == 0 && turns == Volatile.Read(ref _turns))
                {
                    return false;
                }

                using (_discarding.EnterScope())
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
            isCommitted = _reservation.TryCommit(start + oldSize, newSize - oldSize);
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
            _ = _reservation.Dirty.Mark(start + oldSize, newSize - oldSize, clear: false);
        }

        return isCommitted;
    }

    public void Validate() => _pages.Validate();

    /// <summary>Ends the use of all pages, and leaves the reservation to the next heap. Who still asks for pages here finds the arena
    /// disposed of.</summary>
    public void Leave()
    {
        _pages.Dispose();
        Map.Clear();
        ReservationPool.Shared.Leave(_reservation);
    }

    /// <summary>Ends the use of all pages, and the reservation: nobody after must find pages that cannot be touched, and whoever still
    /// touches the heap's shall be found out.</summary>
    public void Dispose()
    {
        _pages.Dispose();
        _reservation.Release();
    }

    /// <summary>False also if the arena's tables cannot grow: to callers that is one shortage like another.</summary>
    /// <remarks>
    /// What slabs leave behind is aligned as they are. So pages are asked for without the alignment first, and if they happen to have it,
    /// as they mostly do, that is the best fit. Instant fit with a constraint takes a segment that fits however it lies, which is longer:
    /// memory that has been used lay idle, and fresh memory was taken instead (1.4 MB more for sqlite's recording). Rejected: best fit,
    /// which would find it too, but for whose index everybody pays who
    /// takes or frees pages.
    /// </remarks>
    private bool TryAllocatePages(nuint size, nuint alignment, out nuint start)
    {
        try
        {
            if (alignment <= PageSize)
            {
                return _pages.TryAllocate(size, out start);
            }

            using (_placing.EnterScope())
            {
                if (!_pages.TryAllocate(size, out start) || (start & (alignment - 1)) == 0)
                {
                    return start != 0;
                }

                _pages.Free(start, size);
                return _pages.TryAllocateConstrained(size, new RangeConstraints<nuint> { Align = alignment }, FitPolicy.InstantFit,
                    out start);
            }
        }
        catch (OutOfMemoryException)
        {
            start = 0;
            return false;
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
