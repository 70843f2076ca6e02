using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>The functions of Windows (memoryapi.h, sysinfoapi.h, psapi.h). All arguments are blittable.</summary>
internal static unsafe partial class Kernel32
{
    private const string Library = "kernel32";

    /// <summary>What GetCurrentProcess returns: a constant that stands for the calling process.</summary>
    public const nint CurrentProcess = -1;

    [LibraryImport(Library, SetLastError = true)]
    public static partial void* VirtualAlloc(void* start, nuint size, uint allocation, uint protection);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int VirtualFree(void* start, nuint size, uint freeing);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int VirtualProtect(void* start, nuint size, uint protection, out uint old);

    [LibraryImport(Library)]
    public static partial void GetSystemInfo(out SystemInfo info);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int K32QueryWorkingSetEx(nint process, WorkingSetPage* pages, uint bytes);

    /// <summary>SYSTEM_INFO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SystemInfo
    {
        public uint Processor;
        public uint PageSize;
        public nuint MinimumApplicationAddress;
        public nuint MaximumApplicationAddress;
        public nuint ActiveProcessors;
        public uint ProcessorCount;
        public uint ProcessorType;
        public uint AllocationGranularity;
        public ushort ProcessorLevel;
        public ushort ProcessorRevision;
    }

    /// <summary>PSAPI_WORKING_SET_EX_INFORMATION: bit 0 of the attributes says whether the page is in the working set.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WorkingSetPage
    {
        public nuint Address;
        public nuint Attributes;
    }
}
