namespace Vmem.Tool.Replay;

/// <summary>
/// A picture of an address space over time, of fixed size, drawn while neither the length of the recording nor the range of addresses is
/// known (standard input cannot be read twice). Each column is a sample of the space: how many bytes of each row of addresses are in use.
/// When the columns run out, each two neighbours are added into one and samples are taken half as often; when the rows run out, each two
/// rows are added into one. Nothing is lost but resolution, and the sum over a column stays the bytes in use, exactly.
/// <para>Rejected: keeping change lists and drawing at the end (memory grows with the recording), and two passes (a pipe has one).</para>
/// </summary>
internal sealed class AddressTimeMap
{
    // Half of each is what a picture has at the least: 240 columns and 96 rows fill a card on a large screen at 2 to 4 pixels a cell.
    public const int MaxColumns = 480;
    public const int MaxRows = 192;

    // The rows begin at 16 bytes, malloc's usual grain; any power of two would do.
    private const int InitialRowShift = 4;

    private readonly double[] _cells = new double[MaxColumns * MaxRows];
    private readonly Column[] _columns = new Column[MaxColumns];
    private readonly ulong[] _now = new ulong[MaxRows];
    private int _rowShift = InitialRowShift;
    private ulong _rowsEnd = (ulong)MaxRows << InitialRowShift;

    /// <summary>Columns in use.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Events between two samples: the width of a column (of the last, at most).</summary>
    public long EventsPerColumn { get; private set; } = 1;

    /// <summary>The addresses that one row stands for.</summary>
    public ulong BytesPerRow => 1UL << _rowShift;

    public ReadOnlySpan<Column> Columns => _columns.AsSpan(0, ColumnCount);

    /// <summary>Notes that a range came into use.</summary>
    public void Occupy(ulong offset, ulong size)
    {
        while (offset + size > _rowsEnd)
        {
            HalveRows();
        }

        Change(offset, size, 1);
    }

    /// <summary>Notes that a range that was occupied no longer is.</summary>
    public void Vacate(ulong offset, ulong size) => Change(offset, size, -1);

    /// <summary>Draws the next column.</summary>
    /// <param name="live">Bytes in use.</param>
    /// <param name="extent">Live bytes and holes together.</param>
    /// <param name="requested">What the program asked for of the live bytes.</param>
    public void Sample(ulong live, ulong extent, ulong requested)
    {
        if (ColumnCount == MaxColumns)
        {
            HalveColumns();
        }

        _columns[ColumnCount] = new Column(1, live, extent, requested);
        Span<double> cells = CellsOf(ColumnCount++);
        for (int row = 0; row < MaxRows; row++)
        {
            cells[row] = _now[row];
        }
    }

    /// <summary>The part of a cell that was in use, 0…1, on average over the samples in its column.</summary>
    public double Fill(int column, int row) => CellsOf(column)[row] / ((double)_columns[column].Samples * BytesPerRow);

    private Span<double> CellsOf(int column) => _cells.AsSpan(column * MaxRows, MaxRows);

    private void Change(ulong offset, ulong size, long sign)
    {
        int first = (int)(offset >> _rowShift);
        int last = (int)((offset + size - 1) >> _rowShift);
        if (first == last)
        {
            _now[first] += size * (ulong)sign;
            return;
        }

        ulong inFirst = BytesPerRow - (offset & (BytesPerRow - 1));
        ulong inLast = ((offset + size - 1) & (BytesPerRow - 1)) + 1;
        _now[first] += inFirst * (ulong)sign;
        _now[last] += inLast * (ulong)sign;
        for (int row = first + 1; row < last; row++)
        {
            _now[row] += BytesPerRow * (ulong)sign;
        }
    }

    private void HalveRows()
    {
        _rowShift++;
        _rowsEnd <<= 1;
        for (int row = 0; row < MaxRows; row++)
        {
            _now[row] = 2 * row < MaxRows ? _now[2 * row] + _now[(2 * row) + 1] : 0;
        }

        for (int column = 0; column < ColumnCount; column++)
        {
            Span<double> cells = CellsOf(column);
            for (int row = 0; row < MaxRows; row++)
            {
                cells[row] = 2 * row < MaxRows ? cells[2 * row] + cells[(2 * row) + 1] : 0;
            }
        }
    }

    private void HalveColumns()
    {
        for (int column = 0; column < MaxColumns / 2; column++)
        {
            Column left = _columns[2 * column];
            Column right = _columns[(2 * column) + 1];
            _columns[column] = new Column(
                left.Samples + right.Samples,
                left.LiveSum + right.LiveSum,
                left.ExtentSum + right.ExtentSum,
                left.RequestedSum + right.RequestedSum);
            Span<double> source = CellsOf(2 * column);
            Span<double> other = CellsOf((2 * column) + 1);
            Span<double> target = CellsOf(column);
            for (int row = 0; row < MaxRows; row++)
            {
                target[row] = source[row] + other[row];
            }
        }

        ColumnCount = MaxColumns / 2;
        EventsPerColumn *= 2;
    }

    /// <summary>What is known of a column besides its cells; averages over its samples.</summary>
    internal readonly record struct Column(long Samples, double LiveSum, double ExtentSum, double RequestedSum)
    {
        public double Live => LiveSum / Samples;

        public double Extent => ExtentSum / Samples;

        public double Requested => RequestedSum / Samples;
    }
}
