using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Free lists of many members and many sizes, divided by size: rows of 64 lists, of which each may be divided again.</summary>
/// <remarks>
/// <para>
/// The members of a wide free list differ by up to 1/64 in size. As long as there are few, whoever must know looks at each. A list of more
/// than <see cref="Most"/> is divided by the next six bits of its members' sizes; a part that grows as long is divided by the six bits
/// below; where no bit is left, all members have one size. So the largest member, one that is long enough, and how many there are, are
/// found in a few steps, and no list is divided in more than <see cref="Most"/> steps: an index by size that grows with each operation,
/// only where it is needed. A row that shrinks to <see cref="Fewest"/> members becomes one list again.
/// </para>
/// <para>
/// A row takes 524 bytes and has more than <see cref="Fewest"/> members: at most 31 bytes for a free segment in a list that is divided
/// once, and less than one byte where 64 parts are full. A link to a row has the top bit set, which no tag's number has.
/// </para>
/// <para>Rejected: a tree by size, which every change of a free segment would pay for, or none until it is first asked for: then it takes a
/// quarter of a second at 10^6 segments, and what is asked then is whether a request fails.</para>
/// </remarks>
internal unsafe struct DividedLists<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>A list of more members is divided. As many as a row has parts: then a part has one, if sizes are spread evenly.</summary>
    public const uint Most = SizeClass.Steps;

    /// <summary>A row of no more members becomes one list again. A quarter, so that none is divided and joined by turns.</summary>
    private const uint Fewest = Most / 4;

    private const uint RowFlag = 1u << 31;

    /// <summary>One part: a list of tags, or a row.</summary>
    private struct Part
    {
        public uint Link;
        public uint Count;
    }

    [InlineArray(SizeClass.Steps)]
    private struct Parts
    {
        private Part _first;
    }

    private struct Row
    {
        public ulong NotEmpty;
        public uint Count;
        public Parts Parts;
    }

    private StrongBox<NodePool<Row>>? _pool;      // of rows; none before the first list is divided

    /// <summary>log2 of the arena's quantum.</summary>
    public int QuantumShift { get; init; }

    public readonly long Bytes => _pool?.Value.Bytes ?? 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsRow(uint link) => (int)link < 0;

    public readonly void Release() => _pool?.Value.Release();

    /// <summary>Puts a free segment into a divided list.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="link">The link to the row.</param>
    /// <param name="bits">How many low bits of a size differ between its members.</param>
    /// <param name="units">The segment's size.</param>
    /// <param name="index">Its tag.</param>
    /// <param name="inOrder">Whether a lower member goes before it.</param>
    public void Push(in TagPool<T> tags, uint link, int bits, T units, uint index, bool inOrder)
    {
        Part* part;
        do
        {
            StepCounter.Count();
            Row* row = RowAt(link);
            int number = PartOf(units, ref bits);
            part = PartAt(row, number);
            row->NotEmpty |= 1ul << number;
            row->Count++;
            part->Count++;
            link = part->Link;
        }
        while (IsRow(link));

        bool isBehind = inOrder && link != 0 && tags.At(link)->Start < tags.At(index)->Start;
        Insert(tags, &part->Link, isBehind ? link : 0, index);
        if (part->Count > Most && bits > 0)
        {
            _ = TryDivide(tags, &part->Link, bits);
        }
    }

    /// <summary>Takes a free segment out of a divided list.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="link">The link to the row; becomes one to a list if few are left.</param>
    /// <param name="bits">How many low bits of a size differ between its members.</param>
    /// <param name="units">The segment's size.</param>
    /// <param name="tag">Its tag.</param>
    public void Remove(in TagPool<T> tags, uint* link, int bits, T units, Tag<T>* tag)
    {
        StepCounter.Count();
        Row* row = RowAt(*link);
        int number = PartOf(units, ref bits);
        Part* part = PartAt(row, number);
        Invariant.Assert(row->Count > Fewest && part->Count > 0, "what is taken out of a divided list is counted in it");
        row->Count--;
        part->Count--;
        if (IsRow(part->Link))
        {
            Remove(tags, &part->Link, bits, units, tag);
        }
        else
        {
            *(tag->LinkB == 0 ? &part->Link : &tags.At(tag->LinkB)->LinkA) = tag->LinkA;
            tags.At(tag->LinkA)->LinkB = tag->LinkB;
            row->NotEmpty &= part->Link == 0 ? ~(1ul << number) : ulong.MaxValue;
        }

        if (row->Count <= Fewest)
        {
            Join(tags, link, row);
        }
    }

    /// <summary>The first member of the part with the smallest sizes.</summary>
    public readonly uint Smallest(uint link)
    {
        while (IsRow(link))
        {
            StepCounter.Count();
            Row* row = RowAt(link);
            link = PartAt(row, BitOperations.TrailingZeroCount(row->NotEmpty))->Link;
        }

        return link;
    }

    /// <summary>The list of those with the largest sizes.</summary>
    /// <param name="link">The link to the row.</param>
    /// <param name="bits">How many low bits of a size differ between the members; receives how many do in that list.</param>
    public readonly uint Largest(uint link, ref int bits)
    {
        while (IsRow(link))
        {
            StepCounter.Count();
            Row* row = RowAt(link);
            bits -= Math.Min(bits, SizeClass.StepBits);
            link = PartAt(row, BitOperations.Log2(row->NotEmpty))->Link;
        }

        return link;
    }

    /// <summary>A member of a larger part than the size belongs to if there is one, or the list that the size belongs to.</summary>
    /// <param name="link">The link to the row.</param>
    /// <param name="bits">How many low bits of a size differ between the members; receives how many do in the list that is returned; 0:
    /// each of its members is long enough.</param>
    /// <param name="units">The size.</param>
    public readonly uint NotSmaller(uint link, ref int bits, T units)
    {
        while (IsRow(link))
        {
            StepCounter.Count();
            Row* row = RowAt(link);
            int number = PartOf(units, ref bits);
            ulong larger = row->NotEmpty & (ulong.MaxValue - 1) << number;
            if (larger != 0)
            {
                bits = 0;
                return Smallest(PartAt(row, BitOperations.TrailingZeroCount(larger))->Link);
            }

            link = PartAt(row, number)->Link;
        }

        return link;
    }

    /// <summary>How many members are surely of this size or larger, and the list of those that may be.</summary>
    public readonly uint CountLarger(uint link, ref int bits, T units, ref long count)
    {
        while (IsRow(link))
        {
            StepCounter.Count();
            Row* row = RowAt(link);
            int number = PartOf(units, ref bits);
            for (int larger = number + 1; larger < SizeClass.Steps; larger++)
            {
                count += PartAt(row, larger)->Count;
            }

            if (bits == 0)
            {
                count += PartAt(row, number)->Count;
                return 0;
            }

            link = PartAt(row, number)->Link;
        }

        return link;
    }

    /// <summary>How many members a divided list has.</summary>
    public readonly uint Count(uint link) => RowAt(link)->Count;

    /// <summary>Divides a list by size. Without memory it stays as it is.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="link">The link to the list; becomes one to a row.</param>
    /// <param name="bits">How many low bits of a size differ between its members; at least 1.</param>
    /// <returns>Whether it is divided.</returns>
    public bool TryDivide(in TagPool<T> tags, uint* link, int bits)
    {
        if (!TryReserve())
        {
            return false;
        }

        uint index = *link;
        for (uint next = index; next != 0; next = tags.At(next)->LinkA)
        {
            index = next;                         // the last: the order within the parts remains
        }

        ref NodePool<Row> rows = ref _pool!.Value;
        uint rowIndex = rows.Take();
        *rows.At(rowIndex) = default;
        *link = rowIndex | RowFlag;
        int shift = QuantumShift;
        while (index != 0)
        {
            Tag<T>* tag = tags.At(index);
            uint before = tag->LinkB;
            Row* row = rows.At(rowIndex);
            int rest = bits;
            int number = PartOf((tags.At(tag->Next)->Start - tag->Start) >> shift, ref rest);
            Part* part = PartAt(row, number);
            Insert(tags, &part->Link, 0, index);
            part->Count++;
            row->Count++;
            row->NotEmpty |= 1ul << number;
            StepCounter.Count();
            index = before;
        }

        return true;
    }

    /// <summary>Checks a divided list; <paramref name="check"/> gets each of its lists.</summary>
    public readonly uint Validate(uint link, Func<uint, uint> check)
    {
        if (!IsRow(link))
        {
            return check(link);
        }

        Row* row = RowAt(link);
        uint count = 0;
        for (int number = 0; number < SizeClass.Steps; number++)
        {
            Part* part = PartAt(row, number);
            uint members = Validate(part->Link, check);
            Invariant.Hold(members == part->Count, "the parts of a divided list are counted", $"{part->Count} of {members}");
            Invariant.Hold((row->NotEmpty >> number & 1) != 0 == (members != 0), "the bitmaps tell which lists are empty", $"part {number}");
            count += members;
        }

        Invariant.Hold(row->Count == count && count > Fewest, "the members of a divided list are counted", $"{row->Count} of {count}");
        return count;
    }

    /// <summary>Makes one list of the few members of a row. None of its parts is a row: that would have more.</summary>
    private void Join(in TagPool<T> tags, uint* link, Row* row)
    {
        uint rowIndex = *link & ~RowFlag;
        *link = 0;
        for (ulong parts = row->NotEmpty; parts != 0;)
        {
            int number = BitOperations.Log2(parts);           // downwards: the smallest come first
            parts ^= 1ul << number;
            for (uint index = PartAt(row, number)->Link; index != 0;)
            {
                Invariant.Assert(!IsRow(index), "a row has more members than a list that is joined");
                StepCounter.Count();
                uint next = tags.At(index)->LinkA;
                Insert(tags, link, 0, index);
                index = next;
            }
        }

        _pool!.Value.Return(rowIndex);
    }

    /// <summary>Puts a tag into a list, at its head or behind another.</summary>
    private static void Insert(in TagPool<T> tags, uint* link, uint previous, uint index)
    {
        link = previous == 0 ? link : &tags.At(previous)->LinkA;
        uint next = *link;
        Tag<T>* tag = tags.At(index);
        tag->LinkA = next;
        tag->LinkB = previous;
        tags.At(next)->LinkB = index;
        *link = index;
    }

    private static Part* PartAt(Row* row, int number) => (Part*)&row->Parts + number;

    private readonly Row* RowAt(uint link) => _pool!.Value.At(link & ~RowFlag);

    /// <summary>The part of a row that a size belongs to, by the highest of the bits that differ; they are fewer then.</summary>
    private static int PartOf(T units, ref int bits)
    {
        int taken = Math.Min(bits, SizeClass.StepBits);
        bits -= taken;
        return int.CreateTruncating(units >> bits & T.CreateTruncating((1 << taken) - 1));
    }

    private bool TryReserve()
    {
        try
        {
            _pool ??= new StrongBox<NodePool<Row>>();
            if (_pool.Value.Available == 0)
            {
                _pool.Value.Grow();
            }

            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
