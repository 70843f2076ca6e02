using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The heads of the free lists, and two levels of bitmaps: which lists of a row are not empty, and which rows.</summary>
internal unsafe struct ListRows<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private RowPlaces<T> _places;
    private ulong _markedLow;                     // which of rows 0–63 have a list that is not empty
    private ulong _markedHigh;                    // and of rows 64–127, which there are only for the largest sizes

    /// <summary>How many lists the largest span reaches.</summary>
    public readonly int Lists => _places.Reached << RowPlaces<T>.RowBits;

    public readonly long Bytes => _places.Bytes;

    private readonly UInt128 Marked => new(_markedHigh, _markedLow);

    /// <inheritdoc cref="RowPlaces{T}.Reach"/>
    public void Reach(T units, uint tags) => _places.Reach(units, tags);

    /// <inheritdoc cref="RowPlaces{T}.Ensure(uint)"/>
    public void Ensure(uint tags) => _places.Ensure(tags);

    /// <summary>Gives back the memory that so many tags cannot need.</summary>
    public void Shrink(uint tags) => _places.Shrink(tags, Marked);

    public void Release()
    {
        _places.Release();
        this = default;
    }

    /// <summary>The row of a list, which has or gets a place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ListRow* Place(int sizeClass)
    {
        int row = NumberOf(sizeClass);
        return _places.Has(row) ? _places.At(row) : PlaceRow(row);
    }

    /// <summary>The row of a list. One without a place is empty, and has no heads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ListRow* Of(int sizeClass) => _places.At(NumberOf(sizeClass));

    /// <summary>What stands at the head of a list; 0 if it is empty.</summary>
    public readonly uint LinkOf(int sizeClass) => _places.Has(NumberOf(sizeClass)) ? *Head(Of(sizeClass), sizeClass) : 0;

    /// <summary>The head of a list.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint* Head(ListRow* row, int sizeClass) => (uint*)(row + 1) + PositionOf(sizeClass);

    public static bool IsMarked(ListRow* row, int sizeClass) => (row->NotEmpty >> PositionOf(sizeClass) & 1) != 0;

    /// <summary>The list is not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Mark(ListRow* row, int sizeClass)
    {
        row->NotEmpty |= 1ul << PositionOf(sizeClass);
        int number = NumberOf(sizeClass);
        if (RowPlaces<T>.Rows <= 64 || number < 64)
        {
            _markedLow |= 1ul << number;
        }
        else
        {
            _markedHigh |= 1ul << number;
        }
    }

    /// <summary>The list is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MarkEmpty(ListRow* row, int sizeClass)
    {
        row->NotEmpty &= ~(1ul << PositionOf(sizeClass));
        if (row->NotEmpty == 0)
        {
            MarkRowEmpty(NumberOf(sizeClass));
        }
    }

    /// <summary>Moves to the first list at or above this one that is not empty: two bitmap scans.</summary>
    /// <returns>Its row; null if there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ListRow* Find(ref int sizeClass)
    {
        Invariant.Assert(NumberOf(sizeClass) < RowPlaces<T>.Rows, "there is no list above the one above that of the largest size");
        int list = sizeClass;
        ListRow* row = Of(list);
        ulong lists = row->NotEmpty >> PositionOf(list);
        if (lists == 0)
        {
            int number = FindRow(NumberOf(list) + 1);
            if (number < 0)
            {
                return null;
            }

            row = _places.At(number);
            lists = row->NotEmpty;
            list = number << RowPlaces<T>.RowBits;
        }

        sizeClass = list + BitOperations.TrailingZeroCount(lists);
        return row;
    }

    /// <summary>The highest list that is not empty; −1 if all are empty.</summary>
    public readonly int FindHighest()
    {
        int row = _markedHigh != 0 ? 64 + BitOperations.Log2(_markedHigh) : _markedLow != 0 ? BitOperations.Log2(_markedLow) : -1;
        return row < 0 ? -1 : (row << RowPlaces<T>.RowBits) + BitOperations.Log2(_places.At(row)->NotEmpty);
    }

    /// <summary>Checks that the bitmaps tell the truth, but for the lists themselves.</summary>
    public readonly void Validate()
    {
        _places.Validate();
        for (int row = 0; row < _places.Reached; row++)
        {
            Invariant.Hold((Marked >> row & 1) != 0 == (_places.At(row)->NotEmpty != 0), "the bitmaps tell which rows are empty", $"row {row}");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int NumberOf(int sizeClass) => sizeClass >>> RowPlaces<T>.RowBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PositionOf(int sizeClass) => sizeClass & ((1 << RowPlaces<T>.RowBits) - 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ListRow* PlaceRow(int row) => _places.Place(row, Marked);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int FindRow(int from)
    {
        if (from < 64)
        {
            ulong rows = _markedLow & (ulong.MaxValue << from);
            if (rows != 0)
            {
                return BitOperations.TrailingZeroCount(rows);
            }
        }

        if (RowPlaces<T>.Rows > 64)
        {
            ulong rows = _markedHigh & (from <= 64 ? ulong.MaxValue : ulong.MaxValue << from);       // shifts count modulo 64
            return rows != 0 ? 64 + BitOperations.TrailingZeroCount(rows) : -1;
        }

        return -1;
    }

    private void MarkRowEmpty(int row)
    {
        if (row < 64)
        {
            _markedLow &= ~(1ul << row);
        }
        else
        {
            _markedHigh &= ~(1ul << row);
        }
    }
}
