using Vmem.Memory.Platform;
using Vmem.Platform;

namespace Vmem.Memory;

// What can be done to reserved pages.
public static unsafe partial class VirtualMemory
{
    /// <summary>Makes reserved pages readable and writable; they are zero at first touch. Pages that are committed already stay as they
    /// are.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="size">In bytes.</param>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="OutOfMemoryException">The system will not promise that much memory, or the process has as many mappings as it
    /// may.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved.</exception>
    public static void Commit(void* start, nuint size) => ThrowIfShort(TryCommit(start, size), "commit", start, size);

    /// <summary>The same; false if the system is short of memory or mappings. See <see cref="Commit"/>.</summary>
    /// <inheritdoc cref="Commit" path="/param"/>
    /// <returns>Whether all of it is committed; if not, nothing has changed.</returns>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved.</exception>
    public static bool TryCommit(void* start, nuint size)
    {
        CheckRange(start, size);
        return Succeeded(s_system.Commit(start, size), "commit", start, size);
    }

    /// <summary>Gives memory back and keeps the address space: a touch is a fault again, and the contents are lost. Pages that are only
    /// reserved stay so.</summary>
    /// <inheritdoc cref="Commit" path="/param"/>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="OutOfMemoryException">As <see cref="TryDecommit"/> returns false.</exception>
    public static void Decommit(void* start, nuint size) => ThrowIfShort(TryDecommit(start, size), "decommit", start, size);

    /// <summary>The same; false if the process has as many mappings as it may and this would make one more. See
    /// <see cref="Decommit"/>.</summary>
    /// <inheritdoc cref="Commit" path="/param"/>
    /// <returns>Whether all of it is only reserved now. If not, each page is as accessible as before, and its contents may be lost; on
    /// Linux the memory has gone back, as by <see cref="Discard"/>.</returns>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    public static bool TryDecommit(void* start, nuint size)
    {
        CheckRange(start, size);
        return Succeeded(s_system.Decommit(start, size), "decommit", start, size);
    }

    /// <summary>Gives memory back and keeps the access: the contents are lost, and the pages are zero when next touched.</summary>
    /// <remarks>Where the system will not take the memory, because it is locked for instance, the pages are zeroed and keep it.</remarks>
    /// <param name="start">The first address of committed, unprotected pages.</param>
    /// <param name="size">In bytes.</param>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="OutOfMemoryException">On Windows only, where the pages are decommitted and committed anew: the system would not
    /// promise the memory a second time, and they are only reserved now.</exception>
    public static void Discard(void* start, nuint size)
    {
        CheckRange(start, size);
        ThrowIfShort(Succeeded(s_system.Discard(start, size), "discard", start, size), "discard", start, size);
    }

    /// <summary>Takes away the access to committed pages and keeps their contents and memory: a guard page, for instance.</summary>
    /// <remarks>A page that was never committed is a better guard: it takes no memory and no mapping of its own beside reserved
    /// ones.</remarks>
    /// <param name="start">The first address of committed pages.</param>
    /// <param name="size">In bytes.</param>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="OutOfMemoryException">The process has as many mappings as it may.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved; on Windows, committed.</exception>
    public static void Protect(void* start, nuint size) => ThrowIfShort(TryProtect(start, size), "protect", start, size);

    /// <summary>The same; false if the process has as many mappings as it may. See <see cref="Protect"/>.</summary>
    /// <param name="start">The first address of committed pages.</param>
    /// <param name="size">In bytes.</param>
    /// <returns>Whether all of it is protected; if not, nothing has changed.</returns>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved; on Windows, committed.</exception>
    public static bool TryProtect(void* start, nuint size)
    {
        CheckRange(start, size);
        return Succeeded(s_system.Protect(start, size), "protect", start, size);
    }

    /// <summary>Gives protected pages their access back, with the contents they had.</summary>
    /// <param name="start">The first address of pages that were committed and protected.</param>
    /// <param name="size">In bytes.</param>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="OutOfMemoryException">The process has as many mappings as it may; nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved; on Windows, committed.</exception>
    public static void Unprotect(void* start, nuint size)
    {
        CheckRange(start, size);
        ThrowIfShort(Succeeded(s_system.Unprotect(start, size), "unprotect", start, size), "unprotect", start, size);
    }

    /// <summary>Lets reserved pages be read: they are zero, and take no memory. <see cref="Commit"/> makes them writable. False if the
    /// system is short of memory or mappings.</summary>
    internal static bool TryMakeReadable(void* start, nuint size)
    {
        CheckRange(start, size);
        return Succeeded(s_system.MakeReadable(start, size), "make readable", start, size);
    }

    /// <summary>Moves contents from one range of committed pages to another that does not overlap it, where it can without copying them.
    /// Then the first range reads as zero.</summary>
    /// <returns>False where the system cannot do that: the first range is as it was, and the contents of the second are lost. Only Linux
    /// can, and the first range must be one mapping.</returns>
    internal static bool TryMove(void* from, void* to, nuint size)
    {
        CheckRange(from, size);
        CheckRange(to, size);
        return s_system.TryMove(from, to, size);
    }

    /// <summary>Asks for huge pages: fewer entries in the processor's table of pages, for memory that is used as a whole. Only what lies in
    /// aligned multiples of <see cref="HugePageSize"/> can have them, and they may come late or never. The advice ends with the
    /// commitment.</summary>
    /// <param name="start">The first address of committed pages.</param>
    /// <param name="size">In bytes.</param>
    /// <returns>Whether the system took the advice; false where there is no such advice, or huge pages are switched off.</returns>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    public static bool TryAdviseHuge(void* start, nuint size)
    {
        CheckRange(start, size);
        return HugePageSize != 0 && s_system.AdviseHuge(start, size) == 0;
    }

    /// <summary>How much memory there is behind the pages now: for tests and statistics. O(size).</summary>
    /// <remarks>mincore; QueryWorkingSetEx on Windows. A page that was only read counts, too. What was swapped out does not.</remarks>
    /// <inheritdoc cref="Commit" path="/param"/>
    /// <returns>Bytes, a multiple of <see cref="PageSize"/>.</returns>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="InvalidOperationException">Not all of it is reserved.</exception>
    /// <exception cref="OutOfMemoryException">The system had no memory for the answer.</exception>
    public static nuint GetResident(void* start, nuint size)
    {
        CheckRange(start, size);
        ThrowIfShort(Succeeded(s_system.CountResident(start, size, out nuint resident), "count the pages of", start, size), "count the pages of", start, size);
        return resident;
    }

    private static bool Succeeded(int error, string verb, void* start, nuint size) =>
        error == 0 || (s_system.IsShortage(error) ? false : throw MemorySystem.Refusal(error, verb, start, size));

    private static void ThrowIfShort(bool succeeded, string verb, void* start, nuint size)
    {
        if (!succeeded)
        {
            throw new InsufficientMemoryException($"The system is short of memory, or the process has as many mappings as it may: it could not {verb} {size} bytes at 0x{(nuint)start:x}.");
        }
    }
}
