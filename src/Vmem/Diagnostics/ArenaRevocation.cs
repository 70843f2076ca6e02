using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>An import that an arena has lost (<see cref="Arena{T}.Revoke"/>), and what was live in it.</summary>
/// <param name="ArenaName">The arena's name.</param>
/// <param name="Start">The first value of the import.</param>
/// <param name="Size">Its length.</param>
/// <param name="Ranges">The ranges that callers held in it, with their tags, in address order but for those that came and went
/// meanwhile. An import of an arena above is one of them.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{ArenaName,nq}: {Size} at {Start}, {Ranges.Count} ranges in it")]
public sealed record ArenaRevocation<T>(string ArenaName, T Start, T Size, IReadOnlyList<Segment<T>> Ranges)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
