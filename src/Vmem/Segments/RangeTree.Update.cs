using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Insertion, removal, and change in place.</summary>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    public void Insert(T key, T value, uint item)
    {
        Count++;
        _foundIn = null;
        if (_root == 0)
        {
            _root = _leaves.Take();
            Node* first = _leaves.At(_root);
            first->Count = 0;
            Put(first, 0, key, value, item);
            return;
        }

        Step* path = _path;
        Node* leaf = Descend(key, value);
        Widen(path, key, value);
        AddToSums(path, value);
        int slot = LowerBound(leaf, key, value);
        if (slot == 0)
        {
            SetSeparators(path, 1, key, value);
        }

        if (leaf->Count < Width)
        {
            Put(leaf, slot, key, value, item);
        }
        else
        {
            SplitLeaf(path, leaf, slot, key, value, item);
        }
    }

    public void Remove(T key, T value)
    {
        Step* path = _path;
        Node* leaf = Locate(key, value, out int slot);
        Invariant.Assert(Count > 0 && (!TOrder.HasValues || leaf->ValueAt[slot] == value), "what is removed is what is there");
        Cut(leaf, slot);
        AddToSums(path, T.Zero - value);
        Count--;
        if (leaf->Count != 0)
        {
            if (slot == 0)
            {
                SetSeparators(path, 1, leaf->KeyAt[0], leaf->ValueAt[0]);
            }

            Narrow(path, key, value);
        }

        Shrunk(path, leaf, 0);
        Invariant.Assert((Count == 0) == (_root == 0), "a tree without entries has no root");
    }

    /// <summary>Changes the entry (key, value) to another that has the same place in the order.</summary>
    public void Replace(T key, T value, T newKey, T newValue, uint newItem)
    {
        Step* path = _path;
        Node* leaf = Locate(key, value, out int slot);
        T old = leaf->ValueAt[slot];
        Invariant.Assert(old == value, "what is replaced is what is there");
        Invariant.Assert(slot == 0 || TOrder.Less(leaf->KeyAt[slot - 1], leaf->ValueAt[slot - 1], newKey, newValue), "what replaces an entry has its place");
        Invariant.Assert(slot + 1 == (int)leaf->Count || TOrder.Less(newKey, newValue, leaf->KeyAt[slot + 1], leaf->ValueAt[slot + 1]), "what replaces an entry has its place");
        leaf->KeyAt[slot] = newKey;
        leaf->ValueAt[slot] = newValue;
        leaf->ItemAt[slot] = newItem;
        if (slot == 0)
        {
            SetSeparators(path, 1, newKey, newValue);
        }

        Widen(path, newKey, newValue);
        AddToSums(path, newValue - old);
        if (newValue != old || TOrder.HasRooms)
        {
            Narrow(path, key, old);
        }

        AssertBounds(path, leaf);
    }

    /// <summary>Changes the entry (key, value) to another, in place if the leaf shows that no other lies between.</summary>
    public void Move(T key, T value, T newKey, T newValue, uint newItem)
    {
        Node* leaf = Locate(key, value, out int slot);
        bool isAbove = slot > 0 ? TOrder.Less(leaf->KeyAt[slot - 1], leaf->ValueAt[slot - 1], newKey, newValue) : _height == 0;
        bool isBelow = slot + 1 < (int)leaf->Count
            ? TOrder.Less(newKey, newValue, leaf->KeyAt[slot + 1], leaf->ValueAt[slot + 1])
            : _height == 0;
        _foundIn = leaf;                          // it is where it is: nobody need go down again
        _foundAt = slot;
        if (isAbove && isBelow)
        {
            Replace(key, value, newKey, newValue, newItem);
            return;
        }

        Remove(key, value);
        Insert(newKey, newValue, newItem);
    }

    /// <summary>The first entry below <c>path[level]</c>'s child is now (key, value): so are the separators of that child, and of all nodes
    /// that begin with it.</summary>
    private void SetSeparators(Step* path, int level, T key, T value)
    {
        for (; level <= _height; level++)
        {
            Step step = path[level];
            step.Node->KeyAt[step.Slot] = key;
            step.Node->ValueAt[step.Slot] = value;
            if (step.Slot != 0)
            {
                return;
            }
        }
    }

    /// <summary>A node lost an entry: joins it with a neighbour if both are small, or drops it if it is empty.</summary>
    private void Shrunk(Step* path, Node* node, int level)
    {
        if (level == _height)
        {
            ShrinkRoot(node, level);
            return;
        }

        Step up = path[level + 1];
        if (node->Count == 0)
        {
            RemoveChild(path, up.Slot, level);
        }
        else if (node->Count < JoinBelow)
        {
            JoinIfSmall(path, up, level);
        }
    }

    /// <summary>Drops the child at this slot of the node above <paramref name="level"/>, and mends what stands above.</summary>
    private void RemoveChild(Step* path, int slot, int level)
    {
        Node* parent = path[level + 1].Node;
        Invariant.Assert((uint)slot < parent->Count, "a child that goes is its parent's");
        ReturnNode(parent->ItemAt[slot], level);
        CutInner(parent, slot);
        if (slot == 0 && parent->Count != 0)
        {
            SetSeparators(path, level + 2, parent->KeyAt[0], parent->ValueAt[0]);
        }

        RefreshLargest(path, level + 1);
        RefreshLeast(path, level + 1);
        Shrunk(path, parent, level + 1);
    }

    private void ShrinkRoot(Node* root, int level)
    {
        if (root->Count > 1 || (root->Count == 1 && level == 0))
        {
            return;
        }

        Invariant.Assert(At(_root, level) == root, "what shrinks is the root");
        uint only = root->Count == 0 ? 0 : root->ItemAt[0];
        ReturnNode(_root, level);
        _root = only;
        _height = only == 0 ? 0 : level - 1;
    }

    private void JoinIfSmall(Step* path, Step up, int level)
    {
        int left = up.Slot > 0 ? up.Slot - 1 : 0;
        if (left + 1 >= (int)up.Node->Count)
        {
            return;
        }

        Node* into = At(up.Node->ItemAt[left], level);
        Node* from = At(up.Node->ItemAt[left + 1], level);
        if (into->Count + from->Count > JoinInto)
        {
            return;
        }

        Move(from, 0, into, (int)into->Count, (int)from->Count, level);
        into->Count += from->Count;
        Invariant.Assert(into->Count > 0 && into->Count <= JoinInto, "nodes that are joined leave room");
        SetBounds(up.Node, left, into, level);
        RemoveChild(path, left + 1, level);
    }

    private void SplitLeaf(Step* path, Node* leaf, int slot, T key, T value, uint item)
    {
        Invariant.Assert(leaf->Count == Width, "a leaf that is split is full");
        uint rightIndex = _leaves.Take();
        Node* right = _leaves.At(rightIndex);
        // An insertion at the very end starts a new leaf and leaves the old one full: ascending insertion packs.
        int keep = slot == Width ? Width : Width / 2;
        Move(leaf, keep, right, 0, Width - keep, level: 0);
        right->Count = (uint)(Width - keep);
        leaf->Count = (uint)keep;
        if (slot < keep)
        {
            Put(leaf, slot, key, value, item);
        }
        else
        {
            Put(right, slot - keep, key, value, item);
        }

        AddChild(path, 1, leaf, rightIndex, right);
    }

    /// <summary>Puts a new right neighbour beside the child at <c>path[level].Slot</c>, splitting upward as far as needed.</summary>
    private void AddChild(Step* path, int level, Node* left, uint rightIndex, Node* right)
    {
        if (level > _height)
        {
            GrowRoot(left);
            path[level].Node = At(_root, level);
            path[level].Slot = 0;
        }

        Node* node = path[level].Node;
        int slot = path[level].Slot;
        Invariant.Assert((uint)slot < node->Count && At(node->ItemAt[slot], level - 1) == left, "a new child comes beside the one that was split");
        SetBounds(node, slot, left, level - 1);
        if (node->Count < Width)
        {
            PutInner(node, slot + 1, right, rightIndex, level - 1);
            return;
        }

        uint otherIndex = _inners.Take();
        Node* other = (Node*)_inners.At(otherIndex);
        int keep = slot + 1 == Width ? Width - 1 : Width / 2;
        Move(node, keep, other, 0, Width - keep, level);
        other->Count = (uint)(Width - keep);
        node->Count = (uint)keep;
        if (slot + 1 <= keep)
        {
            PutInner(node, slot + 1, right, rightIndex, level - 1);
        }
        else
        {
            PutInner(other, slot + 1 - keep, right, rightIndex, level - 1);
        }

        AddChild(path, level + 1, node, otherIndex, other);
    }

    private void GrowRoot(Node* left)
    {
        Invariant.Assert(_height < MaxHeight, "a tree stays below its greatest height");
        uint old = _root;
        _root = _inners.Take();
        _height++;
        Node* root = (Node*)_inners.At(_root);
        root->Count = 0;
        PutInner(root, 0, left, old, _height - 1);
    }
}
