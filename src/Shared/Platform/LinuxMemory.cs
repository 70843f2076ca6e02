using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>Linux: mmap, mprotect, madvise, mremap, munmap, mincore. Tested.</summary>
internal sealed unsafe class LinuxMemory : PosixMemory
{
    private const int DontNeed = 4;               // MADV_DONTNEED: private anonymous pages read as zero afterwards
    private const int HugePage = 14;              // MADV_HUGEPAGE
    private const int MoveOver = 1 | 2 | 4;       // MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP: the last one since Linux 5.7
    private const int AddressSpaceLimit = 9;      // RLIMIT_AS, which reserved pages count against, too
    private const string HugePages = "/sys/kernel/mm/transparent_hugepage/";

    private readonly SystemNumber _hugePageSize = new(ReadHugePageSize, otherwise: 0);

    /// <summary>The size of transparent huge pages; 0 where they are switched off or not built in.</summary>
    public override nuint HugePageSize => (nuint)_hugePageSize.Value;

    /// <summary>Kernels for small machines give 39 bits instead of 47, and some 64-bit processes have a limit. Stacks lie near the top,
    /// so the address of a local tells how many bits there are.</summary>
    public override nuint Extent
    {
        get
        {
            nuint* limits = stackalloc nuint[4];
            nuint width = nuint.Min(Highest, nuint.MaxValue >> BitOperations.LeadingZeroCount((nuint)limits));
            return LibC.GetLimit(AddressSpaceLimit, limits) == 0 ? nuint.Min(width, limits[0]) : width;
        }
    }

    /// <summary>What is mapped already counts against a limit. Where that cannot be read, it may be a half.</summary>
    public override nuint Headroom
    {
        get
        {
            nuint* limits = stackalloc nuint[4];
            nuint extent = Extent;
            if (LibC.GetLimit(AddressSpaceLimit, limits) != 0 || limits[0] > extent)
            {
                return extent;
            }

            try
            {
                string pages = File.ReadAllText("/proc/self/statm").Split(' ')[0];
                nuint mapped = nuint.Parse(pages, NumberStyles.None, CultureInfo.InvariantCulture) * PageSize;
                return mapped < extent ? extent - mapped : 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                return extent / 2;
            }
        }
    }

    protected override int Anonymous => 0x20;

    /// <summary>MAP_FIXED_NOREPLACE. Before Linux 4.17 there was no such flag, and it is ignored.</summary>
    protected override int AtPlace => 0x10_0000;

    protected override int LockLimit => 11;

    /// <summary>The system refuses if it would have to cut a mapping in three when there are as many as may be. The memory at least goes
    /// back then.</summary>
    public override int Decommit(void* start, nuint size)
    {
        int error = base.Decommit(start, size);
        if (error != 0)
        {
            _ = Drop(start, size);
        }

        return error;
    }

    public override int AdviseHuge(void* start, nuint size) => Advise(SystemCall.AdviseHuge, start, size, HugePage);

    /// <summary>mremap, which leaves what it moves from mapped and zero. So nobody else can map anything there meanwhile.</summary>
    /// <remarks>
    /// A refused call may have taken away before what was mapped at the new place. Kernels before 6.17 do so where several mappings are to
    /// be moved, which is asked first, and any kernel may for want of its own memory. Then the new place is mapped again. If another thread
    /// has mapped something there within these microseconds, which the mark shows that was left there, the process ends: nothing is right
    /// any more that lies at an address which two believe to be theirs.
    /// </remarks>
    public override bool TryMove(void* from, void* to, nuint size)
    {
        if (SystemCallFault.IsDue(SystemCall.Move) || !IsOneMapping(from, size))
        {
            return false;
        }

        const ulong Mark = 0x6D65_6D56_6874_6976;
        ulong* first = (ulong*)to;
        ulong* last = (ulong*)((byte*)to + size) - 1;
        *first = *last = Mark;                    // what is there is lost in any case
        if (LibC.Move(from, size, size, MoveOver, to) == to)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        bool isThere = IsMapped(to, size);
        if (isThere ? (*first, *last) != (Mark, Mark) : LibC.Map(to, size, ReadWrite, Private | Anonymous | AtPlace, NoFile, 0) != to)
        {
            Environment.FailFast($"Vmem: mremap failed with error {error} and took {size} bytes at 0x{(nuint)to:x} away, where others have mapped something since, or nothing can be mapped again.");
        }

        return false;
    }

    protected override int Drop(void* start, nuint size) => Advise(SystemCall.Discard, start, size, DontNeed);

    /// <summary>Asks for a growth where the mapping lies that is beyond all address space. The refusal says whether the range passes the
    /// mapping's end.</summary>
    private static bool IsOneMapping(void* start, nuint size) =>
        sizeof(nuint) == 8 && (nint)LibC.Move(start, size, size + ((nuint)1 << 46), 0, null) == -1
            && Marshal.GetLastPInvokeError() == OutOfMemory;

    private static long ReadHugePageSize() => File.ReadAllText(HugePages + "enabled").Contains("[never]", StringComparison.Ordinal)
        ? 0
        : long.Parse(File.ReadAllText(HugePages + "hpage_pmd_size"), NumberStyles.Integer, CultureInfo.InvariantCulture);
}
