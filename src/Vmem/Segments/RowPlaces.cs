using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The lists of a row that are not empty. Their heads follow: two or three cache lines, of which an operation touches
/// two.</summary>
internal struct ListRow
{
    public ulong NotEmpty;
}

/// <summary>Where the rows of free lists are: only those that are not empty need a place.</summary>
/// <remarks>
/// <para>
/// There are some 3,800 lists for 64-bit sizes, and an arena with three free segments uses three. So a row has a place only from when a
/// segment comes into it. A map tells which: for each row the distance of its place from the map. All rows without one share an empty
/// bitmap, so that whoever looks for a list need not know.
/// </para>
/// <para>
/// <b>A free needs no memory.</b> Two free segments of a span never touch, and each span has a tag of its own. So of n tags in use at most
/// n / 2 are free segments, and no more rows are not empty. Before more tags may be used there are as many places
/// (<see cref="Ensure(uint)"/>). A row that becomes empty keeps its place, for it is the likeliest to be used again. When all places are
/// given away, an empty row loses its own.
/// </para>
/// <para>
/// A row is half a power of two. Rejected: a whole one, whose places are twice as large (an arena of three segments would take 2.2 KB
/// instead of 1.9); and a quarter, whose map for 64-bit sizes takes what the smaller places save. Rejected: a place for every row, 15.6 KB
/// for an arena over all of 2^64, whatever it held.
/// </para>
/// </remarks>
internal unsafe struct RowPlaces<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private ushort* _map;                         // by row: its place, in words from here; the empty row and the places lie behind
    private int _places;                          // how many there are
    private int _fresh;                           // those from here on were never used
    private int _reach;                           // rows from here on are for larger segments than there can be
    private ulong _placedLow;                     // which of rows 0–63 have a place
    private ulong _placedHigh;                    // and of rows 64–127

    /// <summary>log2 of the lists in a row. 6 for 128-bit sizes: two words must tell which rows are not empty.</summary>
    public static int RowBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => sizeof(T) > sizeof(ulong) ? 6 : 5;
    }

    /// <summary>As many rows as there are up to the list above that of the largest size, in whole words of the map.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ((((sizeof(T) * 8) - SizeClass.StepBits + 1) << (SizeClass.StepBits - RowBits)) + 4) & ~3;
    }

    public readonly long Bytes => (long)BlockBytes(_places);

    /// <summary>How many rows the largest span reaches.</summary>
    public readonly int Reached => _reach;

    /// <summary>The empty row's place, right behind the map.</summary>
    private static int Nowhere
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Rows / 4;
    }

    private static int RowWords => 1 + (1 << RowBits >> 1);

    private readonly UInt128 Placed => new(_placedHigh, _placedLow);

    /// <summary>A row. One without a place is empty, and has no heads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ListRow* At(int row) => (ListRow*)((ulong*)_map + _map[(uint)row]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Has(int row) => _map[(uint)row] != Nowhere;

    /// <summary>Makes room for segments of up to this many units. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    /// <param name="units">The size of a span.</param>
    /// <param name="tags">How many tags may be in use at once.</param>
    public void Reach(T units, uint tags)
    {
        int reach = Math.Max(_reach, (SizeClass.Of(units) >> RowBits) + 1);
        Ensure(reach, tags);
        _reach = reach;
    }

    /// <summary>Makes room for the free segments that so many tags can be. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void Ensure(uint tags) => Ensure(_reach, tags);

    /// <summary>Gives a place to a row that has none.</summary>
    /// <param name="row">The row.</param>
    /// <param name="marked">Which rows are not empty.</param>
    public ListRow* Place(int row, UInt128 marked)
    {
        Invariant.Assert(row < _reach && !Has(row), "the lists reach as far as the largest span");
        int place = PlaceOf(_fresh);
        if (_fresh < _places)
        {
            NativeMemory.Clear((ulong*)_map + place, (nuint)RowWords * sizeof(ulong));
            _fresh++;
        }
        else
        {
            int idle = (int)UInt128.TrailingZeroCount(Placed & ~marked);
            Invariant.Assert(idle < Rows && At(idle)->NotEmpty == 0, "there is a place for each row that is not empty");
            place = _map[idle];
            _map[idle] = (ushort)Nowhere;
            SetPlaced(Placed & ~(UInt128.One << idle));
        }

        _map[row] = (ushort)place;
        SetPlaced(Placed | UInt128.One << row);
        return At(row);
    }

    /// <summary>Gives back the places that so many tags cannot need. Empty rows lose theirs.</summary>
    /// <param name="tags">How many tags may be in use at once.</param>
    /// <param name="marked">Which rows are not empty.</param>
    public void Shrink(uint tags, UInt128 marked)
    {
        int places = PlacesFor(_reach, tags);
        if (places >= _places)
        {
            return;
        }

        for (int row = 0; row < Rows; row++)
        {
            _map[row] = (marked >> row & 1) != 0 ? _map[row] : (ushort)Nowhere;
        }

        SetPlaced(marked);
        for (_fresh = 0; TryFindFrom(PlaceOf(_fresh), out int row); _fresh++)
        {
            NativeMemory.Copy(At(row), (ulong*)_map + PlaceOf(_fresh), (nuint)RowWords * sizeof(ulong));
            _map[row] = (ushort)PlaceOf(_fresh);
        }

        Invariant.Assert(_fresh <= places, "no more rows are not empty than tags can be free segments");
        _map = (ushort*)NativePages.Shorten(_map, BlockBytes(places));
        _places = places;
    }

    public void Release()
    {
        NativeMemory.Free(_map);
        this = default;
    }

    /// <summary>Checks the map.</summary>
    public readonly void Validate()
    {
        UInt128 placed = UInt128.Zero;
        UInt128 taken = UInt128.Zero;
        for (int row = 0; row < _reach; row++)
        {
            if (Has(row))
            {
                placed |= UInt128.One << row;
                taken |= UInt128.One << ((_map[row] - PlaceOf(0)) / RowWords);
            }
        }

        Invariant.Hold(placed == Placed, "the bitmaps tell which rows have a place", $"{placed}, not {Placed}");
        Invariant.Hold(taken == (UInt128.One << _fresh) - 1 && UInt128.PopCount(placed) == (UInt128)_fresh, "each place that was used has one row", $"{taken} of {_fresh}");
        Invariant.Hold(_fresh <= _places, "what is used is there", $"{_fresh} of {_places}");
    }

    private static int PlaceOf(int number) => Nowhere + 1 + (number * RowWords);

    private static nuint BlockBytes(int places) => (nuint)PlaceOf(places) * sizeof(ulong);

    private static int PlacesFor(int reach, uint tags) => (int)Math.Min((uint)reach, tags / 2);

    private void Ensure(int reach, uint tags)
    {
        int places = PlacesFor(reach, tags);
        if (places <= _places && _map != null)
        {
            return;
        }

        GrowthFault.ThrowIfDue();
        ushort* map = (ushort*)NativeMemory.Realloc(_map, BlockBytes(places));
        if (_map == null)
        {
            new Span<ushort>(map, Rows).Fill((ushort)Nowhere);
            ((ulong*)map)[Nowhere] = 0;
        }

        _map = map;
        _places = places;
    }

    private void SetPlaced(UInt128 placed) => (_placedLow, _placedHigh) = ((ulong)placed, (ulong)(placed >> 64));

    /// <summary>The row with the first place from this one on.</summary>
    private readonly bool TryFindFrom(int place, out int found)
    {
        found = -1;
        for (int row = 0; row < Rows; row++)
        {
            if (_map[row] >= place && (found < 0 || _map[row] < _map[found]))
            {
                found = row;
            }
        }

        return found >= 0;
    }
}
