using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>Windows: VirtualAlloc, VirtualFree, VirtualProtect, QueryWorkingSetEx. Written against the documentation; not tested.</summary>
/// <remarks>
/// Rejected: MEM_RESET and DiscardVirtualMemory for discarding. They leave it open what the pages hold afterwards. Rejected:
/// MEM_LARGE_PAGES, which need a privilege, and are reserved and committed in one: there is nothing that could be advised later.
/// </remarks>
internal sealed unsafe class WindowsMemory : MemorySystem
{
    private const uint MemCommit = 0x1000;
    private const uint MemReserve = 0x2000;
    private const uint MemDecommit = 0x4000;
    private const uint MemRelease = 0x8000;
    private const uint PageNoAccess = 0x01;
    private const uint PageReadWrite = 0x04;

    private const int NotEnoughMemory = 8;        // ERROR_NOT_ENOUGH_MEMORY
    private const int OutOfMemory = 14;           // ERROR_OUTOFMEMORY
    private const int NotSupported = 50;          // ERROR_NOT_SUPPORTED
    private const int NoSystemResources = 1450;   // ERROR_NO_SYSTEM_RESOURCES
    private const int CommitmentLimit = 1455;     // ERROR_COMMITMENT_LIMIT
    private const int NotEnoughQuota = 1816;      // ERROR_NOT_ENOUGH_QUOTA

    private const int Batch = 256;                // pages that are asked about at once: arbitrary; 16 bytes each, on the stack

    private readonly Kernel32.SystemInfo _info;

    public WindowsMemory() => Kernel32.GetSystemInfo(out _info);

    public override nuint Granularity => _info.AllocationGranularity;

    public override bool ReleasesParts => false;

    public override nuint Lowest => _info.MinimumApplicationAddress;

    public override nuint Highest => _info.MaximumApplicationAddress;

    public override int Reserve(void* place, nuint size, out void* start) =>
        Allocate(SystemCall.Reserve, place, size, MemReserve, PageNoAccess, out start);

    public override int Commit(void* start, nuint size) => Allocate(SystemCall.Commit, start, size, MemCommit, PageReadWrite, out _);

    public override int Decommit(void* start, nuint size) => Free(SystemCall.Decommit, start, size, MemDecommit);

    /// <summary>If the second call fails, the pages are decommitted.</summary>
    public override int Discard(void* start, nuint size)
    {
        int error = Decommit(start, size);
        return error == 0 ? Commit(start, size) : error;
    }

    public override int Protect(void* start, nuint size) => SetProtection(SystemCall.Protect, start, size, PageNoAccess);

    public override int Unprotect(void* start, nuint size) => SetProtection(SystemCall.Unprotect, start, size, PageReadWrite);

    public override int AdviseHuge(void* start, nuint size) => NotSupported;

    /// <summary>The system releases the whole reservation that begins there, and must be given no size.</summary>
    public override int Release(void* start, nuint size) => Free(SystemCall.Release, start, 0, MemRelease);

    public override int CountResident(void* start, nuint size, out nuint resident)
    {
        resident = 0;
        Kernel32.WorkingSetPage* pages = stackalloc Kernel32.WorkingSetPage[Batch];
        nuint count = size / PageSize;
        for (nuint first = 0; first < count; first += Batch)
        {
            int part = (int)nuint.Min(count - first, Batch);
            for (int i = 0; i < part; i++)
            {
                pages[i].Address = (nuint)start + ((first + (nuint)i) * PageSize);
            }

            int error = Ask(pages, part);
            if (error != 0)
            {
                return error;
            }

            for (int i = 0; i < part; i++)
            {
                resident += (pages[i].Attributes & 1) * PageSize;
            }
        }

        return 0;
    }

    public override bool IsShortage(int error) =>
        error is NotEnoughMemory or OutOfMemory or NoSystemResources or CommitmentLimit or NotEnoughQuota;

    private static int Allocate(SystemCall call, void* place, nuint size, uint allocation, uint protection, out void* start)
    {
        start = null;
        if (SystemCallFault.IsDue(call))
        {
            return NotEnoughMemory;
        }

        start = Kernel32.VirtualAlloc(place, size, allocation, protection);
        return ErrorUnless(start is not null);
    }

    private static int Free(SystemCall call, void* start, nuint size, uint freeing) =>
        SystemCallFault.IsDue(call) ? NotEnoughMemory : ErrorUnless(Kernel32.VirtualFree(start, size, freeing) != 0);

    private static int SetProtection(SystemCall call, void* start, nuint size, uint protection) =>
        SystemCallFault.IsDue(call) ? NotEnoughMemory : ErrorUnless(Kernel32.VirtualProtect(start, size, protection, out _) != 0);

    private static int Ask(Kernel32.WorkingSetPage* pages, int count) =>
        SystemCallFault.IsDue(SystemCall.CountResident)
            ? NotEnoughMemory
            : ErrorUnless(Kernel32.K32QueryWorkingSetEx(
                Kernel32.CurrentProcess,
                pages,
                (uint)(count * sizeof(Kernel32.WorkingSetPage))) != 0);

    private static int ErrorUnless(bool success) => success ? 0 : Marshal.GetLastPInvokeError();
}
