using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>The calls of one operating system, as they are: no arguments are checked, and every failure comes back as the system's own
/// error number, 0 for none.</summary>
/// <remarks>
/// Which of the systems it is, is decided once, at the first use. The tests for the system are constants to the JIT and to the trimmer, so
/// a program that is published for one carries no code of the others. Rejected: conditional compilation, which would make three packages of
/// one, and would leave two of the three uncompiled wherever the code is built.
/// </remarks>
internal abstract unsafe class MemorySystem
{
    /// <summary>What access, commitment and contents can be set for, in bytes.</summary>
    public nuint PageSize { get; } = (nuint)Environment.SystemPageSize;

    /// <summary>Reservations start at multiples of this many bytes.</summary>
    public virtual nuint Granularity => PageSize;

    /// <summary>In bytes; 0 where the system has none that can be asked for after the fact.</summary>
    public virtual nuint HugePageSize => 0;

    /// <summary>Can a part of a reservation be given back?</summary>
    public abstract bool ReleasesParts { get; }

    /// <summary>The lowest address that may be asked for by name.</summary>
    public abstract nuint Lowest { get; }

    /// <summary>The highest address that may be asked for by name (inclusive). No reservation is longer than from
    /// <see cref="Lowest"/> to here.</summary>
    public abstract nuint Highest { get; }

    /// <summary>How much address space the process may have now, in bytes: about that much, or less.</summary>
    public virtual nuint Extent => Highest;

    /// <summary>How much more address space the process may have now, in bytes: about that much, or less.</summary>
    public virtual nuint Headroom => Extent;

    /// <summary>Whether the system is one of those that are known.</summary>
    public static bool IsKnown =>
        OperatingSystem.IsWindows() ||
        OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() ||
        OperatingSystem.IsMacOS() || OperatingSystem.IsIOS() || OperatingSystem.IsTvOS();

    /// <summary>The calls of the system that this is.</summary>
    /// <exception cref="PlatformNotSupportedException">It is none of those that are known.</exception>
    public static MemorySystem Choose() =>
        OperatingSystem.IsWindows() ? new WindowsMemory() :
        OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() ? new LinuxMemory() :
        OperatingSystem.IsMacOS() || OperatingSystem.IsIOS() || OperatingSystem.IsTvOS() ? new DarwinMemory() :
        throw new PlatformNotSupportedException("Virtual memory is known on Linux, macOS and Windows.");

    /// <summary>Reserves address space.</summary>
    /// <param name="place">Where, if it is free there; null for anywhere. Where it is not, the system may fail or choose another
    /// place.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="start">Where it is.</param>
    public abstract int Reserve(void* place, nuint size, out void* start);

    public abstract int Commit(void* start, nuint size);

    /// <summary>Lets reserved pages be read. Where a system cannot do that without memory for them, they are committed.</summary>
    public virtual int MakeReadable(void* start, nuint size) => Commit(start, size);

    /// <summary>Takes memory and access away. Where it fails, the contents may be gone and the access still be there.</summary>
    public abstract int Decommit(void* start, nuint size);

    public abstract int Discard(void* start, nuint size);

    public abstract int Protect(void* start, nuint size);

    public abstract int Unprotect(void* start, nuint size);

    public abstract int AdviseHuge(void* start, nuint size);

    /// <summary>Moves the memory behind committed pages behind others, whose contents are lost; those that it came from read as zero
    /// afterwards.</summary>
    /// <returns>False if the system cannot: then the first range is as it was, and the contents of the second are lost.</returns>
    public virtual bool TryMove(void* from, void* to, nuint size) => false;

    public abstract int Release(void* start, nuint size);

    /// <summary>How many bytes of the pages have memory behind them now.</summary>
    public abstract int CountResident(void* start, nuint size, out nuint resident);

    /// <summary>Does the error say that the system is short of memory, of address space, or at a limit? The same call may then succeed
    /// later.</summary>
    public abstract bool IsShortage(int error);

    /// <summary>What to throw for an error that is no shortage.</summary>
    public static InvalidOperationException Refusal(int error, string verb, void* start, nuint size) =>
        new($"The system refused to {verb} {size} bytes at 0x{(nuint)start:x}: {Marshal.GetPInvokeErrorMessage(error)} (error {error}). Is all of it reserved?");
}
