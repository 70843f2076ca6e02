using System.Numerics;

namespace Vmem.Resting;

/// <summary>Ranges that rest, in the order in which their rests end; of those that end together, in the order in which they came.</summary>
/// <remarks>
/// <para>
/// Whoever frees later mostly says the same delay, or fences in order: then what comes rests longest, and a ring has it in order for
/// nothing. What comes out of order goes into a heap, O(log n). Whichever of the two begins with the earlier end is first. So the cost
/// follows what is asked for: one long rest among short ones puts the short ones into the heap until it is over.
/// </para>
/// <para>
/// Rejected: a heap alone. Each end of a rest would take the longest way through it: nine levels of four at 10^5. Rejected: a ring for each
/// delay, of which there may be as many as ranges. Rejected: a wheel of slots, which ends rests at ticks, and oldest first only roughly.
/// </para>
/// </remarks>
internal struct RestQueue<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private RestRing<T> _ring;
    private RestHeap<T> _heap;
    private uint _turns;

    public readonly long Count => _ring.Count + _heap.Count;

    public readonly long Bytes => _ring.Bytes + _heap.Bytes;

    /// <summary>When the first rest ends; <see cref="ulong.MaxValue"/> if there is none.</summary>
    public readonly ulong Next => Count == 0 ? ulong.MaxValue : First.Until;

    /// <summary>The one whose rest ends first. There is one.</summary>
    public readonly ref readonly RestEntry<T> First => ref IsFirstInRing ? ref _ring.First : ref _heap.First;

    private readonly bool IsFirstInRing => _heap.Count == 0 || (_ring.Count > 0 && _ring.First.IsBefore(_heap.First));

    /// <summary>Makes sure that so many calls of <see cref="Add"/> with this end, and none other between, need no memory. Throws
    /// <see cref="OutOfMemoryException"/>; nothing else has changed then.</summary>
    public void Reserve(ulong until, int count)
    {
        if (IsInOrder(until))
        {
            _ring.Reserve(count);
        }
        else
        {
            _heap.Reserve(count);
        }
    }

    public void Add(ulong until, T start, uint tag)
    {
        RestEntry<T> entry = new() { Until = until, Start = start, Tag = tag, Turn = _turns++ };
        if (IsInOrder(until))
        {
            _ring.Add(entry);
        }
        else
        {
            _heap.Add(entry);
        }
    }

    public void RemoveFirst()
    {
        if (IsFirstInRing)
        {
            _ring.RemoveFirst();
        }
        else
        {
            _heap.RemoveFirst();
        }
    }

    /// <summary>Makes sure that <see cref="RemoveWithin"/> needs no memory.</summary>
    public void ReserveRemoval() => _ring.Reserve(1);

    /// <summary>Takes out what begins within a range.</summary>
    public void RemoveWithin(T start, T size)
    {
        _ring.RemoveWithin(start, size);
        _heap.RemoveWithin(start, size);
    }

    /// <summary>All of them, part by part.</summary>
    /// <param name="part">The part before; 0: none. Afterwards this one.</param>
    /// <param name="entries">Those in it; there may be none.</param>
    /// <returns>False if there is no more.</returns>
    public readonly bool TryNext(ref nint part, out ReadOnlySpan<RestEntry<T>> entries)
    {
        const nint Heap = -1;                     // no chunk lies there
        if (part == 0)
        {
            part = Heap;
            entries = _heap.All;
            return true;
        }

        part = part == Heap ? 0 : part;
        return _ring.TryNext(ref part, out entries);
    }

    /// <summary>All of them, in order. O(n log n).</summary>
    public readonly List<RestEntry<T>> ToList()
    {
        List<RestEntry<T>> list = [.. _heap.All];
        for (nint chunk = 0; _ring.TryNext(ref chunk, out ReadOnlySpan<RestEntry<T>> entries);)
        {
            list.AddRange(entries);
        }

        list.Sort(static (a, b) => a.IsBefore(b) ? -1 : b.IsBefore(a) ? 1 : 0);
        return list;
    }

    public void Release()
    {
        _ring.Release();
        _heap.Release();
        this = default;
    }

    private readonly bool IsInOrder(ulong until) => _ring.Count == 0 || until >= _ring.Last.Until;
}
