using Vmem.Memory.Platform;
using Vmem.Platform;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Memory;

/// <summary>Address space and memory of the operating system: reserve, commit, decommit, release.</summary>
/// <remarks>
/// <para>
/// <b>The life of a page.</b> It is <em>reserved</em>: its address is nobody else's, a touch is a fault, and it takes no memory. It is
/// <em>committed</em>: it can be read and written, the system has promised memory for it, and gives it, zeroed, at the first touch. It may
/// be <em>discarded</em>, which is as if it had never been touched, and <em>protected</em>, which makes a touch a fault but keeps the
/// contents. It is <em>decommitted</em>, and only reserved again. It is <em>released</em>, and its address may be anybody's.
/// </para>
/// <para>
/// A range is given by its start and its size, both multiples of <see cref="PageSize"/>. It must lie in what was reserved here and not
/// released, and, for portable code, in one reservation. The systems check this only in part: decommitting or releasing what is somebody
/// else's destroys it. Nothing here is freed by the garbage collector.
/// </para>
/// <para>
/// <b>Errors.</b> Where the system is short of memory, of address space or of mappings, a <c>Try…</c> returns false and its namesake throws
/// an <see cref="OutOfMemoryException"/>; nothing has changed, but where a member says otherwise. Where the system refuses for another
/// reason, a range that is not reserved for instance, both throw an <see cref="InvalidOperationException"/>. All members may be called by
/// any thread. Each costs one system call, a few at most, in which the system takes O(pages that have memory) to take it away.
/// </para>
/// <para>Linux, macOS and Windows. Tested on Linux; written for the others against their documentation.</para>
/// </remarks>
public static unsafe partial class VirtualMemory
{
    private static readonly MemorySystem s_system = MemorySystem.Choose();

    /// <summary>The system's page, in bytes: a power of two. 4,096 on most x64 systems, 16,384 on Apple silicon.</summary>
    public static nuint PageSize => s_system.PageSize;

    /// <summary>Reservations start at multiples of this many bytes: a page; 64 KiB on Windows, where a reservation also takes up whole
    /// multiples of it.</summary>
    public static nuint Granularity => s_system.Granularity;

    /// <summary>What <see cref="TryAdviseHuge"/> can get, in bytes; 0 where there are no huge pages, or they are switched off. 2 MiB on
    /// most Linux systems.</summary>
    public static nuint HugePageSize => s_system.HugePageSize;

    /// <summary>Reservations as spans for an arena: it imports address space, without memory, and gives it back.</summary>
    /// <remarks>
    /// It honours alignment, phase and boundaries. A window (Min, Max) it honours if the system's own choice or one of 64 places spread
    /// over the window will do, and refuses otherwise. Its quantum is <see cref="Granularity"/>; an import is no longer than needed, so
    /// that an arena above it should have a <see cref="ArenaOptions{T}.MinImport"/>. A release does not fail.
    /// </remarks>
    public static IArenaSource<nuint> Source => Space;

    internal static AddressSpace Space { get; } = new(s_system);

    /// <summary>The lowest address that may be asked for by name.</summary>
    internal static nuint Lowest => s_system.Lowest;

    /// <summary>The highest one.</summary>
    internal static nuint Highest => s_system.Highest;

    /// <summary>How much more address space the process may have now: about that much, or less.</summary>
    internal static nuint Headroom => s_system.Headroom;

    /// <summary>Reserves address space: no access, no memory.</summary>
    /// <param name="size">In bytes; a multiple of <see cref="PageSize"/>.</param>
    /// <param name="alignment">The start is a multiple of this power of two. 0: of <see cref="Granularity"/>, which it always is.</param>
    /// <returns>The first address.</returns>
    /// <exception cref="ArgumentException">Size or alignment is none.</exception>
    /// <exception cref="OutOfMemoryException">There is no such address space, or the process has as many mappings as it may.</exception>
    public static void* Reserve(nuint size, nuint alignment = 0) =>
        TryReserve(size, alignment, out void* start)
            ? start
            : throw new InsufficientMemoryException($"The system has no {size} bytes of address space at an alignment of {alignment}.");

    /// <summary>Reserves address space; false if there is none. See <see cref="Reserve"/>.</summary>
    /// <param name="size">In bytes; a multiple of <see cref="PageSize"/>.</param>
    /// <param name="alignment">The start is a multiple of this power of two. 0: of <see cref="Granularity"/>.</param>
    /// <param name="start">The first address; null if there is none.</param>
    /// <exception cref="ArgumentException">Size or alignment is none.</exception>
    public static bool TryReserve(nuint size, nuint alignment, out void* start)
    {
        CheckSize(size);
        if (alignment != 0 && !nuint.IsPow2(alignment))
        {
            throw new ArgumentException($"The alignment must be a power of two, and {alignment} is none.", nameof(alignment));
        }

        var constraints = new RangeConstraints<nuint> { Align = alignment > Granularity ? alignment : 0 };
        bool reserved = Space.TryReserve(new Placement<nuint>(size, constraints, Granularity), out nuint first);
        start = (void*)first;
        return reserved;
    }

    /// <summary>Gives address space back, and all memory in it.</summary>
    /// <remarks>Does not fail for a shortage: where Linux cannot cut the range out of a mapping, because the process has as many as it may,
    /// the memory goes back at once, and the address space at a later release.</remarks>
    /// <param name="start">The first address. Portable code names a whole reservation, as it was made. On Linux and macOS any part of one
    /// may be released, or several side by side.</param>
    /// <param name="size">In bytes. Windows releases the whole reservation whatever the size.</param>
    /// <exception cref="ArgumentException">They are not whole pages, none, or pass the end of the address space.</exception>
    /// <exception cref="InvalidOperationException">On Windows: no reservation starts there.</exception>
    public static void Release(void* start, nuint size)
    {
        CheckRange(start, size);
        Space.Release((nuint)start, size);
    }

    private static void CheckRange(void* start, nuint size)
    {
        ArgumentNullException.ThrowIfNull(start);
        if ((nuint)start % PageSize != 0)
        {
            throw new ArgumentException($"The start must be a multiple of the page size {PageSize}, and 0x{(nuint)start:x} is none.", nameof(start));
        }

        CheckSize(size);
        if (size - 1 > nuint.MaxValue - (nuint)start)
        {
            throw new ArgumentOutOfRangeException(
                nameof(size), size, $"What starts at 0x{(nuint)start:x} cannot be that long: it would pass the end of the address space.");
        }
    }

    private static void CheckSize(nuint size)
    {
        if (size == 0 || size % PageSize != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"The size must be a multiple of the page size {PageSize}, and not 0.");
        }
    }
}
