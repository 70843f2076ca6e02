using System.Runtime.InteropServices;

namespace Vmem.Memory.Heap;

/// <summary>Takes the contents of a block to another one: small ones are copied, of large ones the pages themselves go.</summary>
/// <remarks>
/// <para>
/// A copy of a large block needs its memory twice, and a fault for each new page. Linux can put the pages elsewhere (mremap). The range
/// that they leave stays mapped, and reads as zero: nobody else can map anything there meanwhile.
/// </para>
/// <para>
/// Pages that went are a mapping of their own until they are decommitted, and a range of several mappings does not go at once. So what the
/// system refuses is halved, down to what is quicker copied.
/// </para>
/// <para>
/// Rejected: to grow a mapping where it lies, into other address space if need be, as malloc does. Whose address that is, is the heap's own
/// business, and neighbours lie behind.
/// </para>
/// </remarks>
internal static unsafe class PageMover
{
    /// <summary>Less is copied: some hundred microseconds. Otherwise arbitrary.</summary>
    private const nuint Least = 2 << 20;

    /// <summary>Takes contents from one block to another.</summary>
    /// <param name="from">The block that is freed next. Its contents are lost.</param>
    /// <param name="to">A block that nobody has seen yet.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="mayTakePages">Whether that free cannot fail, but for a mistake of the caller: then its contents would be
    /// missed.</param>
    public static void Move(nuint from, nuint to, nuint size, bool mayTakePages)
    {
        nuint pages = size & ~(VirtualMemory.PageSize - 1);
        bool isAligned = ((from | to) & (VirtualMemory.PageSize - 1)) == 0;
        nuint moved = mayTakePages && isAligned && pages >= Least ? pages : 0;
        if (moved > 0)
        {
            MovePages(from, to, moved);
        }

        NativeMemory.Copy((void*)(from + moved), (void*)(to + moved), size - moved);
    }

    private static void MovePages(nuint from, nuint to, nuint size)
    {
        if (size >= Least && VirtualMemory.TryMove((void*)from, (void*)to, size))
        {
            return;
        }

        if (size < 2 * Least)
        {
            NativeMemory.Copy((void*)from, (void*)to, size);
            return;
        }

        nuint half = size / 2 & ~(Least - 1);
        MovePages(from, to, half);
        MovePages(from + half, to + half, size - half);
    }
}
