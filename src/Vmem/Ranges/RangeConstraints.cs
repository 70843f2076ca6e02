using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>
/// Where a range may lie: the extra arguments of the paper's <c>vmem_xalloc</c>. The default value of every property (zero) means "no such
/// constraint".
/// </summary>
/// <remarks>
/// All amounts are in the arena's own units. They must be well formed, or the call throws an <see cref="ArgumentException"/> that names the
/// broken rule: <see cref="Align"/> and <see cref="Phase"/> are multiples of the arena's quantum; <c>Phase &lt; Align</c>;
/// <see cref="NoCross"/> is a power of two; <c>NoCross ≥ Align</c>; and some place between two multiples of <see cref="NoCross"/> holds the
/// range: <c>Phase + size ≤ NoCross</c>, where only that part of <see cref="Phase"/> counts that lies beyond a multiple of the largest
/// power of two in <see cref="Align"/> (all of it if <see cref="Align"/> is a power of two).
/// </remarks>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("align {Align}, phase {Phase}, nocross {NoCross}, from {Min} to {Max}")]
public readonly record struct RangeConstraints<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The range starts at a multiple of this, plus <see cref="Phase"/>. Any multiple of the quantum; powers of two cost no
    /// division. 0: the arena's quantum.</summary>
    public T Align { get; init; }

    /// <summary>The offset of the start from a multiple of <see cref="Align"/>; less than <see cref="Align"/>.</summary>
    public T Phase { get; init; }

    /// <summary>The range does not straddle a multiple of this power of two, which need not be a multiple of the quantum. 0: it may
    /// straddle anything.</summary>
    public T NoCross { get; init; }

    /// <summary>No value of the range is below this.</summary>
    public T Min { get; init; }

    /// <summary>Every value of the range is below this (exclusive). 0: no upper bound, up to the very top of
    /// <typeparamref name="T"/>.</summary>
    public T Max { get; init; }

    /// <summary>Of which kind the range is: see <see cref="ArenaOptions{T}.KindGranularity"/>. 0: of none, and its neighbours may be of
    /// any.</summary>
    public int Kind { get; init; }

    /// <summary>What is to be kept about the range: see <see cref="ArenaOptions{T}.Tagged"/>. It has no influence on where the range
    /// lies.</summary>
    public ulong Tag { get; init; }
}
