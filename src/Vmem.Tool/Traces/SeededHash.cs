namespace Vmem.Tool.Traces;

/// <summary>Compares numbers that a recording chose, in dictionaries. Of each, all bits go into a hash with a seed of this process's
/// own.</summary>
/// <remarks>.NET folds a number into 32 bits and takes it as it is. A recording can be made of numbers that all fall into one bucket, and
/// each look-up would then go through all of them.</remarks>
internal sealed class SeededHash : IEqualityComparer<ulong>, IEqualityComparer<UInt128>
{
    public static SeededHash Instance { get; } = new();

    public bool Equals(ulong x, ulong y) => x == y;

    public bool Equals(UInt128 x, UInt128 y) => x == y;

    public int GetHashCode(ulong obj) => HashCode.Combine((uint)obj, (uint)(obj >> 32));

    public int GetHashCode(UInt128 obj) => HashCode.Combine((uint)obj, (uint)(obj >> 32), (uint)(obj >> 64), (uint)(obj >> 96));
}
