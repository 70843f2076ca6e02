using System.Numerics;

namespace Vmem.Memory.Isolation;

/// <summary>The sizes that everything in a context is made of.</summary>
/// <remarks>
/// <list type="table">
/// <item><term>unit</term><description>the smallest block, which is the alignment: 2^<see cref="UnitShift"/> bytes</description></item>
/// <item><term>block of order k</term><description>2^k units, k at most <see cref="MaxOrder"/>: half a granule</description></item>
/// <item><term>granule</term><description><see cref="MemoryContextOptions.BlockSize"/>: 2^<see cref="GranuleShift"/> bytes, the context's
/// quantum</description></item>
/// <item><term>region</term><description>what a client takes from the context: a power of two of granules that it divides among many
/// blocks, or as many granules as one large block needs</description></item>
/// </list>
/// A block of more than half a granule gets a region of its own because a power of two would waste up to half of it, while whole granules
/// waste less than half and, from two granules on, ever less.
/// </remarks>
internal readonly struct ContextGeometry
{
    /// <summary>A granule has at least so many units: a group of the buddy tree, below which a region is not worth its records.</summary>
    private const int LeastUnitsPerGranule = 64;

    private const nuint DefaultGranule = 64 * 1024;

    // What rounding adds to a block is less than this, and is kept in 32 bits.
    private const nuint MaxGranule = (nuint)1 << 31;

    // 2^6 granules: a region of 4 MiB by default. Arbitrary; a client of a gigabyte then has some 260 regions to give back.
    private const int MaxRegionClassEver = 6;

    // A region's units are counted in an int.
    private const int MaxRegionUnitShift = 30;

    public const int RegionClasses = MaxRegionClassEver + 1;

    public ContextGeometry(MemoryContextOptions options)
    {
        if (!BitOperations.IsPow2(options.Alignment) || options.Alignment < 8)
        {
            throw new ArgumentException($"Alignment is {options.Alignment}; it must be a power of two of at least 8.", nameof(options));
        }

        if (options.Alignment > MaxGranule / LeastUnitsPerGranule)
        {
            throw new ArgumentException($"Alignment is {options.Alignment}; more than {MaxGranule / LeastUnitsPerGranule} is not supported.", nameof(options));
        }

        UnitShift = BitOperations.Log2(options.Alignment);
        nuint least = options.Alignment * LeastUnitsPerGranule;
        nuint granule = options.BlockSize == 0 ? Math.Max(DefaultGranule, least) : options.BlockSize;
        if (!BitOperations.IsPow2(granule) || granule < least)
        {
            throw new ArgumentException(
                $"BlockSize is {granule}; it must be a power of two of at least {least}, {LeastUnitsPerGranule} times the alignment.", nameof(options));
        }

        if (granule > MaxGranule)
        {
            throw new ArgumentException($"BlockSize is {granule}; more than {MaxGranule} is not supported.", nameof(options));
        }

        GranuleShift = BitOperations.Log2(granule);
    }

    public int UnitShift { get; }

    public int GranuleShift { get; }

    /// <summary>The logarithm of a granule's units.</summary>
    public int GranuleUnitShift => GranuleShift - UnitShift;

    public nuint Unit => (nuint)1 << UnitShift;

    public nuint Granule => (nuint)1 << GranuleShift;

    /// <summary>The order of the largest block that shares its region with others.</summary>
    public int MaxOrder => GranuleShift - UnitShift - 1;

    /// <summary>The largest region to divide, as the logarithm of its granules: an arbitrary sixteenth of the context, so that a client
    /// that grows leaves room for others, and never above <see cref="MaxRegionClassEver"/>.</summary>
    public int MaxRegionClass(nuint contextSize) =>
        Math.Clamp(BitOperations.Log2((contextSize >> GranuleShift >> 4) | 1), 0,
            Math.Min(MaxRegionClassEver, MaxRegionUnitShift - GranuleUnitShift));

    /// <summary>How many freed blocks of an order a client keeps ready: as many as a stack holds, but no more than fill a quarter
    /// granule.</summary>
    public int CacheCapacity(int order) => (int)Math.Min(BlockCaches.MaxCapacity, Granule / 4 >> (UnitShift + order));

    /// <summary>The order of the smallest block for a size of at least 1 and at most half a granule.</summary>
    public int OrderFor(nuint size) => BitOperations.Log2((size - 1) | (Unit - 1)) + 1 - UnitShift;

    /// <summary>True if a block of this length gets a region of its own.</summary>
    public bool IsLarge(nuint length) => length > Granule / 2;

    /// <summary>The size rounded up to granules; 0 if that is more than an address can count.</summary>
    public nuint RoundUpToGranules(nuint size) => (size + Granule - 1) & ~(Granule - 1);

    /// <summary>How long a block of at least so many bytes is; 0 if no number is large enough.</summary>
    public nuint LengthFor(nuint size) => IsLarge(size) ? RoundUpToGranules(size) : (nuint)1 << (OrderFor(size) + UnitShift);
}
