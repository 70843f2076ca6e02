namespace Vmem.Tool.Replay;

/// <summary>What a recording can be replayed through. One that is added here needs a target, and a case in
/// <see cref="TargetFactory"/>.</summary>
internal enum AllocatorKind
{
    /// <summary><see cref="Arena{T}"/>: one lane for each policy.</summary>
    Arena,

    /// <summary><see cref="BuddyAllocator{T}"/>.</summary>
    Buddy,

    /// <summary>A <see cref="Memory.MemoryClient"/> for each recording, all of one context.</summary>
    Client,
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
        _ => throw NoSuch(allocator),
    };

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
