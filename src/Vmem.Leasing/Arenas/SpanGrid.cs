namespace Vmem.Leasing.Arenas;

/// <summary>The places where spans lie as a rule: the arena cut into cells of the usual length, from its start on.</summary>
/// <remarks>A span that is leased for a certain place is the whole cell around it. So the spans of all who use the same length fit
/// together, and what is left between them is whole cells, too. A store that is asked for spans anywhere keeps to the cells by itself: it
/// cuts them from the start of a free extent.</remarks>
/// <param name="definition">The arena.</param>
/// <param name="spanSize">The usual length of a span, in whole quanta; not 0.</param>
internal sealed class SpanGrid(LeaseDefinition definition, UInt128 spanSize)
{
    public UInt128 Start => definition.Start;

    public UInt128 End { get; } = definition.Start + definition.Size;

    public UInt128 SpanSize => spanSize;

    public UInt128 Quantum => definition.Quantum;

    /// <summary>The cell around a range; all of its cells, if it lies in several. The range is not empty, and lies in the arena.</summary>
    public (UInt128 Start, UInt128 End) Around(UInt128 start, UInt128 size)
    {
        UInt128 lastCell = CellOf(start + (size - 1));
        return (CellOf(start), End - lastCell <= spanSize ? End : lastCell + spanSize);
    }

    private UInt128 CellOf(UInt128 value) => value - (value - Start) % spanSize;
}
