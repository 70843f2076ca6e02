using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The searches. Each goes down once, and at most once up and down again. An order that heeds no values finds every one large
/// enough.</summary>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    /// <summary>A place in a leaf. Good until the tree changes or is searched for something else.</summary>
    internal struct Cursor
    {
        internal Node* Leaf;
        internal int Slot;

        public readonly T Key => Leaf->KeyAt[Slot];

        public readonly T Value => Leaf->ValueAt[Slot];

        public readonly uint Item => Leaf->ItemAt[Slot];
    }

    /// <summary>The first entry at or after (key, value) whose value is at least <paramref name="least"/>.</summary>
    public bool TryFindFirst(T key, T value, T least, out Cursor cursor)
    {
        cursor = default;
        if (_root == 0)
        {
            return false;
        }

        int level = DescendWhileLarge(key, value, least, out Node* leaf);
        if (level == 0)
        {
            int slot = FirstLargeIn(leaf, LowerBound(leaf, key, value), least);
            if (slot < (int)leaf->Count)
            {
                cursor = Found(leaf, slot);
                return true;
            }

            level = 1;
        }

        for (; level <= _height; level++)
        {
            Node* node = _path[level].Node;
            int slot = FirstLarge(LargestAt(node), _path[level].Slot + 1, (int)node->Count, least);
            if (slot < (int)node->Count)
            {
                _path[level].Slot = slot;
                cursor = FirstBelow(node->ItemAt[slot], level - 1, least);
                return true;
            }
        }

        return false;
    }

    /// <summary>The first entry of all.</summary>
    public bool TryFindFirst(out Cursor cursor)
    {
        cursor = _root == 0 ? default : FirstBelow(_root, _height, T.Zero);
        return _root != 0;
    }

    /// <summary>The last entry at or before (key, value) whose value is at least <paramref name="least"/>.</summary>
    public bool TryFindLast(T key, T value, T least, out Cursor cursor)
    {
        cursor = default;
        if (_root == 0)
        {
            return false;
        }

        int level = DescendWhileLarge(key, value, least, out Node* leaf);
        if (level == 0)
        {
            int slot = LowerBound(leaf, key, value);
            bool equal = slot < (int)leaf->Count && !TOrder.Less(key, value, leaf->KeyAt[slot], leaf->ValueAt[slot]);
            slot = LastLargeIn(leaf, equal ? slot : slot - 1, least);
            if (slot >= 0)
            {
                cursor = Found(leaf, slot);
                return true;
            }

            level = 1;
        }

        for (; level <= _height; level++)
        {
            Node* node = _path[level].Node;
            int slot = LastLarge(LargestAt(node), _path[level].Slot - 1, least);
            if (slot >= 0)
            {
                _path[level].Slot = slot;
                cursor = LastBelow(node->ItemAt[slot], level - 1, least);
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Goes down the path of (key, value) while something below is large enough. Returns 0 and the leaf; or, above that, the level at which
    /// the path ended.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int DescendWhileLarge(T key, T value, T least, out Node* leaf)
    {
        _foundIn = null;
        leaf = null;
        uint index = _root;
        for (int level = _height; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = ChildOf(node, key, value);
            _path[level].Node = node;
            _path[level].Slot = slot;
            if (TOrder.HeedsValues && LargestAt(node)[slot] < least)
            {
                return level;
            }

            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        leaf = _leaves.At(index);
        return 0;
    }

    /// <summary>The next entry after the cursor whose value is at least <paramref name="least"/>: first in the same leaf, and only then
    /// from the root.</summary>
    public bool TryMoveNext(ref Cursor cursor, T least)
    {
        Node* leaf = cursor.Leaf;
        Invariant.Assert(leaf is not null && (uint)cursor.Slot < leaf->Count, "a cursor that moves is at an entry");
        int slot = FirstLargeIn(leaf, cursor.Slot + 1, least);
        if (slot < (int)leaf->Count)
        {
            cursor.Slot = slot;
            _foundAt = slot;
            return true;
        }

        T key = leaf->KeyAt[leaf->Count - 1];
        T value = leaf->ValueAt[leaf->Count - 1];
        return TOrder.TryAdvance(ref key, ref value) && TryFindFirst(key, value, least, out cursor);
    }

    /// <summary>The last entry before the cursor whose value is at least <paramref name="least"/>. Only for trees ordered by unique
    /// keys.</summary>
    public bool TryMovePrevious(ref Cursor cursor, T least)
    {
        Node* leaf = cursor.Leaf;
        Invariant.Assert(leaf is not null && (uint)cursor.Slot < leaf->Count, "a cursor that moves is at an entry");
        int slot = LastLargeIn(leaf, cursor.Slot - 1, least);
        if (slot >= 0)
        {
            cursor.Slot = slot;
            _foundAt = slot;
            return true;
        }

        T key = leaf->KeyAt[0];
        return !T.IsZero(key) && TryFindLast(key - T.One, T.MaxValue, least, out cursor);
    }

    private Cursor Found(Node* leaf, int slot)
    {
        Invariant.Assert((uint)slot < leaf->Count, "a subtree that has a value so large holds it");
        _foundIn = leaf;
        _foundAt = slot;
        return new Cursor { Leaf = leaf, Slot = slot };
    }

    private Cursor FirstBelow(uint index, int level, T least)
    {
        for (; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = FirstLarge(LargestAt(node), 0, (int)node->Count, least);
            Invariant.Assert((uint)slot < node->Count, "a subtree that has a value so large holds it");
            _path[level].Node = node;
            _path[level].Slot = slot;
            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        Node* leaf = _leaves.At(index);
        return Found(leaf, FirstLargeIn(leaf, 0, least));
    }

    private Cursor LastBelow(uint index, int level, T least)
    {
        for (; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = LastLarge(LargestAt(node), (int)node->Count - 1, least);
            Invariant.Assert(slot >= 0, "a subtree that has a value so large holds it");
            _path[level].Node = node;
            _path[level].Slot = slot;
            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        Node* leaf = _leaves.At(index);
        return Found(leaf, LastLargeIn(leaf, (int)leaf->Count - 1, least));
    }

    /// <summary>The first slot from here on whose value is large enough; the count if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FirstLargeIn(Node* leaf, int from, T least)
    {
        int count = (int)leaf->Count;
        if (!TOrder.HasRooms)
        {
            return FirstLarge(leaf->ValueAt, from, count, least);
        }

        while (from < count && HeededOf(leaf->KeyAt[from], leaf->ValueAt[from]) < least)
        {
            from++;
        }

        return from;
    }

    /// <summary>The last slot up to here whose value is large enough; −1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int LastLargeIn(Node* leaf, int from, T least)
    {
        if (!TOrder.HasRooms)
        {
            return LastLarge(leaf->ValueAt, from, least);
        }

        while (from >= 0 && HeededOf(leaf->KeyAt[from], leaf->ValueAt[from]) < least)
        {
            from--;
        }

        return from;
    }

    /// <summary>The first slot in [from, count) whose value is large enough; count if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FirstLarge(T* values, int from, int count, T least) =>
        TOrder.HeedsValues ? NodeScan.First(NodeScan.AtLeast(values, least), from, count) : from;

    /// <summary>The last slot in [0, from] whose value is large enough; −1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LastLarge(T* values, int from, T least) =>
        TOrder.HeedsValues ? NodeScan.Last(NodeScan.AtLeast(values, least), from) : from;
}
