using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The least and the largest value below each child of an inner node.</summary>
/// <remarks>
/// <para>
/// An order that heeds values keeps the largest below every child, exactly. All other bounds are for long searches only
/// (<see cref="LeastWithin"/>, <see cref="FirstWithin"/>). They are kept of children that are inner nodes, since leaves are passed quickly,
/// and only in a tree that was made for such searches: best and first fit without a window do not pay for them.
/// </para>
/// <para>
/// Where values are heeded, the least is exact, too. A value that goes and was the least has the leaves searched for another as small,
/// which is soon found: sizes are many times the same. In the other order bounds may be too wide: insertions widen them, removals leave
/// them as they are, and a search that finds nothing between them makes them exact. Rejected: exact bounds there, too. Best fit takes the
/// lowest of equal sizes, whose start is a bound more often than not.
/// </para>
/// </remarks>
internal sealed unsafe partial class RangeTree<T, TOrder>
{
    /// <summary>The largest value of all entries; 0 when there is none.</summary>
    public T LargestValue => _root == 0 ? T.Zero : Largest(At(_root, _height), _height);

    /// <summary>What searches heed of an entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T HeededOf(T key, T value) => TOrder.HasRooms ? _alignment.RoomIn(value, key) : value;

    /// <summary>A value came in below <c>path[1]</c>'s child. What is above a node encloses what is below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Widen(Step* path, T key, T value)
    {
        T heeded = HeededOf(key, value);
        for (int level = 1; TOrder.HeedsValues && level <= _height; level++)
        {
            T* largest = LargestAt(path[level].Node) + path[level].Slot;
            *largest = heeded > *largest ? heeded : *largest;
        }

        if (_isBounded)
        {
            WidenBounds(path, value);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WidenBounds(Step* path, T value)
    {
        for (int level = 2; level <= _height; level++)
        {
            T* least = LeastAt(path[level].Node) + path[level].Slot;
            T* largest = LargestAt(path[level].Node) + path[level].Slot;
            *least = value < *least ? value : *least;
            *largest = value > *largest ? value : *largest;
        }
    }

    /// <summary>A value went from below <c>path[1]</c>'s child, which has others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Narrow(Step* path, T key, T value)
    {
        if (TOrder.HeedsValues && _height > 0)
        {
            if (HeededOf(key, value) == LargestAt(path[1].Node)[path[1].Slot])
            {
                RefreshLargest(path, 0);
            }

            if (_isBounded && _height > 1 && value == LeastAt(path[2].Node)[path[2].Slot])
            {
                RefreshLeast(path, 1);
            }
        }
    }

    /// <summary>Corrects the largest values on the way up from a node whose entries have changed.</summary>
    private void RefreshLargest(Step* path, int level)
    {
        for (; TOrder.HeedsValues && level < _height; level++)
        {
            Step up = path[level + 1];
            T* stored = LargestAt(up.Node) + up.Slot;
            T largest = Largest(At(up.Node->ItemAt[up.Slot], level), level);
            if (*stored == largest)
            {
                return;
            }

            *stored = largest;
        }
    }

    /// <summary>Corrects the least values on the way up from an inner node whose entries have changed.</summary>
    private void RefreshLeast(Step* path, int level)
    {
        for (; TOrder.HeedsValues && _isBounded && level < _height; level++)
        {
            Step up = path[level + 1];
            T* stored = LeastAt(up.Node) + up.Slot;
            T least = Least(At(up.Node->ItemAt[up.Slot], level), level, *stored);
            if (*stored == least)
            {
                return;
            }

            *stored = least;
        }
    }

    /// <summary>Notes the exact bounds of a child.</summary>
    private void SetBounds(Node* parent, int slot, Node* child, int level)
    {
        bool isBounded = _isBounded && level > 0;
        if (isBounded)
        {
            LeastAt(parent)[slot] = Least(child, level, T.Zero);
        }

        if (isBounded || TOrder.HeedsValues)
        {
            LargestAt(parent)[slot] = Largest(child, level);
        }

        if (_isSummed)
        {
            SumAt(parent)[slot] = Sum(child, level);
        }
    }

    /// <summary>The least value below an inner node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="level">Its level.</param>
    /// <param name="bound">None is less: if this one is found, it is the least.</param>
    private T Least(Node* node, int level, T bound)
    {
        if (level > 1)
        {
            return NodeScan.Least(LeastAt(node), (int)node->Count);
        }

        T least = T.MaxValue;
        for (int slot = 0; slot < (int)node->Count && least != bound; slot++)
        {
            Node* leaf = _leaves.At(node->ItemAt[slot]);
            least = T.Min(least, NodeScan.Least(leaf->ValueAt, (int)leaf->Count));
        }

        return least;
    }

    private T Largest(Node* node, int level)
    {
        if (level != 1 || TOrder.HeedsValues)
        {
            return level == 0 ? LargestHeeded(node) : NodeScan.Largest(LargestAt(node), (int)node->Count);
        }

        T largest = T.Zero;
        for (int slot = 0; slot < (int)node->Count; slot++)
        {
            Node* leaf = _leaves.At(node->ItemAt[slot]);
            largest = T.Max(largest, NodeScan.Largest(leaf->ValueAt, (int)leaf->Count));
        }

        return largest;
    }

    private T LargestHeeded(Node* leaf)
    {
        if (!TOrder.HasRooms)
        {
            return NodeScan.Largest(leaf->ValueAt, (int)leaf->Count);
        }

        T largest = T.Zero;
        for (int slot = 0; slot < (int)leaf->Count; slot++)
        {
            largest = T.Max(largest, HeededOf(leaf->KeyAt[slot], leaf->ValueAt[slot]));
        }

        return largest;
    }

    /// <summary>Asserts what stands above a leaf.</summary>
    [System.Diagnostics.Conditional("DEBUG")]
    private void AssertBounds(Step* path, Node* leaf) => Invariant.Assert(
        _height == 0 || !TOrder.HeedsValues || LargestAt(path[1].Node)[path[1].Slot] == Largest(leaf, 0),
        "what stands above a leaf is the largest in it that searches heed");
}
