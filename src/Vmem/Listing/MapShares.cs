namespace Vmem.Listing;

/// <summary>The columns of a map while it is drawn: how many units of each kind lie in each.</summary>
internal sealed class MapShares(int columns)
{
    private const int Kinds = (int)SegmentKind.Draining + 1;

    private readonly double[] _units = new double[columns * Kinds];
    private readonly int[] _segments = new int[columns];
    private readonly UInt128[] _starts = new UInt128[columns];
    private double _perColumn;                    // units
    private double _perUnit;                      // columns
    private int _started;                         // columns whose start is known

    /// <summary>How many units all columns have together.</summary>
    public double Size { get; private set; }

    /// <summary>Begins again.</summary>
    public void Begin(double size)
    {
        Size = size;
        _perUnit = size > 0 ? columns / size : 0;
        _perColumn = size / columns;
        _started = 0;
        Array.Clear(_units);
        Array.Clear(_segments);
        Array.Clear(_starts);
    }

    /// <summary>A span begins: so do the columns in it.</summary>
    /// <param name="start">Its first value.</param>
    /// <param name="offset">Where it lies on the map, in units.</param>
    /// <param name="size">How long it is.</param>
    public void NoteSpan(UInt128 start, double offset, double size)
    {
        for (; _started < columns && _started * _perColumn < offset + size; _started++)
        {
            _starts[_started] = start + (UInt128)Math.Max(0, (_started * _perColumn) - offset);
        }
    }

    /// <summary>Adds a segment.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="offset">Where it lies on the map, in units.</param>
    /// <param name="size">How long it is.</param>
    /// <param name="idle">The share of it that caches keep.</param>
    public void Add(SegmentKind kind, double offset, double size, double idle)
    {
        double from = offset * _perUnit;
        double end = Math.Min((offset + size) * _perUnit, columns);
        int first = (int)Math.Min(from, columns - 1);             // what came during the round may lie beyond the last
        _segments[first]++;
        for (int column = first; from < end; column++)
        {
            double next = Math.Min(column + 1, end);
            double units = (next - from) * _perColumn;
            _units[(column * Kinds) + (int)kind] += units * (1 - idle);
            _units[(column * Kinds) + (int)SegmentKind.Cached] += units * idle;
            from = next;
        }
    }

    /// <summary>The columns, once everything has been added.</summary>
    public ArenaMapColumn[] ToColumns()
    {
        var drawn = new ArenaMapColumn[Size > 0 ? columns : 0];
        for (int column = 0; column < drawn.Length; column++)
        {
            drawn[column] = new ArenaMapColumn(_starts[column], Share(column, SegmentKind.Allocated), Share(column, SegmentKind.Cached),
                Share(column, SegmentKind.Resting), Share(column, SegmentKind.Draining), Share(column, SegmentKind.Free),
                _segments[column]);
        }

        return drawn;
    }

    private float Share(int column, SegmentKind kind) => (float)(_units[(column * Kinds) + (int)kind] / _perColumn);
}
