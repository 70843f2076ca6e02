using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Ranks: the entries in order, each as long as its value, with no gap between them.</summary>
/// <remarks>Every inner node knows the sum of the values below each child. So a rank is found in one way down, and so is the rank at which
/// a key begins. A change adds its difference to one sum in each level.</remarks>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    /// <summary>The sum of all values; 0 also where it is 2^bits, which is all that the type has.</summary>
    public T Total
    {
        get
        {
            Invariant.Assert(_isSummed, "a tree is made for ranks");
            return _root == 0 ? T.Zero : Sum(At(_root, _height), _height);
        }
    }

    /// <summary>The entry that a rank falls into.</summary>
    /// <param name="rank">Less than <see cref="Total"/>, if that is not 0.</param>
    /// <param name="offset">How far into the entry it is.</param>
    public Cursor Select(T rank, out T offset)
    {
        Invariant.Assert(_isSummed && Count > 0 && (rank < Total || T.IsZero(Total)), "a rank is less than the total");
        _foundIn = null;
        uint index = _root;
        for (int level = _height; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = SlotOf(SumAt(node), ref rank);
            _path[level].Node = node;
            _path[level].Slot = slot;
            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        Node* leaf = _leaves.At(index);
        int entry = SlotOf(leaf->ValueAt, ref rank);
        offset = rank;
        return Found(leaf, entry);
    }

    /// <summary>The sum of the values of all entries with lower keys.</summary>
    public T SumBelow(T key)
    {
        Invariant.Assert(_isSummed, "a tree is made for ranks");
        T sum = T.Zero;
        if (_root == 0)
        {
            return sum;
        }

        uint index = _root;
        for (int level = _height; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = ChildOf(node, key, T.Zero);
            sum += Sum(SumAt(node), slot);
            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        Node* leaf = _leaves.At(index);
        return sum + Sum(leaf->ValueAt, LowerBound(leaf, key, T.Zero));
    }

    /// <summary>A value below <c>path[1]</c>'s child became so much larger, modulo 2^bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddToSums(Step* path, T difference)
    {
        for (int level = 1; _isSummed && level <= _height; level++)
        {
            SumAt(path[level].Node)[path[level].Slot] += difference;
        }
    }

    private static T Sum(Node* node, int level) => Sum(level == 0 ? node->ValueAt : SumAt(node), (int)node->Count);

    private static T Sum(T* values, int count)
    {
        T sum = T.Zero;
        for (int slot = 0; slot < count; slot++)
        {
            sum += values[slot];
        }

        return sum;
    }

    private static int SlotOf(T* lengths, ref T rank)
    {
        int slot = 0;
        for (; rank >= lengths[slot]; slot++)
        {
            rank -= lengths[slot];
        }

        return slot;
    }
}
