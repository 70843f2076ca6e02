namespace Vmem.Platform;

/// <summary>What the system is asked for. Named by purpose, not by function, so that a test that makes the third commit fail means the same
/// on every system.</summary>
internal enum SystemCall
{
    /// <summary>mmap; VirtualAlloc(MEM_RESERVE).</summary>
    Reserve,

    /// <summary>mprotect to read and write; VirtualAlloc(MEM_COMMIT).</summary>
    Commit,

    /// <summary>mmap over what is there; VirtualFree(MEM_DECOMMIT).</summary>
    Decommit,

    /// <summary>madvise(MADV_DONTNEED) on Linux, mmap over what is there on macOS. Windows has no such call: there it is a
    /// <see cref="Decommit"/> and a <see cref="Commit"/>.</summary>
    Discard,

    /// <summary>mprotect to no access; VirtualProtect.</summary>
    Protect,

    /// <summary>mprotect to read and write; VirtualProtect.</summary>
    Unprotect,

    /// <summary>madvise(MADV_HUGEPAGE).</summary>
    AdviseHuge,

    /// <summary>mremap, on Linux only.</summary>
    Move,

    /// <summary>munmap, also of the ends of a reservation that was made too long on purpose; VirtualFree(MEM_RELEASE).</summary>
    Release,

    /// <summary>mincore; QueryWorkingSetEx.</summary>
    CountResident,
}
