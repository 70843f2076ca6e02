using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The free segments by size: one list a size class, and two levels of bitmaps that tell which lists are not empty.</summary>
/// <remarks>
/// As a rule a list is last in, first out: what was freed last is the likeliest to be cached. When space is scarce, lists are kept roughly
/// in address order: a segment goes before the head or, if it lies above it, right after it; in the lists of the very smallest sizes it
/// passes up to <see cref="TinyWalk"/> lower ones. So the low holes are used first, and the high ones get time to coalesce. Rejected: last
/// in, first out always, which in the fragmentation ramp of docs/performance.md (sizes P) failed at 85.7 % occupancy; and order always,
/// which made a pair nearly a fifth slower at a thousand segments. Order proper would cost a search at every free; who wants that asks for
/// best or first fit. Long lists of different sizes are divided: see <see cref="DividedLists{T}"/>.
/// </remarks>
internal unsafe partial struct FreeLists<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Below this many units a list is one of the smallest: holes of these sizes are the many, and where they lie decides what
    /// coalesces.</summary>
    private const int TinyLists = 16;

    /// <summary>How many lower segments one passes on its way into such a list. Tuned on the ramp: with lists always in order, 15 in its
    /// place gave sizes U64 98.87 % instead of 98.92 %, and sizes P no more than seeds differ.</summary>
    private const int TinyWalk = 8;

    /// <summary>One in 16 segments that come into a wide list has it looked at whether it is long: a list has no counter, for which every
    /// operation would pay. Steps of 2^32/φ are spread evenly whatever part of them a list gets (Weyl). Arbitrary.</summary>
    private const uint LookBelow = 1u << 28;

    private const uint LookStep = 0x9E3779B9;

    private readonly int _quantumShift;
    private DividedLists<T> _divided;
    private uint _look;
    private ListRows<T> _rows;

    public FreeLists(int quantumShift)
    {
        _quantumShift = quantumShift;
        _divided = new DividedLists<T> { QuantumShift = quantumShift };
    }

    public readonly long Bytes => _rows.Bytes + _divided.Bytes;

    public void Release()
    {
        _rows.Release();
        _divided.Release();
        this = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(in TagPool<T> tags, uint index, Tag<T>* tag, int sizeClass, bool inOrder)
    {
        ListRow* row = _rows.Place(sizeClass);
        uint* link = ListRows<T>.Head(row, sizeClass);
        if (sizeClass >= SizeClass.FirstWide && (DividedLists<T>.IsRow(*link) || (_look += LookStep) < LookBelow) &&
            TryPushDivided(tags, index, tag, sizeClass, inOrder))
        {
            return;
        }

        uint previous = 0;
        if (inOrder)
        {
            previous = FindPrevious(tags, *link, tag->Start, sizeClass);
            link = previous == 0 ? link : &tags.At(previous)->LinkA;
        }

        uint next = *link;
        Invariant.Assert(tag->Kind == TagKind.Free && next != index, "what comes into a free list is free and not in it");
        Invariant.Assert(next == 0 || (tags.At(next)->Kind == TagKind.Free && tags.At(next)->LinkB == previous), "a free list links free segments both ways");
        *link = index;
        tag->LinkA = next;
        tag->LinkB = previous;
        tags.At(next)->LinkB = index;             // where there is no next, the unused tag 0 takes the write
        _rows.Mark(row, sizeClass);
    }

    /// <summary>The tag behind which a segment that starts here belongs, roughly; 0: at the head of the list, whose first is
    /// <paramref name="next"/>.</summary>
    private static uint FindPrevious(in TagPool<T> tags, uint next, T start, int sizeClass)
    {
        uint previous = 0;
        for (int walk = sizeClass < TinyLists ? TinyWalk : 1; walk > 0 && start > tags.At(next)->Start; walk--)
        {
            previous = next;                      // the unused tag 0 ends every list: it lies above all
            next = tags.At(next)->LinkA;
        }

        return previous;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(in TagPool<T> tags, Tag<T>* tag, int sizeClass)
    {
        uint next = tag->LinkA;
        uint previous = tag->LinkB;
        ListRow* row = _rows.Of(sizeClass);
        uint* link = &tags.At(previous)->LinkA;
        uint* head = ListRows<T>.Head(row, sizeClass);
        if (sizeClass >= SizeClass.FirstWide && DividedLists<T>.IsRow(*head))
        {
            _divided.Remove(tags, head, SizeClass.Bits(sizeClass), UnitsOf(tags, tag), tag);
            return;
        }

        link = previous == 0 ? head : link;       // written so that a conditional move will do
        Invariant.Assert(tag->Kind == TagKind.Free && *link != 0 && tags.At(*link) == tag, "what leaves a free list was in it");
        Invariant.Assert(next == 0 || tags.At(tags.At(next)->LinkB) == tag, "a free list links free segments both ways");
        Invariant.Assert(ListRows<T>.IsMarked(row, sizeClass), "a list with a segment in it is marked");
        *link = next;
        tags.At(next)->LinkB = previous;
        if ((next | previous) == 0)
        {
            _rows.MarkEmpty(row, sizeClass);
        }
    }

    /// <summary>Takes the first tag off the first list at or above this one that is not empty; 0 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Pop(in TagPool<T> tags, int sizeClass)
    {
        ListRow* row = _rows.Find(ref sizeClass);
        if (row == null)
        {
            return 0;
        }

        uint* head = ListRows<T>.Head(row, sizeClass);
        uint index = *head;
        if (DividedLists<T>.IsRow(index))
        {
            return PopDivided(tags, head, sizeClass);
        }

        uint next = tags.At(index)->LinkA;
        Invariant.Assert(index != 0 && tags.At(index)->Kind == TagKind.Free && tags.At(index)->LinkB == 0, "a list that is marked begins with a free segment");
        Invariant.Assert(next == 0 || tags.At(next)->LinkB == index, "a free list links free segments both ways");
        *head = next;
        tags.At(next)->LinkB = 0;
        if (next == 0)
        {
            _rows.MarkEmpty(row, sizeClass);
        }

        return index;
    }

    /// <summary>The first tag of a list; 0 if the list is empty. Of a divided one, the first of the smallest.</summary>
    public readonly uint First(int sizeClass) => _divided.Smallest(LinkOf(sizeClass));

    /// <summary>The first list at or above this one that is not empty; −1 if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int FindNotEmpty(int sizeClass) => _rows.Find(ref sizeClass) == null ? -1 : sizeClass;

    /// <summary>The highest list that is not empty; −1 if all are empty.</summary>
    public readonly int FindHighest() => _rows.FindHighest();

    /// <summary>See <see cref="ListRows{T}.Reach"/>.</summary>
    public void EnsureReach(T units, uint tags) => _rows.Reach(units, tags);

    /// <summary>See <see cref="ListRows{T}.Ensure(uint)"/>.</summary>
    public void EnsurePlaces(uint tags) => _rows.Ensure(tags);

    /// <summary>See <see cref="ListRows{T}.Shrink"/>.</summary>
    public void Shrink(uint tags) => _rows.Shrink(tags);
}
