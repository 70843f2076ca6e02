using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Isolation;

/// <summary>The tables of a context: from an address to its unit, to the block that starts there, and to the region that it is
/// in.</summary>
internal sealed class ContextMap(nuint start, nuint size, in ContextGeometry geometry)
{
    public ContextGeometry Geometry { get; } = geometry;

    public nuint Start { get; } = start;

    public nuint Size { get; } = size;

    public BlockMap Blocks { get; } = new(size >> geometry.UnitShift);

    /// <summary>By granule: the region that it is in.</summary>
    public Region?[] Granules { get; } = new Region?[size >> geometry.GranuleShift];

    public nuint AddressOf(nuint unit) => Start + (unit << Geometry.UnitShift);

    public nuint UnitOf(nuint address) => (address - Start) >> Geometry.UnitShift;

    /// <summary>The region that a unit is in, if a client holds it. The unit must exist.</summary>
    public Region? RegionAt(nuint unit) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Granules), unit >> Geometry.GranuleUnitShift);

    /// <summary>The table's entries for whole granules.</summary>
    public Span<Region?> EntriesOf(nuint offset, nuint length) =>
        Granules.AsSpan((int)(offset >> Geometry.GranuleShift), (int)(length >> Geometry.GranuleShift));

    /// <summary>The address of a unit, for messages.</summary>
    public string TextOf(nuint unit) => $"0x{AddressOf(unit):x}";
}
