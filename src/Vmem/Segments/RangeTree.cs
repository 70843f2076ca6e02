using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>An ordered set of (key, value, tag) that finds the first or last entry whose value is large enough: a B+ tree, augmented with
/// the least and the largest value of each subtree.</summary>
/// <remarks>
/// <para>
/// One mechanism serves three indexes. Keyed by start with the size as value it answers first, last and next fit, windows, and which
/// segment holds an address; keyed by size with the start as value it answers best fit, ties to the lowest address, also at or above a
/// given address; so it does for an alignment, with the room for an aligned range as what searches heed; and it finds the span of an
/// address. All operations are O(log n), but for the searches within bounds; the search for a
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
internal sealed unsafe partial class RangeTree<T, TOrder> : IReleasable
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
        public Slots<T> Sums;
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
    private int _tallest;                         // of the other trees that share the nodes
    private long _most;                           // entries of one of these
    private readonly bool _isBounded;             // there are bounds for long searches
    private readonly bool _isSummed;              // there are sums for ranks
    private readonly bool _isShared;              // there may be other trees
    private readonly Alignment<T> _alignment;     // that rooms are for

    // The path from the root to the leaf of the last search: whoever changes what was just found need not go down again. No leaf: there is
    // no such path.
    private Step* _path = (Step*)NativeMemory.Alloc(MaxHeight + 1, (nuint)sizeof(Step));
    private Node* _foundIn;
    private int _foundAt;

    /// <param name="extras">What inner nodes know beside the largest values.</param>
    /// <param name="isShared">Whether there are several trees: see <see cref="Selected"/>.</param>
    /// <param name="alignment">What rooms are for, in an order that has them.</param>
    public RangeTree(TreeExtras extras = TreeExtras.None, bool isShared = false, in Alignment<T> alignment = default)
    {
        Invariant.Assert(!isShared || (extras & TreeExtras.Sums) == 0, "trees that share their nodes have no ranks");
        _isBounded = (extras & TreeExtras.Bounds) != 0;
        _isSummed = (extras & TreeExtras.Sums) != 0;
        _isShared = isShared;
        _alignment = alignment;
    }

    /// <summary>All that makes one tree of the nodes, in eight bytes.</summary>
    internal readonly struct Contents(uint root, int height, uint count)
    {
        private const int HeightShift = 28;       // a tree of 2^30 entries has fewer nodes, and is lower than 16

        private readonly uint _root = root | (uint)height << HeightShift;

        public uint Root => _root & ((1u << HeightShift) - 1);

        public int Height => (int)(_root >> HeightShift);

        public uint Count => count;

        public bool IsTree => _root != 0;
    }

    /// <summary>The tree that is searched and changed. Several may share the storage of their nodes.</summary>
    public Contents Selected
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_root, _height, (uint)Count);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set
        {
            Invariant.Assert(_isShared, "only trees that share their nodes are selected");
            _tallest = Math.Max(_tallest, _height);
            _most = Math.Max(_most, Count);
            _foundIn = null;
            _root = value.Root;
            _height = value.Height;
            Count = value.Count;
        }
    }

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
        _tallest = 0;
        _most = 0;
        Count = 0;
    }

    /// <summary>One leaf takes the first entries of a tree; after that each insertion may split a leaf and every inner node above it, and
    /// add a root.</summary>
    private uint Leaves(uint insertions) => _isShared || !IsOneLeaf(insertions) ? insertions : _root == 0 ? 1u : 0;

    private uint Inners(uint insertions) => IsOneLeaf(insertions) ? 0 : insertions * (uint)(Math.Max(_height, _tallest) + 2);

    private bool IsOneLeaf(uint insertions) => (_height | _tallest) == 0 && Math.Max(Count, _most) + insertions <= Width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Node* At(uint index, int level) => level == 0 ? _leaves.At(index) : (Node*)_inners.At(index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* LargestAt(Node* inner) => (T*)Unsafe.AsPointer(ref ((InnerNode*)inner)->Largest);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* LeastAt(Node* inner) => (T*)Unsafe.AsPointer(ref ((InnerNode*)inner)->Least);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* SumAt(Node* inner) => (T*)Unsafe.AsPointer(ref ((InnerNode*)inner)->Sums);

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
        if (leaf == null || leaf->KeyAt[slot] != key || (TOrder.HasValues && leaf->ValueAt[slot] != value))
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
