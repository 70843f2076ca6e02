using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>What Linux and macOS have in common: private anonymous mappings, whose access tells reserved pages from committed
/// ones.</summary>
/// <remarks>
/// <para>
/// A reserved page is mapped without access. Linux charges a private mapping against what it is willing to promise when the mapping becomes
/// writable, so that committing is where an honest system says no.
/// </para>
/// <para>
/// Decommitting maps fresh address space over the old in one call. That takes memory, contents, charge and access away at once, and leaves
/// a mapping like the reserved ones beside it, with which the system merges it: of mappings there is a limit (65,530 in a process, by
/// default, on Linux). Rejected: madvise and mprotect. The charge would stay (Linux does not give it back when a mapping that was written
/// loses its access), and so would the mapping, as one of a kind.
/// </para>
/// <para>
/// Rejected: MAP_NORESERVE for reservations. A mapping without access is not charged anyway; with the flag it would never be, and a commit
/// of more than the machine has would be granted, to be answered by the killer of processes when the memory is touched.
/// </para>
/// </remarks>
internal abstract unsafe class PosixMemory : MemorySystem
{
    protected const int NoAccess = 0;
    protected const int ReadOnly = 1;             // PROT_READ
    protected const int ReadWrite = 1 | 2;        // PROT_READ | PROT_WRITE
    protected const int Fixed = 0x10;             // MAP_FIXED

    protected const int Private = 2;              // MAP_PRIVATE
    protected const int NoFile = -1;
    protected const int OutOfMemory = 12;         // ENOMEM

    private const int Asynchronous = 1;           // MS_ASYNC
    private const int NotMapped = 14;             // EFAULT
    private const nuint Batch = 4096;             // pages that mincore tells of at once: arbitrary; one byte each, on the stack

    public override bool ReleasesParts => true;

    /// <summary>64 KiB: what is below, Linux keeps from all but the privileged (vm.mmap_min_addr).</summary>
    public override nuint Lowest => 0x1_0000;

    /// <summary>On 64 bits the lower half of 48, as on x64. Where processor and system have more, it is given only to those who ask for an
    /// address up there; where they have less, asking fails.</summary>
    public override nuint Highest => (nuint)(sizeof(nuint) == 8 ? 0x7FFF_FFFF_FFFF : 0xFFFF_FFFF);

    /// <summary>MAP_ANONYMOUS.</summary>
    protected abstract int Anonymous { get; }

    /// <summary>The flag that makes mmap fail, or at least not replace anything, where the place is taken; 0 where the place is only a
    /// wish.</summary>
    protected abstract int AtPlace { get; }

    /// <summary>EAGAIN: more would be locked in memory than may be.</summary>
    protected abstract int LockLimit { get; }

    public override int Reserve(void* place, nuint size, out void* start) =>
        Map(SystemCall.Reserve, place, size, NoAccess, place is null ? 0 : AtPlace, out start);

    public override int Commit(void* start, nuint size) => SetProtection(SystemCall.Commit, start, size, ReadWrite);

    /// <summary>Linux promises no memory for a mapping that cannot be written to, nor counts it against RLIMIT_DATA.</summary>
    public override int MakeReadable(void* start, nuint size) => SetProtection(SystemCall.Commit, start, size, ReadOnly);

    public override int Decommit(void* start, nuint size) => Map(SystemCall.Decommit, start, size, NoAccess, Fixed, out _);

    /// <summary>Where the system will not take the pages (they are locked, for instance), they are zeroed: what is promised is that they
    /// read as zero.</summary>
    public override int Discard(void* start, nuint size)
    {
        if (Drop(start, size) != 0)
        {
            NativeMemory.Clear(start, size);
        }

        return 0;
    }

    public override int Protect(void* start, nuint size) => SetProtection(SystemCall.Protect, start, size, NoAccess);

    public override int Unprotect(void* start, nuint size) => SetProtection(SystemCall.Unprotect, start, size, ReadWrite);

    public override int Release(void* start, nuint size) =>
        SystemCallFault.IsDue(SystemCall.Release) ? OutOfMemory : ErrorOf(LibC.Unmap(start, size));

    public override int CountResident(void* start, nuint size, out nuint resident)
    {
        resident = 0;
        byte* pages = stackalloc byte[(int)Batch];
        for (nuint done = 0; done < size; done += Batch * PageSize)
        {
            nuint part = nuint.Min(size - done, Batch * PageSize);
            int error = SystemCallFault.IsDue(SystemCall.CountResident)
                ? OutOfMemory
                : ErrorOf(LibC.GetResidency((byte*)start + done, part, pages));
            if (error != 0)
            {
                return error == OutOfMemory && !IsMapped(start, size) ? NotMapped : error;
            }

            foreach (byte page in new ReadOnlySpan<byte>(pages, (int)(part / PageSize)))
            {
                resident += (nuint)(page & 1) * PageSize;
            }
        }

        return 0;
    }

    public override bool IsShortage(int error) => error == OutOfMemory || error == LockLimit;

    /// <summary>Drops the contents of committed pages; they read as zero afterwards.</summary>
    protected abstract int Drop(void* start, nuint size);

    protected int Map(SystemCall call, void* place, nuint size, int protection, int flags, out void* start)
    {
        start = null;
        if (SystemCallFault.IsDue(call))
        {
            return OutOfMemory;
        }

        start = LibC.Map(place, size, protection, Private | Anonymous | flags, NoFile, 0);
        return (nint)start == -1 ? Marshal.GetLastPInvokeError() : 0;
    }

    protected static int Advise(SystemCall call, void* start, nuint size, int advice) =>
        SystemCallFault.IsDue(call) ? OutOfMemory : ErrorOf(LibC.Advise(start, size, advice));

    private static int SetProtection(SystemCall call, void* start, nuint size, int protection)
    {
        if (SystemCallFault.IsDue(call))
        {
            return OutOfMemory;
        }

        int error = ErrorOf(LibC.SetProtection(start, size, protection));
        return error == OutOfMemory && !IsMapped(start, size) ? NotMapped : error;
    }

    /// <summary>Tells the two meanings of ENOMEM apart: too little of something, and nothing there. msync looks at mappings only, not at
    /// pages, and has nothing to write back for these.</summary>
    protected static bool IsMapped(void* start, nuint size) => ErrorOf(LibC.Synchronize(start, size, Asynchronous)) != OutOfMemory;

    private static int ErrorOf(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();
}
