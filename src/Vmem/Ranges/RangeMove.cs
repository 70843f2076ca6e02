using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>A range that is to lie elsewhere.</summary>
/// <param name="From">Where it starts.</param>
/// <param name="To">Where it is to start; the two places do not overlap.</param>
/// <param name="Size">Its length, in units.</param>
/// <param name="Tag">Its tag: see <see cref="ArenaOptions{T}.Tagged"/>.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} from {From} to {To}")]
public readonly record struct RangeMove<T>(T From, T To, T Size, ulong Tag = 0)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
