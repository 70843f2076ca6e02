namespace Vmem.Memory.Tests.Platform;

/// <summary>A source of addresses as one of 64-bit numbers, that ends: it never has more out than a limit.</summary>
internal sealed class CountedSource(IArenaSource<nuint> source, ulong limit) : IArenaSource<ulong>
{
    private ulong _out;

    public ulong Quantum => source.Quantum;

    public bool TryImport(ulong size, in RangeConstraints<ulong> constraints, out ulong start, out ulong imported)
    {
        start = imported = 0;
        RangeConstraints<nuint> same = new()
        {
            Align = (nuint)constraints.Align,
            Phase = (nuint)constraints.Phase,
            NoCross = (nuint)constraints.NoCross,
            Min = (nuint)constraints.Min,
            Max = (nuint)constraints.Max,
        };
        bool within = size <= limit - _out || size > limit;       // what no limit explains, the source itself must refuse
        if (!within || !source.TryImport((nuint)size, same, out nuint first, out nuint length))
        {
            return false;
        }

        (start, imported) = (first, length);
        _out += length;
        return true;
    }

    public void Release(ulong start, ulong size)
    {
        source.Release((nuint)start, (nuint)size);
        _out -= size;
    }
}
