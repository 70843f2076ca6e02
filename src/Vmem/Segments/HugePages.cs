using System.Runtime.InteropServices;

namespace Vmem.Segments;

/// <summary>Asks Linux to back large tables with huge pages.</summary>
/// <remarks>
/// A table of a million boundary tags spans thousands of 4 KiB pages and is read at random, so that nearly every cache miss is a TLB miss too.
/// It is advice: where it is not heeded (another system, a kernel without huge pages) everything works, only slower.
/// </remarks>
internal static unsafe partial class HugePages
{
    private const nuint PageSize = 2 * 1024 * 1024;
    private const int AdviseHugePage = 14;        // MADV_HUGEPAGE of linux/mman.h, the same on every architecture .NET runs on

    /// <summary>A block of this many bytes or more is worth a huge page: two of them, so that at least half of what a huge page adds is soon used.</summary>
    private const nuint Worthwhile = 2 * PageSize;

    private static bool s_unavailable = !OperatingSystem.IsLinux();

    public static nuint Alignment(nuint bytes, nuint otherwise) => bytes >= Worthwhile ? PageSize : otherwise;

    public static void Advise(void* block, nuint bytes)
    {
        if (bytes < Worthwhile || s_unavailable)
        {
            return;
        }

        try
        {
            _ = MemoryAdvise(block, bytes, AdviseHugePage);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            s_unavailable = true;
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
