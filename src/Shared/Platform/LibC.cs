using System.Runtime.InteropServices;

namespace Vmem.Platform;

/// <summary>The functions of POSIX and their common relatives, as Linux and macOS have them. All arguments are blittable: no marshalling
/// code but for the error number.</summary>
/// <remarks>The runtime resolves <c>libc</c> to the right file for glibc, musl and macOS alike. off_t is as wide as a pointer on every
/// 64-bit system.</remarks>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* start, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* start, nuint length);

    [LibraryImport(Library, EntryPoint = "mprotect", SetLastError = true)]
    public static partial int SetProtection(void* start, nuint length, int protection);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(void* start, nuint length, int advice);

    /// <summary>Linux only.</summary>
    [LibraryImport(Library, EntryPoint = "mremap", SetLastError = true)]
    public static partial void* Move(void* start, nuint length, nuint newLength, int flags, void* place);

    [LibraryImport(Library, EntryPoint = "msync", SetLastError = true)]
    public static partial int Synchronize(void* start, nuint length, int flags);

    /// <summary>Two numbers as long as a pointer, the limit and how far it may be raised. On 32 bits some systems write twice as
    /// much.</summary>
    [LibraryImport(Library, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, nuint* limits);

    [LibraryImport(Library, EntryPoint = "mincore", SetLastError = true)]
    public static partial int GetResidency(void* start, nuint length, byte* pages);
}
