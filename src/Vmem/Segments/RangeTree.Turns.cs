using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Searches by key and value at once. They may be long, so each goes on by turns of so many nodes.</summary>
/// <remarks>
/// <para>
/// Both go through the tree in order and leave out what the bounds of a subtree rule out. <see cref="FirstWithin"/> looks for the first
/// entry whose value lies in a range. It is short unless many subtrees have values on both sides of the range and none in it.
/// <see cref="LeastWithin"/> looks for the least value above a floor, among the keys of a range. A subtree that lies in the range, and
/// whose values are all above the floor, is answered by its bounds. So it is short unless many subtrees have values on both sides of the
/// floor.
/// </para>
/// <para>
/// Rejected: a range tree, which keeps the keys of each subtree in a second tree and takes O(log² n) whatever comes. Every change would
/// update as many more trees as this one has levels, and a search would still take hundreds of steps: one for each of up to 31 children a
/// level, in each level of the second tree. These visit one node for some 27 entries at worst.
/// </para>
/// </remarks>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    /// <summary>The first entry at or after (key, value) whose value lies in [low, high]. A tree without bounds rules no subtree
    /// out.</summary>
    internal struct FirstWithin(T key, T value, T low, T high)
    {
        internal T Key = key;                     // where it goes on
        internal T Value = value;

        internal readonly T Low => low;

        internal readonly T High => high;

        /// <summary>Whether there is one. Known when the search has come to its end.</summary>
        public bool IsFound { get; internal set; }

        /// <summary>Where it is.</summary>
        public Cursor Found { get; internal set; }
    }

    /// <summary>Among the entries with keys in [from, to], the first by (value, key) at or after (floor, after). Only for trees ordered by
    /// unique keys.</summary>
    /// <remarks>The keys below <c>after</c> come first, with the floor one higher, and the others then: so equal values come out at the
    /// lowest key.</remarks>
    internal struct LeastWithin
    {
        private readonly T _after;
        private readonly T _to;
        private readonly T _floor;
        internal T From;                          // where it goes on
        internal T To;
        internal T Floor;
        internal uint Subtree;                    // what holds the least value; 0: the entry is known
        internal int Level;

        public LeastWithin(T from, T to, T floor, T after)
        {
            (_after, _to, _floor) = (T.Max(from, after), to, floor);
            bool isBelow = from < after && floor != T.MaxValue;
            (From, To, Floor) = isBelow ? (from, T.Min(to, after - T.One), floor + T.One) : (_after, to, floor);
        }

        /// <summary>Whether there is one. This and what it is are known when the search has come to its end.</summary>
        public bool IsFound { get; private set; }

        public T Key { get; private set; }

        public T Value { get; private set; }

        public uint Item { get; private set; }

        /// <summary>Whether a value not below this one, nor below the floor, would be too large.</summary>
        internal readonly bool IsTooLarge(T value) => IsFound && Value <= T.Max(value, Floor);

        internal void Note(T value, uint subtree, int level) => (IsFound, Value, Subtree, Level) = (true, value, subtree, level);

        internal void Note(T key, T value, uint item) => (IsFound, Key, Value, Item, Subtree) = (true, key, value, item, 0);

        /// <summary>Goes from the keys below <c>after</c> to the others.</summary>
        internal bool TryGoOn()
        {
            bool isMore = To < _to;
            (From, To, Floor) = (_after, _to, _floor);
            return isMore;
        }
    }

    /// <summary>Goes on with a search for this many nodes.</summary>
    /// <returns>Whether it has come to its end.</returns>
    public bool TryFinish(ref FirstWithin search, int nodes)
    {
        _foundIn = null;
        return _root == 0 || IsWithout(_root, _height, isPath: true, ref search, ref nodes) || search.IsFound;
    }

    /// <summary>Goes on with a search for this many nodes.</summary>
    /// <returns>Whether it has come to its end.</returns>
    public bool TryFinish(ref LeastWithin search, int nodes)
    {
        Invariant.Assert(_isBounded, "a search for the least value needs least values");
        _foundIn = null;
        while (_root != 0 && search.From <= search.To)
        {
            if (!IsSearched(_root, _height, isFrom: true, isTo: true, ref search, ref nodes))
            {
                return false;
            }

            if (!search.TryGoOn())
            {
                break;
            }
        }

        if (search.IsFound && search.Subtree != 0)
        {
            Resolve(ref search);
        }

        return true;
    }

    /// <summary>Searches a subtree.</summary>
    /// <param name="index">Its root.</param>
    /// <param name="level">The level of that.</param>
    /// <param name="isPath">Whether it has entries before those that are searched.</param>
    /// <param name="search">The search.</param>
    /// <param name="nodes">How many nodes it may still visit. A node is visited together with its leaves.</param>
    /// <returns>False if it found an entry, or ran out of nodes.</returns>
    private bool IsWithout(uint index, int level, bool isPath, ref FirstWithin search, ref int nodes)
    {
        nodes--;
        StepCounter.Count();
        Node* node = At(index, level);
        int count = (int)node->Count;
        if (level == 0)
        {
            int from = isPath ? LowerBound(node, search.Key, search.Value) : 0;
            int entry = NodeScan.First(NodeScan.Within(node->ValueAt, node->ValueAt, search.Low, search.High), from, count);
            if (entry < count)
            {
                search.IsFound = true;
                search.Found = Found(node, entry);
            }

            return entry == count;
        }

        int path = isPath ? ChildOf(node, search.Key, search.Value) : -1;
        uint overlaps = level == 1 || !_isBounded
            ? uint.MaxValue
            : NodeScan.Within(LeastAt(node), LargestAt(node), search.Low, search.High);
        for (int slot = NodeScan.First(overlaps, Math.Max(path, 0), count); slot < count; slot = NodeScan.First(overlaps, slot + 1, count))
        {
            _path[level].Node = node;
            _path[level].Slot = slot;
            if (slot != path && level > 1)
            {
                (search.Key, search.Value) = (node->KeyAt[slot], node->ValueAt[slot]);
                if (nodes <= 0)
                {
                    return false;
                }
            }

            if (!IsWithout(node->ItemAt[slot], level - 1, slot == path, ref search, ref nodes))
            {
                return false;
            }

            if (_isBounded && slot != path && level > 1)
            {
                SetBounds(node, slot, At(node->ItemAt[slot], level - 1), level - 1);
            }
        }

        return true;
    }

    /// <summary>Searches a subtree.</summary>
    /// <param name="index">Its root.</param>
    /// <param name="level">The level of that.</param>
    /// <param name="isFrom">Whether it may have keys below those that are searched.</param>
    /// <param name="isTo">Whether it may have keys above them.</param>
    /// <param name="search">The search.</param>
    /// <param name="nodes">How many nodes it may still visit. A node is visited together with its leaves.</param>
    /// <returns>False if it ran out of nodes.</returns>
    private bool IsSearched(uint index, int level, bool isFrom, bool isTo, ref LeastWithin search, ref int nodes)
    {
        nodes--;
        StepCounter.Count();
        Node* node = At(index, level);
        uint highEnough = NodeScan.AtLeast(level == 0 ? node->ValueAt : LargestAt(node), search.Floor);
        int first = !isFrom ? 0 : level == 0 ? LowerBound(node, search.From, T.Zero) : ChildOf(node, search.From, T.Zero);
        int end = (int)node->Count;
        end = isTo ? NodeScan.First(TOrder.After(node->KeyAt, node->ValueAt, search.To, T.Zero), 0, end) : end;
        for (int slot = NodeScan.First(highEnough, first, end); slot < end; slot = NodeScan.First(highEnough, slot + 1, end))
        {
            bool isFirst = isFrom && slot == first;
            bool isLast = isTo && slot == end - 1;
            T least = level == 0 ? node->ValueAt[slot] : level == 1 ? T.Zero : LeastAt(node)[slot];
            if (search.IsTooLarge(least))
            {
                continue;
            }

            if (level == 0)
            {
                search.Note(node->KeyAt[slot], least, node->ItemAt[slot]);
            }
            else if (level > 1 && least >= search.Floor && !isLast && !(isFirst && node->KeyAt[slot] < search.From))
            {
                search.Note(least, node->ItemAt[slot], level - 1);
            }
            else
            {
                search.From = level > 1 ? T.Max(search.From, node->KeyAt[slot]) : search.From;
                if ((level > 1 && nodes <= 0) || !IsSearched(node->ItemAt[slot], level - 1, isFirst, isLast, ref search, ref nodes))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Goes down to the first entry of the subtree with its least value.</summary>
    private void Resolve(ref LeastWithin search)
    {
        Node* node = At(search.Subtree, search.Level);
        for (int level = search.Level; level > 1; level--)
        {
            StepCounter.Count();
            int slot = NodeScan.First(NodeScan.EqualTo(LeastAt(node), search.Value), 0, (int)node->Count);
            node = At(node->ItemAt[slot], level - 1);
        }

        for (int slot = 0; slot < (int)node->Count; slot++)
        {
            StepCounter.Count();
            Node* leaf = _leaves.At(node->ItemAt[slot]);
            int entry = NodeScan.First(NodeScan.EqualTo(leaf->ValueAt, search.Value), 0, (int)leaf->Count);
            if (entry < (int)leaf->Count)
            {
                search.Note(leaf->KeyAt[entry], search.Value, leaf->ItemAt[entry]);
                return;
            }
        }

        Invariant.Assert(false, "a subtree that has this least value holds it");
    }
}
