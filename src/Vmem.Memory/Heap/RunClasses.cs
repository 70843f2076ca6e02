using System.Numerics;

namespace Vmem.Memory.Heap;

/// <summary>The lengths that page runs come in: large blocks of at most 1 MiB, which threads keep in magazines.</summary>
/// <remarks>Each power of two is followed by eight lengths, an eighth of it apart: whole pages, as 32 KiB have eight. A run is longer than
/// what was asked for by less than a ninth of itself; nothing touches what is too much. Rejected: sixteen, which waste half as much, but a
/// thread that asks for many sizes would keep twice as many runs.</remarks>
internal static class RunClasses
{
    /// <summary>The longest.</summary>
    public const nuint Largest = 1 << LargestShift;

    public const int Count = Steps * (LargestShift - LeastShift);

    private const int Steps = 8;
    private const int LeastShift = 15;            // above small blocks
    private const int LargestShift = 20;

    // What a magazine holds of runs that are shorter: arbitrary. Of longer ones it holds one.
    private const nuint MagazineBytes = 256 << 10;
    private const int MostRounds = 4;

    /// <summary>False where a page is more than an eighth of the shortest run.</summary>
    public static bool HasWholePages => HeapSpace.PageSize <= (1 << LeastShift) / Steps;

    /// <summary>True if runs serve a size.</summary>
    public static bool Contains(nuint size) => size - SizeClasses.Largest - 1 < Largest - SizeClasses.Largest;

    /// <summary>The class of a size, from 0.</summary>
    public static int Of(nuint size)
    {
        int power = BitOperations.Log2(size - 1);
        return ((power - LeastShift) * Steps) + (int)((size - 1 - ((nuint)1 << power)) >> (power - 3));
    }

    public static nuint SizeOf(int runClass)
    {
        int power = LeastShift + (runClass / Steps);
        return ((nuint)1 << power) + ((nuint)((runClass % Steps) + 1) << (power - 3));
    }

    /// <summary>What a thread keeps of a class.</summary>
    public static int Rounds(int runClass) => Math.Clamp((int)(MagazineBytes / SizeOf(runClass)), 1, MostRounds);
}
