using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>What was still allocated when an arena was disposed.</summary>
/// <param name="ArenaName">The arena's name.</param>
/// <param name="Ranges">How many ranges were never freed.</param>
/// <param name="Size">Their total size in units; <c>T.MaxValue</c> if <typeparamref name="T"/> cannot hold it.</param>
/// <param name="First">The first of them in address order, at most 16.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{ArenaName,nq}: {Ranges} ranges of {Size} in all")]
public sealed record ArenaLeak<T>(string ArenaName, long Ranges, T Size, IReadOnlyList<Segment<T>> First)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Who allocated what was never freed, grouped by stack; null unless the arena was audited
    /// (<see cref="ArenaOptions{T}.Audit"/>).</summary>
    public AuditReport<T>? Report { get; init; }
}
