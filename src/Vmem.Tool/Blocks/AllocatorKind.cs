namespace Vmem.Tool.Blocks;

/// <summary>What a recording can be replayed through. One that is added here needs a target, and a case in
/// <see cref="Replay.TargetFactory"/>.</summary>
internal enum AllocatorKind
{
    /// <summary><see cref="Arena{T}"/>: one lane for each policy.</summary>
    Arena,

    /// <summary><see cref="BuddyAllocator{T}"/>.</summary>
    Buddy,

    /// <summary>A <see cref="Memory.MemoryClient"/> for each recording, all of one context.</summary>
    Client,

    /// <summary><see cref="Memory.NativeHeap"/>, its blocks written to, as those of all that follow.</summary>
    Heap,

    /// <summary>The C library's malloc, by <see cref="System.Runtime.InteropServices.NativeMemory"/>.</summary>
    Malloc,

    /// <summary>mimalloc, where it is on the machine.</summary>
    Mimalloc,

    /// <summary>jemalloc, where it is on the machine.</summary>
    Jemalloc,
}

/// <summary>The allocators as the command line and the JSON name them, and as a sentence does.</summary>
internal static class AllocatorNames
{
    public static IReadOnlyList<AllocatorKind> All { get; } = Enum.GetValues<AllocatorKind>();

    public static string NameOf(AllocatorKind allocator) => allocator switch
    {
        AllocatorKind.Arena => "arena",
        AllocatorKind.Buddy => "buddy",
        AllocatorKind.Client => "client",
        AllocatorKind.Heap => "heap",
        AllocatorKind.Malloc => "malloc",
        AllocatorKind.Mimalloc => "mimalloc",
        AllocatorKind.Jemalloc => "jemalloc",
        _ => throw NoSuch(allocator),
    };

    /// <summary>"first fit", "the buddy allocator".</summary>
    /// <param name="allocator">Which.</param>
    /// <param name="lane">The lane's name, which for an arena is the policy's.</param>
    public static string TitleOf(AllocatorKind allocator, string lane) => allocator switch
    {
        AllocatorKind.Arena => $"{lane} fit",
        AllocatorKind.Buddy => "the buddy allocator",
        AllocatorKind.Client => "a client",
        AllocatorKind.Heap => "the heap",
        _ when IsMemory(allocator) => NameOf(allocator),
        _ => throw NoSuch(allocator),
    };

    /// <summary>Whether it is memory that is allocated and written to, not ranges.</summary>
    public static bool IsMemory(AllocatorKind allocator) => allocator >= AllocatorKind.Heap;

    /// <summary>Whether all of a process share it, and no limit can be set.</summary>
    public static bool IsMalloc(AllocatorKind allocator) => allocator >= AllocatorKind.Malloc;

    public static bool TryParse(string name, out AllocatorKind allocator)
    {
        foreach (AllocatorKind candidate in All)
        {
            if (string.Equals(NameOf(candidate), name, StringComparison.OrdinalIgnoreCase))
            {
                allocator = candidate;
                return true;
            }
        }

        allocator = default;
        return false;
    }

    private static ArgumentOutOfRangeException NoSuch(AllocatorKind allocator) => new(nameof(allocator), allocator, "There is no such allocator.");
}
