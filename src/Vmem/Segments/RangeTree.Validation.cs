using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The tree's own invariants.</summary>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    /// <summary>Calls <paramref name="visit"/> with every entry in order, and checks the nodes on the way. O(n).</summary>
    public void Validate(Action<T, T, uint> visit)
    {
        long entries = 0;
        if (_root != 0)
        {
            bool any = false;
            T lastKey = T.Zero;
            T lastValue = T.Zero;
            Walk(_root, _height, (key, value, item) =>
            {
                Invariant.Hold(!any || TOrder.Less(lastKey, lastValue, key, value), "the entries of an index are in order", $"({key}, {value}) follows ({lastKey}, {lastValue})");
                any = true;
                lastKey = key;
                lastValue = value;
                entries++;
                visit(key, value, item);
            });
        }

        Invariant.Hold(entries == Count, "an index counts its entries", $"it counts {Count} and holds {entries}");
    }

    private void Walk(uint index, int level, Action<T, T, uint> visit)
    {
        Node* node = At(index, level);
        Invariant.Hold(node->Count is > 0 and <= Width, "no node of an index is empty or overfull", $"a node at level {level} has {node->Count} entries");
        for (int slot = 0; slot < (int)node->Count; slot++)
        {
            T key = node->KeyAt[slot];
            T value = node->ValueAt[slot];
            uint item = node->ItemAt[slot];
            if (level == 0)
            {
                visit(key, value, item);
                continue;
            }

            Node* child = At(item, level - 1);
            Invariant.Hold(child->KeyAt[0] == key, "a separator is its child's first key", $"separator {key}, first key {child->KeyAt[0]}");
            T largest = Largest(child, level - 1);
            Invariant.Hold(LargestAt(node)[slot] == largest, "an inner node knows the largest value below", $"it says {LargestAt(node)[slot]} and it is {largest}");
            Walk(item, level - 1, visit);
        }
    }
}
