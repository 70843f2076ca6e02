using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Address space for a heap, and what stays true of it when the heap has ended and another one comes: what is committed, and what
/// is dirty.</summary>
/// <remarks>
/// <para>
/// One reservation for all, made at the beginning, costs nothing but numbers, and buys the shortest way from a block's address to what the
/// heap knows of it: subtract, shift, load. Address space is committed by <see cref="Chunk"/>s when pages of it are first handed out, and
/// stays committed; memory goes back to the system by being <em>discarded</em>.
/// </para>
/// <para>A heap that is disposed of leaves its reservation to the next one, for a while: see <see cref="ReservationPool"/>.</para>
/// <para>Rejected: many smaller reservations, found through a table of two levels: a second dependent load in every free, for what is
/// not scarce on 64-bit systems. Where it is (a limit on address space), the reservation is made as large as it can be had.</para>
/// </remarks>
internal sealed unsafe class HeapReservation
{
    // A huge page where there are any; a system call for each is nothing against the 512 page faults that follow.
    private const nuint Chunk = 2 * 1024 * 1024;

    private const nuint LeastReservation = 16 * 1024 * 1024;

    private readonly ulong[] _committed;          // by chunk
    private readonly Gate _commitGate = new();
    private nuint _committedBytes;

    private HeapReservation(nuint wanted, bool huge, nuint start, nuint size)
    {
        Wanted = wanted;
        IsHuge = huge;
        Start = start;
        Size = size;
        _committed = new ulong[(size / Chunk / 64) + 1];
        Dirty = new DirtyPages(start, size);
        try
        {
            Map = new SlabMap(start, Granules);
        }
        catch
        {
            Dirty.Dispose();
            throw;
        }
    }

    /// <summary>The size that was asked for.</summary>
    public nuint Wanted { get; }

    /// <summary>True if huge pages are asked for.</summary>
    public bool IsHuge { get; }

    public nuint Start { get; }

    /// <summary>At most what was asked for; a multiple of the page size.</summary>
    public nuint Size { get; }

    /// <summary>True if there was less address space than was asked for.</summary>
    public bool IsShort => Size < LengthOf(Wanted);

    /// <summary>The last one may not be whole, and then no slab is in it.</summary>
    public nuint Granules => (Size + HeapSpace.Granule - 1) >> HeapSpace.GranuleShift;

    public nuint CommittedBytes => _committedBytes;

    public DirtyPages Dirty { get; }

    public SlabMap Map { get; }

    /// <summary>A reservation of this size, or the half, the quarter and so on of it, as much as there is.</summary>
    public static HeapReservation Take(nuint wanted, bool huge)
    {
        nuint size = LengthOf(wanted);
        if (ReservationPool.Shared.TryTake(wanted, huge, out HeapReservation? taken) || TryMake(wanted, huge, size, out taken))
        {
            return taken;
        }

        _ = ReservationPool.Shared.ReleaseAll();  // what is kept there is perhaps what is missing here
        while (!TryMake(wanted, huge, size, out taken))
        {
            if (size / 2 < LeastReservation)
            {
                throw new InsufficientMemoryException($"The system has no {size} bytes of address space for a heap, or no memory for its tables.");
            }

            size = size / 2 & ~(Chunk - 1);
        }

        return taken;
    }

    public void Release()
    {
        Map.Dispose();
        Dirty.Dispose();
        VirtualMemory.Release((void*)Start, Size);
    }

    /// <summary>Makes pages readable and writable.</summary>
    public bool TryCommit(nuint start, nuint size)
    {
        nuint first = (start - Start) / Chunk;
        nuint last = (start + size - 1 - Start) / Chunk;
        while (first <= last && IsCommitted(first))
        {
            first++;
        }

        if (first > last)
        {
            return true;
        }

        using (_commitGate.EnterScope())
        {
            for (nuint chunk = first; chunk <= last; chunk++)
            {
                if (IsCommitted(chunk))
                {
                    continue;
                }

                nuint length = LengthOfChunk(chunk);
                if (!VirtualMemory.TryCommit((void*)(Start + (chunk * Chunk)), length))
                {
                    return false;
                }

                if (IsHuge)
                {
                    _ = VirtualMemory.TryAdviseHuge((void*)(Start + (chunk * Chunk)), length);
                }

                _committedBytes += length;
                Volatile.Write(ref _committed[chunk >> 6], _committed[chunk >> 6] | BitOf(chunk));
            }

            return true;
        }
    }

    /// <summary>Some of these pages are perhaps not committed any more: their chunks are committed again before they are used.</summary>
    public void ForgetCommit(nuint start, nuint size)
    {
        nuint last = (start + size - 1 - Start) / Chunk;
        using (_commitGate.EnterScope())
        {
            for (nuint chunk = (start - Start) / Chunk; chunk <= last; chunk++)
            {
                if (IsCommitted(chunk))
                {
                    _committedBytes -= LengthOfChunk(chunk);
                    Volatile.Write(ref _committed[chunk >> 6], _committed[chunk >> 6] & ~BitOf(chunk));
                }
            }
        }
    }

    private nuint LengthOfChunk(nuint chunk) => Math.Min(Chunk, Size - (chunk * Chunk));

    private bool IsCommitted(nuint chunk) => (Volatile.Read(ref _committed[chunk >> 6]) & BitOf(chunk)) != 0;

    private static ulong BitOf(nuint chunk) => 1ul << (int)(chunk & 63);

    /// <summary>Whole pages, and not more than was asked for if that is one at least.</summary>
    private static nuint LengthOf(nuint wanted) => nuint.Max(wanted & ~(VirtualMemory.PageSize - 1), VirtualMemory.PageSize);

    /// <summary>False if there is no such address space, or no memory for the tables of such a one.</summary>
    private static bool TryMake(nuint wanted, bool huge, nuint size, [NotNullWhen(true)] out HeapReservation? made)
    {
        made = null;
        if (!VirtualMemory.TryReserve(size, Chunk, out void* start))
        {
            return false;
        }

        try
        {
            made = new HeapReservation(wanted, huge, (nuint)start, size);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
        finally
        {
            if (made is null)
            {
                VirtualMemory.Release(start, size);
            }
        }
    }
}
