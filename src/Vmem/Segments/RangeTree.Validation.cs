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
            T least = level > 1 ? Least(child, level - 1, T.Zero) : T.Zero;
            T largest = Largest(child, level - 1);
            bool isLeast = level == 1 || !_isBounded || (TOrder.HeedsValues ? LeastAt(node)[slot] == least : LeastAt(node)[slot] <= least);
            bool isLargest = TOrder.HeedsValues ? LargestAt(node)[slot] == largest
                : level == 1 || !_isBounded || LargestAt(node)[slot] >= largest;
            Invariant.Hold(!_isSummed || SumAt(node)[slot] == Sum(child, level - 1), "an inner node knows the sums of the values below", $"{SumAt(node)[slot]} at level {level}");
            Invariant.Hold(isLeast && isLargest, "an inner node knows the bounds of the values below", $"they are {least} to {largest}");
            Walk(item, level - 1, visit);
        }
    }
}
