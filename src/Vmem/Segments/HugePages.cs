namespace Vmem.Segments;

/// <summary>Large tables lie on huge pages, where the system lets a program ask for them: on Linux.</summary>
/// <remarks>
/// In an arena of a million segments each access to a table misses the TLB, too. Small arenas have none of it. What it may cost is memory:
/// the last page of a table is 2 MiB that may be used in part, of at least <see cref="Least"/>. The system may have no such
/// pages, or none to spare; then all is as without.
/// </remarks>
internal static unsafe class HugePages
{
    /// <summary>The size of chunks from which on huge pages are asked for. Arbitrary: two of them.</summary>
    public const nuint Least = 2 * Size;

    /// <summary>Of a huge page on x64, and on Arm with the usual small ones. Where they are larger nothing is won.</summary>
    public const nuint Size = 2 << 20;

    /// <summary>Asks for them, if it is worth it. Does not fail.</summary>
    public static void AskFor(void* chunk, nuint bytes)
    {
        if (bytes >= Least)
        {
            _ = NativePages.MemorySystem?.AdviseHuge(chunk, bytes);
        }
    }
}
