namespace Vmem.Platform;

/// <summary>macOS and its relatives: mmap, mprotect, munmap, mincore. Written against the documentation; not tested.</summary>
/// <remarks>
/// Dropping contents maps fresh pages over the old. Rejected: madvise. There MADV_DONTNEED keeps the contents, and after MADV_FREE and
/// MADV_FREE_REUSABLE a page may read as zero or as before, as the system pleases: good for a cache of contents that nobody needs, but not
/// for a page that must read as zero. What a remapping loses against MADV_FREE_REUSABLE is the page that would still have been there.
/// </remarks>
internal sealed unsafe class DarwinMemory : PosixMemory
{
    private const int NotSupported = 45;          // ENOTSUP

    protected override int Anonymous => 0x1000;

    protected override int AtPlace => 0;

    protected override int LockLimit => 35;

    /// <summary>Superpages there are on Intel only, and they must be asked for when the mapping is made.</summary>
    public override int AdviseHuge(void* start, nuint size) => NotSupported;

    protected override int Drop(void* start, nuint size) => Map(SystemCall.Discard, start, size, ReadWrite, Fixed, out _);
}
