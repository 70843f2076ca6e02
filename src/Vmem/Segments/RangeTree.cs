using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>How the entries of a <see cref="RangeTree{T, TOrder}"/> are ordered.</summary>
internal interface IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    static abstract bool Less(T key1, T value1, T key2, T value2);

    /// <summary>Which slots of a node are at or after (key, value), and which strictly after it.</summary>
    static abstract unsafe uint NotBefore(T* keys, T* values, T key, T value);

    static abstract unsafe uint After(T* keys, T* values, T key, T value);

    /// <summary>Whether <c>TryFindFirst</c> and <c>TryFindLast</c> heed values; else any value will do.</summary>
    static abstract bool HeedsValues { get; }

    /// <summary>Whether the key of a segment is its start, and the value its size; else it is the other way round.</summary>
    static abstract bool IsByStart { get; }

    /// <summary>Moves to the least entry above (key, value) that the order tells apart from it; false at the very top.</summary>
    static abstract bool TryAdvance(ref T key, ref T value);
}

/// <summary>By start; starts are unique, so that the sizes beside them may change in place.</summary>
internal readonly struct ByKey<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => key1 < key2;

    public static bool HeedsValues => true;

    public static bool IsByStart => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value) => NodeScan.AtLeast(keys, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value) => NodeScan.AtLeast(keys, key) & ~NodeScan.EqualTo(keys, key);

    public static bool TryAdvance(ref T key, ref T value)
    {
        value = T.Zero;
        return !T.IsZero(++key);
    }
}

