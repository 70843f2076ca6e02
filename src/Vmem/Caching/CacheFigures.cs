using System.Numerics;

namespace Vmem.Caching;

/// <summary>What quantum caches keep from callers.</summary>
/// <param name="Units">The total size of what lies in magazines.</param>
/// <param name="Ranges">How many ranges that is.</param>
/// <param name="Taken">Ranges ever taken from magazines.</param>
/// <param name="Live">What callers hold, in ranges: segments, and those of slabs instead of the slabs.</param>
internal readonly record struct CacheFigures<T>(T Units, long Ranges, long Taken, long Live)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
