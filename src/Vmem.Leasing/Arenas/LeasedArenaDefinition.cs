using System.Diagnostics;
using System.Numerics;

namespace Vmem.Leasing;

/// <summary>What a shared arena is; fixed when it is made.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} from {Start}, quantum {Quantum}")]
public sealed record LeasedArenaDefinition<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The first value.</summary>
    public T Start { get; init; }

    /// <summary>How many values there are.</summary>
    public required T Size { get; init; }

    /// <summary>The unit of allocation. 1 unless set.</summary>
    public T Quantum { get; init; } = T.One;

    /// <summary>How long it takes from the lapse of a holder to the reuse of what it held; at least the TTL of every session that leases
    /// from it. Null: the TTL of the session that makes the arena, or whatever it has if it exists.</summary>
    public TimeSpan? Quarantine { get; init; }

    internal LeaseDefinition ToStore(TimeSpan quarantine) => new()
    {
        Start = UInt128.CreateChecked(Start),
        Size = UInt128.CreateChecked(Size),
        Quantum = UInt128.CreateChecked(Quantum),
        Type = typeof(T).Name,
        Quarantine = quarantine,
    };
}
