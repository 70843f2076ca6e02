using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>A range of a snapshot that is free, and that was freed apart from others.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}")]
public readonly record struct FreedSnapshot<T>(T Start, T Size)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
