using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What an arena of a store is; fixed when it is made. One record serves arenas of every integer type.</summary>
[DebuggerDisplay("{Size} of {Type,nq} from {Start}, quantum {Quantum}")]
public sealed record LeaseDefinition
{
    /// <summary>The first value.</summary>
    public required UInt128 Start { get; init; }

    /// <summary>How many values there are.</summary>
    public required UInt128 Size { get; init; }

    /// <summary>Start and size of each lease are multiples of it.</summary>
    public UInt128 Quantum { get; init; } = UInt128.One;

    /// <summary>The integer type, by its name: <c>UInt64</c>. Whoever opens the arena with another is refused.</summary>
    public required string Type { get; init; }

    /// <summary>How long it takes from the lapse of a holder to the reuse of what it held; no session with a longer TTL is granted anything
    /// (R3).</summary>
    public required TimeSpan Quarantine { get; init; }

    /// <summary>Throws unless this can be an arena.</summary>
    /// <exception cref="LeaseDefinitionException">It cannot. The text says why.</exception>
    public void Check()
    {
        string? fault =
            Size == 0 ? "its size is 0: give it at least one quantum" :
            Quantum == 0 ? "its quantum is 0: use 1 if there is no other" :
            Start > UInt128.MaxValue - Size ? "it reaches past the last value but one of UInt128: make it shorter" :
            Size - 1 > LastOf(Type) || Start > LastOf(Type) - (Size - 1)
                ? $"[{Start}, {Start + Size}) reaches past {LastOf(Type)}, the last value of {Type}: make it shorter, or of a wider type" :
            Start % Quantum != 0 || Size % Quantum != 0
                ? $"start {Start} and size {Size} are not both multiples of the quantum {Quantum}: round them" :
            Quarantine <= TimeSpan.Zero ? $"the quarantine {Quarantine} is not positive: use at least the TTL of its sessions" :
            Quarantine > TimeSpan.FromDays(365) ? $"the quarantine {Quarantine} is longer than a year" :
            Type.Length == 0 ? "its type has no name" : null;
        if (fault is not null)
        {
            throw new LeaseDefinitionException($"This cannot be an arena: {fault}.");
        }
    }

    /// <summary>Throws unless another definition is the same.</summary>
    /// <param name="name">The arena's name, for the text.</param>
    /// <param name="wanted">What the caller takes the arena for.</param>
    /// <exception cref="LeaseDefinitionException">They differ. The text says in what.</exception>
    public void CheckAgreement(string name, LeaseDefinition wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        if (this != wanted)
        {
            throw new LeaseDefinitionException(
                $"Arena '{name}' exists with {this}, and was opened with {wanted}: open it without a definition, or under another name.");
        }
    }

    /// <summary>The last value of an integer type; of a name that is not known here, the last there can be.</summary>
    private static UInt128 LastOf(string type) => type switch
    {
        nameof(Byte) => byte.MaxValue,
        nameof(UInt16) or nameof(Char) => ushort.MaxValue,
        nameof(UInt32) => uint.MaxValue,
        nameof(UInt64) or nameof(UIntPtr) => ulong.MaxValue,
        _ => UInt128.MaxValue,
    };

    /// <summary>The definition in words.</summary>
    /// <returns>The text.</returns>
    public override string ToString() =>
        $"[{Start}, {Start + Size}) of {Type}, quantum {Quantum}, quarantine {Quarantine}";
}
