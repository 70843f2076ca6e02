using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>
/// A range that was allocated by handle. It remembers where the arena keeps the range's boundary tag and the generation of that use of the
/// tag, so that freeing needs no look-up and a stale handle is always found out: generations are 64 bits wide and never repeat.
/// </summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}")]
public readonly record struct RangeHandle<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    internal RangeHandle(T start, T size, uint tag, ulong generation)
    {
        Start = start;
        Size = size;
        Tag = tag;
        Generation = generation;
    }

    /// <summary>The first value of the range.</summary>
    public T Start { get; }

    /// <summary>The number of values in the range: the request, rounded up to the arena's quantum.</summary>
    public T Size { get; }

    internal uint Tag { get; }

    internal ulong Generation { get; }
}
