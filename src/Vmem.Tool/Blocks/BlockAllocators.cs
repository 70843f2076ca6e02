using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Blocks;

/// <summary>Makes them, as far as they are on this machine. A library stays loaded: what it handed out might be in use.</summary>
internal static class BlockAllocators
{
    private static readonly Dictionary<AllocatorKind, string[]> s_libraries = new()
    {
        [AllocatorKind.Mimalloc] = ["libmimalloc.so.2", "mimalloc"],
        [AllocatorKind.Jemalloc] = ["libjemalloc.so.2", "jemalloc"],
    };

    /// <summary>The file to be loaded before a program for it to use the allocator; null if it is no library's.</summary>
    public static string? LibraryOf(AllocatorKind kind) => s_libraries.TryGetValue(kind, out string[]? files) ? files[0] : null;

    /// <summary>Why an allocator cannot be had, in a sentence; null if it can.</summary>
    public static string? WhyAbsent(AllocatorKind kind)
    {
        if (TryCreate(kind, limit: null, out BlockAllocator? allocator))
        {
            allocator.Dispose();
            return null;
        }

        string tried = s_libraries.TryGetValue(kind, out string[]? files) ? string.Join(", ", files) : "the C library's function for the size of a block";
        string hint = kind == AllocatorKind.Jemalloc ? "; with glibc it loads only if GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384 is set" : string.Empty;
        return $"{AllocatorNames.NameOf(kind)} is not on this machine, or its loader refused it ({tried} {(files is null ? "was" : "were")} tried{hint})";
    }

    /// <exception cref="PlatformNotSupportedException">It is not on this machine: <see cref="WhyAbsent"/> says why.</exception>
    public static BlockAllocator Create(AllocatorKind kind, ulong? limit)
        => TryCreate(kind, limit, out BlockAllocator? allocator) ? allocator : throw new PlatformNotSupportedException($"{AllocatorNames.NameOf(kind)} is not on this machine.");

    /// <param name="kind">One of those with real memory.</param>
    /// <param name="limit">For a heap.</param>
    /// <param name="allocator">The allocator.</param>
    public static bool TryCreate(AllocatorKind kind, ulong? limit, [NotNullWhen(true)] out BlockAllocator? allocator)
    {
        allocator = kind switch
        {
            AllocatorKind.Heap => new HeapAllocator(limit),
            AllocatorKind.Malloc => TryFindSizeOf(out nint sizeOf) ? new CAllocator(sizeOf) : null,
            AllocatorKind.Mimalloc => TryLoad(kind, out nint library) ? Find(kind, library, "mi_", "usable_size") : null,
            AllocatorKind.Jemalloc => TryLoad(kind, out nint library) ? Find(kind, library, "je_", "malloc_usable_size") ?? FindPlain(kind, library) : null,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "It hands out no memory."),
        };
        return allocator is not null;
    }

    private static LibraryAllocator? Find(AllocatorKind kind, nint library, string prefix, string sizeOf)
        => NativeLibrary.TryGetExport(library, prefix + "malloc", out nint allocate)
            && NativeLibrary.TryGetExport(library, prefix + "free", out nint free)
            && NativeLibrary.TryGetExport(library, prefix + sizeOf, out nint size)
            ? new LibraryAllocator(kind, allocate, free, size)
            : null;

    // Built to replace malloc, it has the plain names; mallctl is its own alone, and says that they are not the C library's.
    private static LibraryAllocator? FindPlain(AllocatorKind kind, nint library)
        => NativeLibrary.TryGetExport(library, "mallctl", out _) ? Find(kind, library, string.Empty, "malloc_usable_size") : null;

    private static bool TryFindSizeOf(out nint sizeOf)
    {
        // Through the program itself: so it is that of the malloc in use, were it replaced when the program was started.
        nint library = OperatingSystem.IsWindows() ? NativeLibrary.Load("ucrtbase") : NativeLibrary.GetMainProgramHandle();
        string name = OperatingSystem.IsWindows() ? "_msize" : OperatingSystem.IsMacOS() ? "malloc_size" : "malloc_usable_size";
        return NativeLibrary.TryGetExport(library, name, out sizeOf);
    }

    private static bool TryLoad(AllocatorKind kind, out nint library)
    {
        foreach (string file in s_libraries[kind])
        {
            if (NativeLibrary.TryLoad(file, typeof(BlockAllocators).Assembly, searchPath: null, out library))
            {
                return true;
            }
        }

        library = 0;
        return false;
    }
}
