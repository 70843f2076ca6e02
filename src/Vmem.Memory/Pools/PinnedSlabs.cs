using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Memory.Pools;

/// <summary>Where the arena of a <see cref="PinnedMemoryPool{T}"/> has its spans from: pinned arrays, by number.</summary>
/// <remarks>A number that is free again is used again, the lowest first: so the table is no longer than the most slabs that there were. The
/// search for it is O(slabs), as is a longer table's copy; that comes with an array of a mebibyte. Rejected: an arena of numbers, which
/// would stand beside the pool's in every listing of arenas.</remarks>
internal sealed class PinnedSlabs<T> : IArenaSource<nuint>
    where T : unmanaged
{
    private readonly Gate _gate = new();
    private readonly nuint _block;
    private readonly int _shift;
    private volatile PinnedSlab<T>?[] _slabs = new PinnedSlab<T>?[4];       // by number; entries change under the gate
    private volatile bool _isEnding;
    private long _trimmed;
    private long _made;                           // changes under the gate

    /// <param name="quantum">How long a slab is, in blocks: a power of two.</param>
    /// <param name="block">How long a block is, in elements.</param>
    public PinnedSlabs(nuint quantum, nuint block)
    {
        Quantum = quantum;
        _block = block;
        _shift = BitOperations.TrailingZeroCount(quantum);
    }

    public nuint Quantum { get; }

    /// <summary>Called when there is a slab more. Throws nothing.</summary>
    public Action? Imported { get; set; }

    /// <summary>Bytes that went back to the system.</summary>
    public long Trimmed => Interlocked.Read(ref _trimmed);

    /// <summary>Blocks of all slabs that were ever made.</summary>
    public long Made => Volatile.Read(ref _made);

    /// <summary>The slab of a block. There is one as long as its range is allocated, and the pool has not ended; else null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PinnedSlab<T>? TryOf(nuint start)
    {
        PinnedSlab<T>?[] slabs = _slabs;
        nuint number = start >> _shift;
        return number < (nuint)slabs.Length ? slabs[number] : null;
    }

    /// <summary>All slabs, each once.</summary>
    public IReadOnlyList<PinnedSlab<T>> Copy()
    {
        using (_gate.EnterScope())
        {
            return [.. _slabs.OfType<PinnedSlab<T>>().Distinct()];
        }
    }

    public bool TryImport(nuint size, in RangeConstraints<nuint> constraints, out nuint start, out nuint imported)
    {
        start = 0;
        imported = (size + Quantum - 1) & ~(Quantum - 1);
        if (imported < size || imported > ((nuint)Array.MaxLength - PinnedSlab<T>.Slack) / _block)
        {
            return false;
        }

        PinnedSlab<T> slab;
        try
        {
            slab = new PinnedSlab<T>(imported, _block);
            using (_gate.EnterScope())
            {
                int count = (int)(imported >> _shift);
                int number = FindFree(count);
                start = (nuint)number << _shift;
                var placement = new Placement<nuint>(imported, constraints, Quantum);
                if (!placement.TryLowest(start, start + imported - 1, out nuint place) || place != start)
                {
                    return false;
                }

                slab.Start = start;
                Set(number, count, slab);
                _made += (long)imported;
            }
        }
        catch (OutOfMemoryException)
        {
            return false;
        }

        Imported?.Invoke();
        return true;
    }

    /// <summary>Gives the memory back at once, and the array to the collector.</summary>
    public void Release(nuint start, nuint size)
    {
        PinnedSlab<T> slab = TryOf(start)!;
        Invariant.Assert(slab.Start == start && slab.Size == size, "a slab goes back as it came");

        // At the pool's end some of it may be rented yet.
        NoteTrimmed(_isEnding ? 0 : slab.Discard(start, size, onlyIdle: false));
        using (_gate.EnterScope())
        {
            Set((int)(start >> _shift), (int)(size >> _shift), null);
        }
    }

    public void NoteTrimmed(nuint bytes) => Interlocked.Add(ref _trimmed, (long)bytes);

    /// <summary>What goes back from now on keeps its contents until the collector comes.</summary>
    public void End() => _isEnding = true;

    /// <summary>The lowest number from which on so many are free. Under the gate.</summary>
    private int FindFree(int count)
    {
        PinnedSlab<T>?[] slabs = _slabs;
        int free = 0;
        for (int number = 0; number < slabs.Length; number++)
        {
            free = slabs[number] is null ? free + 1 : 0;
            if (free == count)
            {
                return number - count + 1;
            }
        }

        Array.Resize(ref slabs, Math.Max(2 * slabs.Length, slabs.Length - free + count));
        int first = _slabs.Length - free;
        _slabs = slabs;
        return first;
    }

    private void Set(int number, int count, PinnedSlab<T>? slab) => _slabs.AsSpan(number, count).Fill(slab);
}
