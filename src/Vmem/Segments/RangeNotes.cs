using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>What the callers of an arena have said about a live range.</summary>
/// <param name="Tag">Whatever they like.</param>
/// <param name="Kind">0: none. Ranges of different kinds share no page: see <see cref="ArenaOptions{T}.KindGranularity"/>.</param>
internal readonly record struct RangeNote(ulong Tag, int Kind);

/// <summary>The notes of an arena's live ranges, by the numbers of their boundary tags.</summary>
/// <remarks>
/// An arena has them only if its options ask for them: a boundary tag is not longer for those who need none. They come in blocks of one
/// size, so that no growth copies any; a tag's note counts only while its segment is allocated. As the numbers of tags are known here, a
/// trim leaves tags where they are.
/// </remarks>
internal sealed class RangeNotes
{
    private const int BlockLength = 512;          // arbitrary: 8 KiB
    private RangeNote[][] _blocks = [];
    private uint _count;                          // blocks that there are

    public long Bytes => (_blocks.LongLength * IntPtr.Size) + (_count * (long)BlockLength * Unsafe.SizeOf<RangeNote>());

    /// <summary>The note of a tag that there is room for: of every live segment's.</summary>
    public ref RangeNote this[uint tag] => ref _blocks[tag / BlockLength][tag % BlockLength];

    /// <summary>Makes room for the notes of tags up to some more than so many: an operation takes
    /// <see cref="TagPool{T}.MostTaken"/>.</summary>
    public void Reserve(uint tags, uint more)
    {
        uint needed = ((tags + more) / BlockLength) + 1;
        if (needed > _blocks.Length)
        {
            Array.Resize(ref _blocks, (int)Math.Max(needed, (uint)_blocks.Length * 2));
        }

        for (; _count < needed; _count++)
        {
            GrowthFault.ThrowIfDue();
            _blocks[_count] = new RangeNote[BlockLength];
        }
    }
}
