using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    /// <summary>64 lists and the bitmap of those that are not empty: five cache lines, two of which an operation touches.</summary>
    private struct Row
    {
        public ulong NotEmpty;
        public Heads Heads;
    }

    [InlineArray(SizeClass.RowLength)]
    private struct Heads
    {
        private uint _first;
    }

    /// <summary>Below this many units a list is one of the smallest: holes of these sizes are the many, and where they lie decides what
    /// coalesces.</summary>
    private const int TinyLists = 16;

    /// <summary>How many lower segments one passes on its way into such a list. Tuned on the ramp: with lists always in order, 15 in its
    /// place gave sizes U64 98.87 % instead of 98.92 %, and sizes P no more than seeds differ.</summary>
    private const int TinyWalk = 8;

    /// <summary>From this list on, the members of a list may differ in size.</summary>
    private const int FirstWide = 2 * SizeClass.RowLength;

    /// <summary>One in 16 segments that come into a wide list has it looked at whether it is long: a list has no counter, for which every
    /// operation would pay. Steps of 2^32/φ are spread evenly whatever part of them a list gets (Weyl). Arbitrary.</summary>
    private const uint LookBelow = 1u << 28;

    private const uint LookStep = 0x9E3779B9;

    private readonly int _quantumShift;
    private DividedLists<T> _divided;
    private uint _look;
    private Row* _rows;
    private int _rowCount;
    private ulong _rowsLow;                       // which of rows 0–63 have a list that is not empty
    private ulong _rowsHigh;                      // and of rows 64–127, which only 128-bit sizes reach

    public FreeLists(int quantumShift)
    {
        _quantumShift = quantumShift;
        _divided = new DividedLists<T> { QuantumShift = quantumShift };
    }

    public readonly long Bytes => ((long)_rowCount * sizeof(Row)) + _divided.Bytes;

    /// <summary>Makes room for segments of up to this many units. Constant work: there are at most 123 rows.</summary>
    public void EnsureRoom(T units)
    {
        int needed = (SizeClass.Of(units) >> SizeClass.RowBits) + 1;
        if (needed <= _rowCount)
        {
            return;
        }

        _rows = (Row*)NativeMemory.Realloc(_rows, (nuint)needed * (nuint)sizeof(Row));
        NativeMemory.Clear(_rows + _rowCount, (nuint)(needed - _rowCount) * (nuint)sizeof(Row));
        _rowCount = needed;
    }

    public void Release()
    {
        NativeMemory.Free(_rows);
        _divided.Release();
        this = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Push(in TagPool<T> tags, uint index, Tag<T>* tag, int sizeClass, bool inOrder)
    {
        Row* row = _rows + (sizeClass >> SizeClass.RowBits);
        uint* link = Head(row, sizeClass);
        if (sizeClass >= FirstWide && (DividedLists<T>.IsRow(*link) || (_look += LookStep) < LookBelow) &&
            TryPushDivided(tags, index, tag, sizeClass, inOrder))
        {
            return;
        }

        uint previous = inOrder ? FindPlace(tags, tag->Start, sizeClass, ref link) : 0;
        uint next = *link;
        Invariant.Assert(sizeClass >> SizeClass.RowBits < _rowCount, "the lists reach as far as the largest span");
        Invariant.Assert(tag->Kind == TagKind.Free && next != index, "what comes into a free list is free and not in it");
        Invariant.Assert(next == 0 || (tags.At(next)->Kind == TagKind.Free && tags.At(next)->LinkB == previous), "a free list links free segments both ways");
        *link = index;
        tag->LinkA = next;
        tag->LinkB = previous;
        tags.At(next)->LinkB = index;             // where there is no next, the unused tag 0 takes the write
        row->NotEmpty |= 1ul << sizeClass;
        MarkRow(sizeClass >> SizeClass.RowBits);
    }

    /// <summary>Moves the link from a list's head to where a segment that starts here belongs, roughly; returns the tag before that, 0 at
    /// the head.</summary>
    private static uint FindPlace(in TagPool<T> tags, T start, int sizeClass, ref uint* link)
    {
        uint previous = 0;
        int walk = sizeClass < TinyLists ? TinyWalk : 1;
        for (uint next = *link; walk > 0 && start > tags.At(next)->Start; walk--, next = *link)
        {
            previous = next;                      // the unused tag 0 ends every list: it lies above all
            link = &tags.At(next)->LinkA;
        }

        return previous;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(in TagPool<T> tags, Tag<T>* tag, int sizeClass)
    {
        uint next = tag->LinkA;
        uint previous = tag->LinkB;
        Row* row = _rows + (sizeClass >> SizeClass.RowBits);
        uint* link = &tags.At(previous)->LinkA;
        uint* head = Head(row, sizeClass);
        if (sizeClass >= FirstWide && DividedLists<T>.IsRow(*head))
        {
            _divided.Remove(tags, head, SizeClass.Bits(sizeClass), UnitsOf(tags, tag), tag);
            return;
        }

        link = previous == 0 ? head : link;       // written so that a conditional move will do
        Invariant.Assert(tag->Kind == TagKind.Free && *link != 0 && tags.At(*link) == tag, "what leaves a free list was in it");
        Invariant.Assert(next == 0 || tags.At(tags.At(next)->LinkB) == tag, "a free list links free segments both ways");
        Invariant.Assert((row->NotEmpty & (1ul << sizeClass)) != 0, "a list with a segment in it is marked");
        *link = next;
        tags.At(next)->LinkB = previous;
        if ((next | previous) == 0)
        {
            MarkEmpty(row, sizeClass);
        }
    }

    /// <summary>Takes the first tag off a list that is not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Pop(in TagPool<T> tags, int sizeClass)
    {
        Row* row = _rows + (sizeClass >> SizeClass.RowBits);
        uint* head = Head(row, sizeClass);
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
            MarkEmpty(row, sizeClass);
        }

        return index;
    }

    /// <summary>The first tag of a list; 0 if the list is empty. Of a divided one, the first of the smallest.</summary>
    public readonly uint First(int sizeClass) => _divided.Smallest(LinkOf(sizeClass));

    /// <summary>The first list at or above this one that is not empty; −1 if there is none. Two bitmap scans.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int FindNotEmpty(int sizeClass)
    {
        int row = sizeClass >>> SizeClass.RowBits;
        if ((uint)row < (uint)_rowCount)
        {
            ulong lists = _rows[row].NotEmpty >> sizeClass;                // shifts count modulo 64
            if (lists != 0)
            {
                return sizeClass + BitOperations.TrailingZeroCount(lists);
            }
        }

        row = FindRow(row + 1);
        return row < 0 ? -1 : (row << SizeClass.RowBits) + BitOperations.TrailingZeroCount(_rows[row].NotEmpty);
    }

    /// <summary>The highest list that is not empty; −1 if all are empty.</summary>
    public readonly int FindHighest()
    {
        int row = _rowsHigh != 0 ? 64 + BitOperations.Log2(_rowsHigh) : _rowsLow != 0 ? BitOperations.Log2(_rowsLow) : -1;
        return row < 0 ? -1 : (row << SizeClass.RowBits) + BitOperations.Log2(_rows[row].NotEmpty);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int FindRow(int from)
    {
        if (from < 64)
        {
            ulong rows = _rowsLow & (ulong.MaxValue << from);
            if (rows != 0)
            {
                return BitOperations.TrailingZeroCount(rows);
            }
        }

        if (sizeof(T) > sizeof(ulong))
        {
            ulong rows = _rowsHigh & (from <= 64 ? ulong.MaxValue : from < 128 ? ulong.MaxValue << (from - 64) : 0);
            return rows != 0 ? 64 + BitOperations.TrailingZeroCount(rows) : -1;
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MarkRow(int row)
    {
        if (sizeof(T) <= sizeof(ulong) || row < 64)
        {
            _rowsLow |= 1ul << row;
        }
        else
        {
            _rowsHigh |= 1ul << row;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MarkEmpty(Row* row, int sizeClass)
    {
        row->NotEmpty &= ~(1ul << sizeClass);
        if (row->NotEmpty == 0)
        {
            MarkRowEmpty(sizeClass >> SizeClass.RowBits);
        }
    }

    private void MarkRowEmpty(int row)
    {
        if (row < 64)
        {
            _rowsLow &= ~(1ul << row);
        }
        else
        {
            _rowsHigh &= ~(1ul << row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint* Head(Row* row, int sizeClass) => (uint*)&row->Heads + (sizeClass & (SizeClass.RowLength - 1));
}
