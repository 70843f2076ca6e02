using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Tool.Replay;

/// <summary>
/// The live objects of the recorded program: from its address (or ID) to a slot, a size and the site of its allocation. Open addressing
/// with linear probing, and deletion that moves later entries back, so that a program that allocates and frees for days leaves no
/// tombstones. 24 bytes an entry, at most three quarters full. Not a <c>Dictionary</c>: it reads a bucket and then an entry, two cache
/// misses where this has one, and takes 36 bytes an entry. Doubling rehashes everything in one go; what is timed is the allocators, not
/// this table.
/// <para>An entry's home is the top of a product with a factor that differs from run to run. With one that is known, such as 2^64 / golden
/// ratio, a recording can be made of IDs that all have one home, and takes quadratic time. Two different IDs meet by chance (Dietzfelbinger
/// et al., A Reliable Randomized Algorithm for the Closest-Pair Problem, 1997).</para>
/// </summary>
internal sealed class LiveTable
{
    private const int InitialCapacity = 1024;

    // Odd, so that no bit of an ID is lost.
    private readonly ulong _factor = (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue) | 1;
    private Entry[] _entries = new Entry[InitialCapacity];
    private int _shift = 64 - BitOperations.Log2(InitialCapacity);
    private int[] _freeSlots = new int[InitialCapacity];
    private int _freeSlotCount;

    public int Count { get; private set; }

    /// <summary>Slots handed out so far: one more than the highest in use. As many as were ever live at once.</summary>
    public int SlotCount { get; private set; }

    /// <summary>The bytes of the table's own arrays.</summary>
    public long Bytes => ((long)_entries.Length * Unsafe.SizeOf<Entry>()) + ((long)_freeSlots.Length * sizeof(int));

    /// <summary>All live objects, in no order.</summary>
    public LiveObject[] ToArray()
    {
        var objects = new LiveObject[Count];
        int count = 0;
        foreach (ref readonly Entry entry in _entries.AsSpan())
        {
            if (entry.IsUsed)
            {
                objects[count++] = new LiveObject(entry.Slot, entry.Size, entry.Site);
            }
        }

        return objects;
    }

    /// <summary>False, and nothing changed, when the object is live already.</summary>
    public bool TryAdd(ulong id, ulong size, int site, out int slot)
    {
        if ((Count + 1) * 4L > _entries.Length * 3L)
        {
            Grow();
        }

        int index = Find(id);
        if (_entries[index].IsUsed)
        {
            slot = _entries[index].Slot;
            return false;
        }

        slot = _freeSlotCount > 0 ? _freeSlots[--_freeSlotCount] : SlotCount++;
        _entries[index] = new Entry(id, size, site, slot);
        Count++;
        return true;
    }

    /// <summary>False when no such object is live.</summary>
    public bool TryRemove(ulong id, out int slot, out ulong size, out int site)
    {
        int index = Find(id);
        Entry entry = _entries[index];
        if (!entry.IsUsed)
        {
            slot = 0;
            size = 0;
            site = 0;
            return false;
        }

        slot = entry.Slot;
        size = entry.Size;
        site = entry.Site;
        CloseGap(index);
        Count--;
        PushFreeSlot(slot);
        return true;
    }

    // Where the object is, or the empty place where it belongs.
    private int Find(ulong id)
    {
        Entry[] entries = _entries;
        int mask = entries.Length - 1;
        int index = Home(id);
        while (entries[index].IsUsed && entries[index].Id != id)
        {
            index = (index + 1) & mask;
        }

        return index;
    }

    /// <summary>Where the search for an object begins.</summary>
    internal int Home(ulong id) => (int)(((id ^ (id >> 32)) * _factor) >> _shift);

    // An entry may move back into the gap if the gap does not lie before its home.
    private void CloseGap(int gap)
    {
        int mask = _entries.Length - 1;
        int index = gap;
        while (true)
        {
            index = (index + 1) & mask;
            if (!_entries[index].IsUsed)
            {
                break;
            }

            int distanceFromHome = (index - Home(_entries[index].Id)) & mask;
            if (distanceFromHome >= ((index - gap) & mask))
            {
                _entries[gap] = _entries[index];
                gap = index;
            }
        }

        _entries[gap] = default;
    }

    private void PushFreeSlot(int slot)
    {
        if (_freeSlotCount == _freeSlots.Length)
        {
            Array.Resize(ref _freeSlots, _freeSlots.Length * 2);
        }

        _freeSlots[_freeSlotCount++] = slot;
    }

    private void Grow()
    {
        Entry[] old = _entries;
        _entries = new Entry[old.Length * 2];
        _shift--;
        foreach (Entry entry in old)
        {
            if (entry.IsUsed)
            {
                _entries[Find(entry.Id)] = entry;
            }
        }
    }

    // The slot is kept plus one, so that a cleared array is an empty table.
    private readonly struct Entry(ulong id, ulong size, int site, int slot)
    {
        private readonly int _slotPlusOne = slot + 1;

        public ulong Id { get; } = id;

        public ulong Size { get; } = size;

        public int Site { get; } = site;

        public int Slot => _slotPlusOne - 1;

        public bool IsUsed => _slotPlusOne != 0;
    }
}

/// <param name="Slot">Its slot.</param>
/// <param name="Requested">The size that the program asked for.</param>
/// <param name="Site">The stack that allocated it.</param>
internal readonly record struct LiveObject(int Slot, ulong Requested, int Site);
