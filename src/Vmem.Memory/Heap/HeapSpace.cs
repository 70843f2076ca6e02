using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Heap;

/// <summary>A heap's address space, in pages: an arena over one long reservation, and what is known of each page.</summary>
/// <remarks>
/// <para>
/// One reservation for all, made at the beginning, costs nothing but numbers, and buys the shortest way from a block's address to what the heap
/// knows of it: subtract, shift, load. Address space is committed by <see cref="Chunk"/>s as the arena first hands it out, and stays
/// committed; memory goes back to the system by being <em>discarded</em>.
/// </para>
/// <para>
/// A page is <em>dirty</em> from when it is first handed out until it is discarded. A page that is not dirty is zero, and takes no memory.
/// </para>
/// <para>A heap that is disposed of leaves its space to the next one, for a while: see <see cref="SpacePool"/>.</para>
/// <para>Rejected: many smaller reservations, found through a table of two levels: a second dependent load in every free, for what is
/// not scarce on 64-bit systems. Where it is (a limit on address space), the reservation is made as large as it can be had.</para>
/// </remarks>
internal sealed unsafe partial class HeapSpace
{
    /// <summary>What slabs are aligned to and made of.</summary>
    public const int GranuleShift = 16;

    public const nuint Granule = 1 << GranuleShift;

    // A huge page where there are any; a system call for each is nothing against the 512 page faults that follow.
    private const nuint Chunk = 2 * 1024 * 1024;

    private const nuint LeastReservation = 16 * 1024 * 1024;

    private Arena<nuint> _pages;
    private readonly nuint _pageShift;
    private readonly ulong[] _committed;          // by chunk
    private readonly Lock _commitGate = new();
    private readonly nuint _reserved;
    private nuint _committedBytes;

    private HeapSpace(nuint wanted, nuint start, nuint size)
    {
        Wanted = wanted;
        Start = start;
        _reserved = size;
        _pageShift = (nuint)BitOperations.Log2(VirtualMemory.PageSize);
        _committed = new ulong[(size / Chunk / 64) + 1];
        _dirty = (ulong*)NativeMemory.AllocZeroed((size >> (int)_pageShift) / 64 + 1, sizeof(ulong));
        try
        {
            Map = new SlabMap(Start, Granules);
            _pages = NewArena();
        }
        catch
        {
            Map?.Dispose();
            NativeMemory.Free(_dirty);
            throw;
        }
    }

    /// <summary>The size that was asked for.</summary>
    public nuint Wanted { get; }

    public nuint Start { get; }

    /// <summary>At most what was asked for; a multiple of the page size.</summary>
    public nuint Size => _reserved;

    /// <summary>Was there less address space than was asked for?</summary>
    public bool IsShort => _reserved < LengthOf(Wanted);

    /// <summary>The last one may not be whole, and then no slab is in it.</summary>
    public nuint Granules => (_reserved + Granule - 1) >> GranuleShift;

    public static nuint PageSize => VirtualMemory.PageSize;

    public nuint CommittedBytes => _committedBytes;

    public SlabMap Map { get; }

    public Arena<nuint> Pages => _pages;

    /// <summary>A space of this size, or the half, the quarter and so on of it, as much as there is.</summary>
    public static HeapSpace Take(nuint wanted)
    {
        nuint size = LengthOf(wanted);
        if (SpacePool.Shared.TryTake(wanted, out HeapSpace? space) || TryMake(wanted, size, out space))
        {
            return space;
        }

        _ = SpacePool.Shared.ReleaseAll();        // what is kept there is perhaps what is missing here
        while (!TryMake(wanted, size, out space))
        {
            if (size / 2 < LeastReservation)
            {
                throw new InsufficientMemoryException($"The system has no {size} bytes of address space for a heap, or no memory for its tables.");
            }

            size = size / 2 & ~(Chunk - 1);
        }

        return space;
    }

    public static nuint RoundUp(nuint size) => (size + PageSize - 1) & ~(PageSize - 1);

    /// <summary>Pages, readable and writable; the size is a multiple of the page size. <paramref name="isZero"/> says whether they are all
    /// zero.</summary>
    public bool TryAllocate(nuint size, nuint alignment, out nuint start, out bool isZero)
    {
        isZero = false;
        if (!TryAllocatePages(size, alignment, out start))
        {
            // What is being discarded is free all the same: it is waited for.
            lock (_discarding)
            {
                if (!TryAllocatePages(size, alignment, out start))
                {
                    return false;
                }
            }
        }

        bool isCommitted = false;
        try
        {
            isCommitted = TryCommit(start, size);
        }
        finally
        {
            if (!isCommitted)
            {
                _pages.Free(start, size);         // also if the thread was interrupted
            }
        }

        isZero = isCommitted && MarkDirty(start, size);
        return isCommitted;
    }

    public void Free(nuint start, nuint size) => _pages.Free(start, size);

