using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>A class's depot: blocks on their way from magazines to magazines, a stack of them.</summary>
/// <remarks>
/// <para>
/// Blocks that one thread allocates and another frees come home through here, by the batch, without a look at their slabs. What was put
/// last is taken first: it is most likely still in a processor's cache. What was not needed for two intervals goes to the slabs
/// (<see cref="WorkingSet"/>).
/// </para>
/// <para>Outside the managed heap, as what it holds varies by thousands. Where there is no memory for it to grow, it is full.</para>
/// </remarks>
internal unsafe struct BlockDepot(int most)
{
    private const int Least = 64;

    private nuint* _blocks;
    private int _count;
    private int _room;
    private WorkingSet _needed;

    public readonly ReadOnlySpan<nuint> Contents => new(_blocks, _count);

    /// <summary>Takes the blocks that came last. Returns how many.</summary>
    public int Take(Span<nuint> blocks)
    {
        int count = Math.Min(blocks.Length, _count);
        _count -= count;
        Invariant.Assert(_count >= 0 && _count <= _room, "a depot holds no more than it has room for");
        new ReadOnlySpan<nuint>(_blocks + _count, count).CopyTo(blocks);
        _needed.Note(_count);
        return count;
    }

    /// <summary>Puts all of them here, or none.</summary>
    public bool TryPut(ReadOnlySpan<nuint> blocks)
    {
        if (blocks.Length > most - _count || (blocks.Length > _room - _count && !TryGrow(_count + blocks.Length)))
        {
            return false;
        }

        blocks.CopyTo(new Span<nuint>(_blocks + _count, blocks.Length));
        _count += blocks.Length;
        Invariant.Assert(_count <= _room && _room <= most, "a depot holds no more than it may");
        return true;
    }

    /// <summary>Ends an interval. Returns how many blocks were not needed during the one before: they are to be taken out.</summary>
    public int Tick()
    {
        int surplus = _needed.Reapable;
        Invariant.Assert(surplus >= 0 && surplus <= _count, "what nobody needed is there");
        _needed.Tick(_count - surplus);
        return surplus;
    }

    /// <summary>Gives its own memory back, if there is nothing in it.</summary>
    public void Shrink()
    {
        if (_count == 0)
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_blocks);
        this = new BlockDepot(most);
    }

    private bool TryGrow(int wanted)
    {
        int room = Math.Min(Math.Max(Least, Math.Max(wanted, 2 * _room)), most);
        try
        {
            GrowthFault.ThrowIfDue();
            _blocks = (nuint*)NativeMemory.Realloc(_blocks, (nuint)room * (nuint)sizeof(nuint));
        }
        catch (OutOfMemoryException)
        {
            return false;
        }

        Invariant.Assert(room >= wanted && room <= most, "a depot grows as far as it may");
        _room = room;
        return true;
    }
}
