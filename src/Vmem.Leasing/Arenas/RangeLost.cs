using System.Diagnostics;
using System.Numerics;

namespace Vmem.Leasing;

/// <summary>A range that the program still held when its lease went.</summary>
/// <param name="Range">The range. It may be somebody else's already.</param>
/// <param name="Reason">Why, for people.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Range}: {Reason,nq}")]
public readonly record struct RangeLost<T>(LeasedRange<T> Range, string Reason)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
