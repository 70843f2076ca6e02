using System.Numerics;
using Vmem.Checks;
using Vmem.Segments;

namespace Vmem.Resting;

/// <summary>Ranges that rest, the one whose rest ends first at the top.</summary>
/// <remarks>A heap of four children a node: half as many levels as with two, and the children of a node share two cache lines.</remarks>
internal unsafe struct RestHeap<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const uint Children = 4;
    private const uint Fewest = 16;               // arbitrary
    private const uint Most = 1u << 30;           // as many as there are tags

    private GrowingBlock _block;
    private uint _room;
    private uint _count;

    public readonly long Count => _count;

    public readonly long Bytes => _block.Taken(_count * (long)sizeof(RestEntry<T>));

    /// <summary>There is one.</summary>
    public readonly ref readonly RestEntry<T> First => ref *At(0);

    /// <summary>Makes sure that so many calls of <see cref="Add"/> need no memory. Throws <see cref="OutOfMemoryException"/>, having
    /// changed nothing.</summary>
    public void Reserve(int count)
    {
        if (_room - _count >= (uint)count)
        {
            return;
        }

        uint room = BitOperations.RoundUpToPowerOf2(Math.Max(Fewest, _count + (uint)count));
        _block.Grow(room * (nuint)sizeof(RestEntry<T>), Math.Max(Most, room) * (ulong)sizeof(RestEntry<T>));
        _room = room;
    }

    public void Add(in RestEntry<T> entry)
    {
        Invariant.Assert(_count < _room, "room was reserved");
        uint place = _count++;
        while (place > 0 && entry.IsBefore(*At((place - 1) / Children)))
        {
            StepCounter.Count();
            *At(place) = *At((place - 1) / Children);
            place = (place - 1) / Children;
        }

        *At(place) = entry;
    }

    public void RemoveFirst()
    {
        Invariant.Assert(_count > 0, "what goes was there");
        RestEntry<T> last = *At(--_count);
        uint place = 0;
        while (TryFindFirstChild(place, out uint child) && At(child)->IsBefore(last))
        {
            StepCounter.Count();
            *At(place) = *At(child);
            place = child;
        }

        *At(place) = last;
        if (_count == 0 && (nuint)_room * (nuint)sizeof(RestEntry<T>) > GrowingBlock.MostMoved)
        {
            Release();
        }
    }

    /// <summary>Takes out what begins within a range: the others are added anew, each at or before its place.</summary>
    public void RemoveWithin(T start, T size)
    {
        uint count = _count;
        _count = 0;
        for (uint place = 0; place < count; place++)
        {
            RestEntry<T> entry = *At(place);
            if (entry.Start - start >= size)
            {
                Add(entry);
            }
        }
    }

    /// <summary>All of them, in no order.</summary>
    public readonly ReadOnlySpan<RestEntry<T>> All => new(At(0), (int)_count);

    public void Release()
    {
        _block.Release();
        this = default;
    }

    private readonly RestEntry<T>* At(uint place) => (RestEntry<T>*)_block.Start + place;

    private readonly bool TryFindFirstChild(uint place, out uint first)
    {
        first = (place * Children) + 1;
        uint end = Math.Min(first + Children, _count);
        for (uint child = first + 1; child < end; child++)
        {
            first = At(child)->IsBefore(*At(first)) ? child : first;
        }

        return first < _count;
    }
}
