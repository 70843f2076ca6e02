namespace Vmem.Benchmarks.Baselines;

/// <summary>
/// The paper's point of departure: <c>rmalloc</c>, the resource map of the early Unix kernels (Bonwick and Adams, "Magazines and Vmem",
/// section 4.1). One list of the free segments in address order and nothing else: to allocate, walk from the lowest address to the first
/// segment that is long enough and cut the request off its low end; to free, walk to the place in the list and join with the neighbours.
/// Both walks are linear in the number of free segments, which is the reason why Vmem exists.
/// </summary>
/// <remarks>
/// Not a straw man: nodes are structs in one array linked by index (no object per node, nothing for the GC to scan), and a node that is
/// given back is used next, while it is still cached. Live ranges cost nothing at all. It takes no lock.
/// </remarks>
internal sealed class FirstFitList
{
    private const int None = -1;

    // 24 bytes with padding.
    private struct Node
    {
        public ulong Start;
        public ulong Size;
        public int Next;
    }

    private Node[] _nodes = new Node[1024];
    private int _head;
    private int _spare = None;
    private int _used = 1;

    public FirstFitList(ulong start, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        _nodes[0] = new Node { Start = start, Size = size, Next = None };
    }

    /// <summary>The bytes behind the list: the whole array, spare nodes included.</summary>
    public unsafe long BookkeepingBytes => (long)_nodes.Length * sizeof(Node);

    public bool TryAllocate(ulong size, out ulong start)
    {
        Node[] nodes = _nodes;
        int previous = None;
        for (int current = _head; current != None; current = nodes[current].Next)
        {
            ref Node node = ref nodes[current];
            if (node.Size >= size)
            {
                start = node.Start;
                node.Start += size;
                node.Size -= size;
                if (node.Size == 0)
                {
                    Unlink(previous, current);
                }
                return true;
            }
            previous = current;
        }
        start = 0;
        return false;
    }

    /// <summary>The lowest place that is aligned and lies in the window. <see cref="RangeConstraints{T}.Phase"/> and
    /// <see cref="RangeConstraints{T}.NoCross"/> are beyond this baseline.</summary>
    public bool TryAllocate(ulong size, in RangeConstraints<ulong> constraints, out ulong start)
    {
        ulong mask = constraints.Align == 0 ? 0 : constraints.Align - 1;
        ulong max = constraints.Max == 0 ? ulong.MaxValue : constraints.Max;
        int previous = None;
        for (int current = _head; current != None; current = _nodes[current].Next)
        {
            Node node = _nodes[current];
            ulong candidate = (Math.Max(node.Start, constraints.Min) + mask) & ~mask;
            ulong end = node.Start + node.Size;
            if (candidate < end && end - candidate >= size && candidate < max && max - candidate >= size)
            {
                Carve(previous, current, candidate, size);
                start = candidate;
                return true;
            }
            previous = current;
        }
        start = 0;
        return false;
    }

    public void Free(ulong start, ulong size)
    {
        Node[] nodes = _nodes;
        int previous = None;
        int next = _head;
        while (next != None && nodes[next].Start < start)
        {
            previous = next;
            next = nodes[next].Next;
        }
        bool overlapsNext = next != None && start + size > nodes[next].Start;
        bool overlapsPrevious = previous != None && nodes[previous].Start + nodes[previous].Size > start;
        if (overlapsNext || overlapsPrevious)
        {
            throw new InvalidOperationException($"[{start}, {start + size}) is not allocated.");
        }
        bool joinsNext = next != None && start + size == nodes[next].Start;
        if (previous != None && nodes[previous].Start + nodes[previous].Size == start)
        {
            nodes[previous].Size += size;
            if (joinsNext)
            {
                nodes[previous].Size += nodes[next].Size;
                Unlink(previous, next);
            }
        }
        else if (joinsNext)
        {
            nodes[next].Start = start;
            nodes[next].Size += size;
        }
        else
        {
            Link(previous, start, size);
        }
    }

    // Cuts [start, start + size) out of a node and keeps what is left on either side.
    private void Carve(int previous, int current, ulong start, ulong size)
    {
        ref Node node = ref _nodes[current];
        ulong before = start - node.Start;
        ulong after = node.Size - before - size;
        if (before == 0)
        {
            node.Start += size;
            node.Size = after;
            if (after == 0)
            {
                Unlink(previous, current);
            }
            return;
        }
        node.Size = before;
        if (after != 0)
        {
            Link(current, start + size, after);
        }
    }

    private void Link(int previous, ulong start, ulong size)
    {
        int index = _spare;
        if (index != None)
        {
            _spare = _nodes[index].Next;
        }
        else
        {
            if (_used == _nodes.Length)
            {
                Array.Resize(ref _nodes, _nodes.Length * 2);
            }
            index = _used++;
        }
        ref int link = ref previous == None ? ref _head : ref _nodes[previous].Next;
        _nodes[index] = new Node { Start = start, Size = size, Next = link };
        link = index;
    }

    private void Unlink(int previous, int current)
    {
        ref int link = ref previous == None ? ref _head : ref _nodes[previous].Next;
        link = _nodes[current].Next;
        _nodes[current].Next = _spare;
        _spare = current;
    }
}
