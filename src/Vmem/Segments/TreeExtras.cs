namespace Vmem.Segments;

/// <summary>What the inner nodes of a <see cref="RangeTree{T, TOrder}"/> know about the values below, beside the largest. Each costs every
/// change a little, so a tree has what it is asked for.</summary>
[Flags]
internal enum TreeExtras
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Least and largest values, for long searches.</summary>
    Bounds = 1,

    /// <summary>Sums, for ranks.</summary>
    Sums = 2,
}
