namespace Vmem.Leasing.Tests.Model;

/// <summary>Worlds in the order in which they were found, each once, with the one that it came from and by what.</summary>
internal sealed class WorldSet
{
    private UInt128[] _worlds = new UInt128[1 << 16];
    private int[] _parents = new int[1 << 16];
    private byte[] _moves = new byte[1 << 16];
    private int[] _slots = new int[1 << 17];      // numbers of worlds plus 1, found by their hash; twice as many as worlds, or more

    public int Count { get; private set; }

    public UInt128 this[int number] => _worlds[number];

    public void Add(UInt128 world, int parent, byte move)
    {
        int slot = SlotOf(world, _slots);
        while (_slots[slot] != 0)
        {
            if (_worlds[_slots[slot] - 1] == world)
            {
                return;
            }

            slot = (slot + 1) & (_slots.Length - 1);
        }

        if (Count == _worlds.Length)
        {
            Grow();
            slot = FreeSlot(world);
        }

        (_worlds[Count], _parents[Count], _moves[Count]) = (world, parent, move);
        _slots[slot] = ++Count;
    }

    /// <summary>The moves that led to a world, from the first one on.</summary>
    public IReadOnlyList<(UInt128 World, byte Move)> PathTo(int number)
    {
        List<(UInt128, byte)> path = [];
        for (; _parents[number] >= 0; number = _parents[number])
        {
            path.Add((_worlds[number], _moves[number]));
        }

        path.Reverse();
        return path;
    }

    private static int SlotOf(UInt128 world, int[] slots)
    {
        ulong hash = ((ulong)world ^ ((ulong)(world >> 64) * 0x9E3779B97F4A7C15)) * 0xD6E8FEB86659FD93;
        return (int)((hash ^ hash >> 32) & (ulong)(slots.Length - 1));
    }

    private int FreeSlot(UInt128 world)
    {
        int slot = SlotOf(world, _slots);
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return slot;
    }

    private void Grow()
    {
        Array.Resize(ref _worlds, 2 * Count);
        Array.Resize(ref _parents, 2 * Count);
        Array.Resize(ref _moves, 2 * Count);
        _slots = new int[4 * Count];
        for (int number = 0; number < Count; number++)
        {
            _slots[FreeSlot(_worlds[number])] = number + 1;
        }
    }
}