/// <summary>By size, and among equal sizes by start.</summary>
internal readonly struct ByKeyThenValue<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => (key1 < key2) | ((key1 == key2) & (value1 < value2));

    public static bool HeedsValues => false;

    public static bool IsByStart => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value)
    {
        uint equal = NodeScan.EqualTo(keys, key);
        return NodeScan.AtLeast(keys, key) & ~(equal & ~NodeScan.AtLeast(values, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value)
    {
        uint before = NodeScan.EqualTo(keys, key) & ~(NodeScan.AtLeast(values, value) & ~NodeScan.EqualTo(values, value));
        return NodeScan.AtLeast(keys, key) & ~before;
    }

    public static bool TryAdvance(ref T key, ref T value) => !T.IsZero(++value) || !T.IsZero(++key);
}

/// <summary>An ordered set of (key, value, tag) that finds the first or last entry whose value is large enough: a B+ tree, augmented with
/// the least and the largest value of each subtree.</summary>
/// <remarks>
/// <para>
/// One mechanism serves three indexes. Keyed by start with the size as value it answers first, last and next fit, windows, and which
/// segment holds an address; keyed by size with the start as value it answers best fit, ties to the lowest address, also at or above a
/// given address; and it finds the span of an address. All operations are O(log n), but for the searches within bounds; the search for a
/// large enough value goes down the tree once: it notes on the way the nearest later subtree that surely holds one, and takes that if the
/// path itself ends without.
/// </para>
/// <para>
/// Rejected: a binary tree through the tags (treap, red-black, or the rbtree augmented with the largest gap of Linux' vmalloc): at 10^6
/// segments each of its 20 levels is a cache miss, here it is four or five; and a tag would not fit into 24 bytes any more. Rejected: a
/// trie over the address bits, whose depth is that of the type, not of the contents.
/// </para>
/// <para>
/// A separator is exactly its child's first entry. (A bound below it would serve the search, but an entry may move up in its place, past a
/// separator that is too low.) A node that falls below a half is joined with a neighbour when both fit in three quarters of a node;
/// otherwise it stays, so that no node is split and joined by turns.
/// </para>
/// </remarks>
internal sealed unsafe partial class RangeTree<T, TOrder>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    where TOrder : IRangeOrder<T>
{
    /// <summary>Entries in a node: the bits of a mask. A leaf of 64-bit ranges is 10 cache lines. Other widths were not measured.</summary>
    private const int Width = NodeScan.Width;

    private const int JoinBelow = Width / 2;
    private const int JoinInto = Width * 3 / 4;

    /// <summary>
    /// A height that cannot be reached. A root is split only when it is full, so that the tree grows by a level only with 16 times as many
    /// splits one level below, and 16^12 is above 2^32 many times over; sparse nodes, which the rule for joining allows, do not add height.
    /// </summary>
    private const int MaxHeight = 12;

    [InlineArray(Width)]
    internal struct Slots<TSlot>
    {
        private TSlot _first;
    }

    /// <summary>A leaf, and the head of an inner node. In a leaf <see cref="Items"/> are tags; in an inner node they are children, and keys
    /// and values their separators.</summary>
    internal struct Node
    {
        public uint Count;
        public Slots<T> Keys;
        public Slots<T> Values;
        public Slots<uint> Items;

        public T* KeyAt => (T*)Unsafe.AsPointer(ref Keys);

        public T* ValueAt => (T*)Unsafe.AsPointer(ref Values);

        public uint* ItemAt => (uint*)Unsafe.AsPointer(ref Items);
    }

    internal struct InnerNode
    {
        public Node Head;
        public Slots<T> Largest;                  // of the values below each child
        public Slots<T> Least;
    }

    /// <summary>One step of the path from the root to a leaf.</summary>
    private struct Step
    {
        public Node* Node;
        public int Slot;
    }

    private NodePool<Node> _leaves;
    private NodePool<InnerNode> _inners;
    private uint _root;
    private int _height;                          // levels of inner nodes above the leaves
    private readonly bool _isBounded;             // there are bounds for long searches

    // The path from the root to the leaf of the last search: whoever changes what was just found need not go down again. No leaf: there is
    // no such path.
    private Step* _path = (Step*)NativeMemory.Alloc(MaxHeight + 1, (nuint)sizeof(Step));
    private Node* _foundIn;
    private int _foundAt;

    /// <param name="isBounded">Whether bounds are kept, for <see cref="LeastWithin"/> or <see cref="FirstWithin"/>.</param>
    public RangeTree(bool isBounded = false) => _isBounded = isBounded;

    public long Count { get; private set; }

    public long Bytes => _leaves.Bytes + _inners.Bytes;

    /// <summary>Whether <see cref="Reserve"/> would have nothing to do.</summary>
    /// <param name="insertions">How many insertions.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool HasReserved(uint insertions) => _leaves.Available >= Leaves(insertions) && _inners.Available >= Inners(insertions);

    /// <summary>Makes sure that the next insertions need no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    /// <param name="insertions">How many insertions.</param>
    public void Reserve(uint insertions)
    {
        while (_leaves.Available < Leaves(insertions))
        {
            _leaves.Grow();
        }

        while (_inners.Available < Inners(insertions))
        {
            _inners.Grow();
        }
    }

    public void Release()
    {
        _leaves.Release();
        _inners.Release();
        NativeMemory.Free(_path);
        _path = null;
        _root = 0;
        _height = 0;
        Count = 0;
    }

    /// <summary>One leaf takes the first entries; after that each insertion may split a leaf and every inner node above it, and add a
    /// root.</summary>
    private uint Leaves(uint insertions) => !IsOneLeaf(insertions) ? insertions : _root == 0 ? 1u : 0;

    private uint Inners(uint insertions) => IsOneLeaf(insertions) ? 0 : insertions * (uint)(_height + 2);

    private bool IsOneLeaf(uint insertions) => _height == 0 && Count + insertions <= Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Node* At(uint index, int level) => level == 0 ? _leaves.At(index) : (Node*)_inners.At(index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* LargestAt(Node* inner) => (T*)Unsafe.AsPointer(ref ((InnerNode*)inner)->Largest);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* LeastAt(Node* inner) => (T*)Unsafe.AsPointer(ref ((InnerNode*)inner)->Least);

    /// <summary>How many entries of the node come before (key, value).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LowerBound(Node* node, T key, T value) =>
        NodeScan.First(TOrder.NotBefore(node->KeyAt, node->ValueAt, key, value), 0, (int)node->Count);

    /// <summary>The child under which (key, value) belongs: the last whose separator is not above it, or the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ChildOf(Node* node, T key, T value)
    {
        int after = NodeScan.First(TOrder.After(node->KeyAt, node->ValueAt, key, value), 0, (int)node->Count);
        return after - (after > 0 ? 1 : 0);
    }

    /// <summary>The path from the root to the leaf where (key, value) belongs; returns the leaf.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Node* Descend(T key, T value)
    {
        Step* path = _path;
        _foundIn = null;
        uint index = _root;
        for (int level = _height; level > 0; level--)
        {
            StepCounter.Count();
            Node* node = (Node*)_inners.At(index);
            int slot = ChildOf(node, key, value);
            path[level].Node = node;
            path[level].Slot = slot;
            index = node->ItemAt[slot];
        }

        StepCounter.Count();
        return _leaves.At(index);
    }

    /// <summary>The leaf and the slot of an entry that is there: as the last search left them if that found it, else by going
    /// down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Node* Locate(T key, T value, out int slot)
    {
        Node* leaf = _foundIn;
        slot = _foundAt;
        if (leaf == null || leaf->KeyAt[slot] != key || leaf->ValueAt[slot] != value)
        {
            leaf = Descend(key, value);
            slot = LowerBound(leaf, key, value);
            Expect(slot < (int)leaf->Count && leaf->KeyAt[slot] == key, key);
        }

        _foundIn = null;
        return leaf;
    }

    private static void Expect(bool found, T key)
    {
        if (!found)
        {
            throw new InvariantViolationException("every free segment and span is in its index", $"Nothing with key {key} was found.");
        }
    }
}
