using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>What is done to one node: putting entries in, cutting them out, moving them to another.</summary>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    private void ReturnNode(uint index, int level)
    {
        if (level == 0)
        {
            _leaves.Return(index);
        }
        else
        {
            _inners.Return(index);
        }
    }

    private static void Put(Node* node, int slot, T key, T value, uint item)
    {
        int count = (int)node->Count;
        Invariant.Assert(count < Width && (uint)slot <= (uint)count, "a node that is put into has room");
        Invariant.Assert(slot == 0 || TOrder.Less(node->KeyAt[slot - 1], node->ValueAt[slot - 1], key, value), "entries are in order");
        Invariant.Assert(slot == count || TOrder.Less(key, value, node->KeyAt[slot], node->ValueAt[slot]), "entries are in order");
        NodeSlots.Open(node->KeyAt, slot, count);
        NodeSlots.Open(node->ItemAt, slot, count);
        node->KeyAt[slot] = key;
        if (TOrder.HasValues)
        {
            NodeSlots.Open(node->ValueAt, slot, count);
            node->ValueAt[slot] = value;
        }

        node->ItemAt[slot] = item;
        node->Count = (uint)count + 1;
    }

    private void PutInner(Node* node, int slot, Node* child, uint childIndex, int childLevel)
    {
        Invariant.Assert(child->Count > 0 && childIndex != 0, "a child has entries");
        NodeSlots.Open(LargestAt(node), slot, (int)node->Count);
        NodeSlots.Open(LeastAt(node), slot, (int)node->Count);
        NodeSlots.Open(SumAt(node), slot, (int)node->Count);
        Put(node, slot, child->KeyAt[0], child->ValueAt[0], childIndex);
        SetBounds(node, slot, child, childLevel);
    }

    private static void Cut(Node* node, int slot)
    {
        Invariant.Assert((uint)slot < node->Count, "what is cut out of a node is in it");
        NodeSlots.Close(node->KeyAt, slot, (int)node->Count);
        if (TOrder.HasValues)
        {
            NodeSlots.Close(node->ValueAt, slot, (int)node->Count);
        }

        NodeSlots.Close(node->ItemAt, slot, (int)node->Count);
        node->Count--;
    }

    private static void CutInner(Node* node, int slot)
    {
        NodeSlots.Close(LargestAt(node), slot, (int)node->Count);
        NodeSlots.Close(LeastAt(node), slot, (int)node->Count);
        NodeSlots.Close(SumAt(node), slot, (int)node->Count);
        Cut(node, slot);
    }

    private static void Move(Node* from, int fromSlot, Node* to, int toSlot, int count, int level)
    {
        Invariant.Assert(count >= 0 && fromSlot + count <= (int)from->Count && toSlot + count <= Width, "entries move from where they are to where there is room");
        new ReadOnlySpan<T>(from->KeyAt + fromSlot, count).CopyTo(new Span<T>(to->KeyAt + toSlot, count));
        new ReadOnlySpan<T>(from->ValueAt + fromSlot, count).CopyTo(new Span<T>(to->ValueAt + toSlot, count));
        new ReadOnlySpan<uint>(from->ItemAt + fromSlot, count).CopyTo(new Span<uint>(to->ItemAt + toSlot, count));
        if (level > 0)
        {
            new ReadOnlySpan<T>(LargestAt(from) + fromSlot, count).CopyTo(new Span<T>(LargestAt(to) + toSlot, count));
            new ReadOnlySpan<T>(LeastAt(from) + fromSlot, count).CopyTo(new Span<T>(LeastAt(to) + toSlot, count));
            new ReadOnlySpan<T>(SumAt(from) + fromSlot, count).CopyTo(new Span<T>(SumAt(to) + toSlot, count));
        }
    }
}
