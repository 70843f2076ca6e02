using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Buddy;

/// <summary>Where the groups of one level lie among the tree's words, and the marks that find free blocks in them.</summary>
/// <remarks>
/// <para>
/// The groups lie in pairs of three words: A of the even one, A of the odd one, and F of both (see <see cref="BuddyGroup"/>).
/// </para>
/// <para>
/// The marks are a tree of nodes, 64-fold like everything here. A node has a word for each of the level's six orders, and a bit for each
/// child. The children of row 0 are groups, those of a higher row the nodes of the row below; the topmost row is one node.
/// </para>
/// </remarks>
internal struct BuddyLevel
{
    /// <summary>The words of a node: one for each order.</summary>
    public const int NodeWords = BuddyGroup.Orders;

    /// <summary>The words of a pair of groups.</summary>
    public const int PairWords = 3;

    /// <summary>Enough for 64^6 groups, which are more than an array has words.</summary>
    public const int MaxRows = 6;

    /// <summary>How many groups there are.</summary>
    public long GroupCount;

    /// <summary>The first word of the first pair.</summary>
    public int FirstPair;

    /// <summary>How many rows of nodes.</summary>
    public int RowCount;

    /// <summary>The first word of each row.</summary>
    public Rows FirstNode;

    [InlineArray(MaxRows)]
    public struct Rows
    {
        private int _first;
    }

    /// <summary>Lays out the level of a tree from a word on; returns the word behind it, as a <c>long</c>, because it may be too
    /// far.</summary>
    public static long LayOut(long units, int level, long word, out BuddyLevel layout)
    {
        layout = default;
        layout.GroupCount = ((units - 1) >> (BuddyGroup.Orders * (level + 1))) + 1;
        layout.FirstPair = unchecked((int)word);
        word += (layout.GroupCount + 1) / 2 * PairWords;
        long children = layout.GroupCount;
        do
        {
            children = ((children - 1) / BuddyGroup.Cells) + 1;
            layout.FirstNode[layout.RowCount++] = unchecked((int)word);
            word += children * NodeWords;
        }
        while (children > 1);
        return word;
    }

    /// <summary>The word A of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly nint WordA(long group) => FirstPair + (nint)(group >> 1) * PairWords + (nint)(group & 1);

    /// <summary>The word F of a group, shared with its neighbour.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly nint WordF(long group) => FirstPair + (nint)(group >> 1) * PairWords + 2;

    /// <summary>The first word of a node.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly nint Node(int row, long node) => FirstNode[row] + (nint)node * NodeWords;
}
