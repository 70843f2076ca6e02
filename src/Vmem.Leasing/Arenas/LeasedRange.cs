using System.Diagnostics;
using System.Numerics;

namespace Vmem.Leasing;

/// <summary>A range of a leased arena.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">How many there are: the request, rounded up to the quantum.</param>
/// <param name="Fence">Strictly larger than that of any earlier holder of any of its values. A resource that keeps the largest fence it has
/// seen, and refuses smaller ones, is safe even from holders that act late.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, fence {Fence}")]
public readonly record struct LeasedRange<T>(T Start, T Size, long Fence)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
