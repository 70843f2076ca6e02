using System.Runtime.InteropServices;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>Takes the pages of a large block to another one.</summary>
/// <remarks>
/// <para>
/// A copy of a large block needs its memory twice, and a fault for each new page. Linux can put the pages elsewhere (mremap), and if both
/// places lie alike to <see cref="Stride"/>, a table of 512 at a time.
/// </para>
/// <para>
/// Pages that went are a mapping of their own until they are decommitted (<see cref="MovedPages"/>), and a range of several mappings does
/// not go at once. So what the system refuses is halved, down to what is quicker copied.
/// </para>
/// <para>
/// Rejected: to grow a mapping where it lies, into other address space if need be, as malloc does. Whose address that is, is the heap's own
/// business, and neighbours lie behind.
/// </para>
/// </remarks>
internal static unsafe class PageMover
{
    /// <summary>What a table of pages is for: 2 MiB.</summary>
    public const nuint Stride = 2 << 20;

    /// <summary>Moves pages to others that nobody has seen yet. False, and nothing is changed, if none of them went.</summary>
    public static bool TryMove(MovedPages pages, nuint from, nuint to, nuint size)
    {
        if (pages.TryMove(from, to, size))
        {
            return true;
        }

        if (size < 2 * Stride)
        {
            return false;
        }

        nuint half = size / 2 & ~(Stride - 1);
        bool isFirst = TryMove(pages, from, to, half);
        bool isSecond = TryMove(pages, from + half, to + half, size - half);
        if (isFirst != isSecond)
        {
            (nuint at, nuint length) = isFirst ? (half, size - half) : (0, half);
            NativeMemory.Copy((void*)(from + at), (void*)(to + at), length);
        }

        return isFirst || isSecond;
    }
}
