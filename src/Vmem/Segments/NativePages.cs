namespace Vmem.Segments;

/// <summary>How tables that grow by chunks lie in memory: what is beyond the last page in use has never been touched.</summary>
internal static class NativePages
{
    /// <summary>The usual size of a page; one of another size changes a figure by a little.</summary>
    public const int Size = 4096;

    private const nuint CacheLine = 64;
    private const nuint Given = 16;               // what malloc gives anyway: more would cost a small chunk as much again

    /// <summary>On what a chunk lies: on a cache line, if it is large.</summary>
    public static nuint AlignmentOf(nuint bytes) => bytes < Size ? Given : CacheLine;

    public static long Touched(long used, long allocated) => Math.Min(allocated, (used + (Size - 1)) & -Size);
}