    /// <summary>How long the pages are that were allocated at an address; 0 if none were.</summary>
    public nuint SizeAt(nuint start) => TryGetAllocated(start, out Segment<nuint> segment) && segment.Start == start ? segment.Size : 0;

    /// <summary>Were the pages there allocated?</summary>
    public bool Holds(nuint address) => TryGetAllocated(address, out _);

    /// <summary>Makes allocated pages more or fewer.</summary>
    public bool TryExtend(nuint start, nuint oldSize, nuint newSize)
    {
        int turns = Volatile.Read(ref _turns);
        if (!TryExtendPages(start, oldSize, newSize))
        {
            if ((turns & 1) == 0 && turns == Volatile.Read(ref _turns))
            {
                return false;
            }

            // What is being discarded is free all the same: it is waited for.
            lock (_discarding)
            {
                if (!TryExtendPages(start, oldSize, newSize))
                {
                    return false;
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
            isCommitted = TryCommit(start + oldSize, newSize - oldSize);
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
            _ = MarkDirty(start + oldSize, newSize - oldSize);
        }

        return isCommitted;
    }

    /// <summary>Ends the use of all pages, and leaves the space to the next heap.</summary>
    public void Leave()
    {
        Map.Clear();
        _pages.Dispose();
        SpacePool.Shared.Leave(this);
    }

    /// <summary>Ends the use of all pages, and the space: nobody after must find pages that cannot be touched, and whoever still touches the
    /// heap's shall be found out.</summary>
    public void End()
    {
        _pages.Dispose();
        Release();
    }

    /// <summary>As new, but for what is dirty.</summary>
    public void Enter() => _pages = NewArena();

    public void Release()
    {
        Map.Dispose();
        NativeMemory.Free(_dirty);
        VirtualMemory.Release((void*)Start, _reserved);
    }

    /// <summary>Whole pages, and not more than was asked for if that is one at least.</summary>
    private static nuint LengthOf(nuint wanted) => nuint.Max(wanted & ~(PageSize - 1), PageSize);

    /// <summary>False if there is no such address space, or no memory for the tables of such a one.</summary>
    private static bool TryMake(nuint wanted, nuint size, [NotNullWhen(true)] out HeapSpace? space)
    {
        space = null;
        if (!VirtualMemory.TryReserve(size, Chunk, out void* start))
        {
            return false;
        }

        try
        {
            space = new HeapSpace(wanted, (nuint)start, size);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
        finally
        {
            if (space is null)
            {
                VirtualMemory.Release(start, size);
            }
        }
    }

    private Arena<nuint> NewArena() => new("heap", Start, _reserved, VirtualMemory.PageSize);

    /// <summary>False also if the arena's tables cannot grow: to callers that is one shortage like another.</summary>
    private bool TryAllocatePages(nuint size, nuint alignment, out nuint start)
    {
        try
        {
            return alignment <= PageSize
                ? _pages.TryAllocate(size, out start)
                : _pages.TryAllocateConstrained(size, new RangeConstraints<nuint> { Align = alignment }, FitPolicy.InstantFit, out start);
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

    private bool TryCommit(nuint start, nuint size)
    {
        nuint first = (start - Start) / Chunk;
        nuint last = (start + size - 1 - Start) / Chunk;
        if (AreCommitted(first, last))
        {
            return true;
        }

        lock (_commitGate)
        {
            for (nuint chunk = first; chunk <= last; chunk++)
            {
                ulong bit = 1ul << (int)(chunk & 63);
                if ((_committed[chunk >> 6] & bit) != 0)
                {
                    continue;
                }

                nuint length = LengthOfChunk(chunk);
                if (!VirtualMemory.TryCommit((void*)(Start + (chunk * Chunk)), length))
                {
                    return false;
                }

                _committedBytes += length;
                Volatile.Write(ref _committed[chunk >> 6], _committed[chunk >> 6] | bit);
            }

            return true;
        }
    }

    /// <summary>Some of these pages are perhaps not committed any more: their chunks are committed again before they are used.</summary>
    private void ForgetCommit(nuint start, nuint size)
    {
        nuint last = (start + size - 1 - Start) / Chunk;
        lock (_commitGate)
        {
            for (nuint chunk = (start - Start) / Chunk; chunk <= last; chunk++)
            {
                ulong bit = 1ul << (int)(chunk & 63);
                if ((_committed[chunk >> 6] & bit) != 0)
                {
                    _committedBytes -= LengthOfChunk(chunk);
                    Volatile.Write(ref _committed[chunk >> 6], _committed[chunk >> 6] & ~bit);
                }
            }
        }
    }

    private nuint LengthOfChunk(nuint chunk) => Math.Min(Chunk, _reserved - (chunk * Chunk));

    private bool AreCommitted(nuint first, nuint last)
    {
        for (nuint chunk = first; chunk <= last; chunk++)
        {
            if ((Volatile.Read(ref _committed[chunk >> 6]) >> (int)(chunk & 63) & 1) == 0)
            {
                return false;
            }
        }

        return true;
    }
}
