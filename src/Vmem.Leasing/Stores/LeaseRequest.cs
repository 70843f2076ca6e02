using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What a session asks a store for.</summary>
/// <param name="Arena">The arena.</param>
/// <param name="Session">The session.</param>
/// <param name="Id">The request's number, drawn anew. Whoever asks the same again, after an answer was lost, gets the same. Best from
/// <see cref="Guid.CreateVersion7()"/>: engines keep an index of them, which grows at one end then, and not all over.</param>
/// <param name="Size">How much: a multiple of the quantum, not 0.</param>
[DebuggerDisplay("{Size} of arena {Arena}, from {Min} to {Max}")]
public sealed record LeaseRequest(int Arena, Guid Session, Guid Id, UInt128 Size)
{
    /// <summary>The least that is of use if there is no extent of the size: then the largest free extent is leased. 0: the size or
    /// nothing.</summary>
    public UInt128 MinSize { get; init; }

    /// <summary>The start is a multiple of this, plus <see cref="Phase"/>. 0: the quantum.</summary>
    public UInt128 Align { get; init; }

    /// <summary>The offset of the start from a multiple of <see cref="Align"/>.</summary>
    public UInt128 Phase { get; init; }

    /// <summary>No value is below this.</summary>
    public UInt128 Min { get; init; }

    /// <summary>Every value is below this. 0: no upper bound.</summary>
    public UInt128 Max { get; init; }

    /// <summary>Whether any free extent of the size will do.</summary>
    public bool IsUnconstrained => Align == 0 && Phase == 0 && Min == 0 && Max == 0;

    /// <summary>Throws unless an arena can be asked this.</summary>
    /// <param name="arena">The arena.</param>
    /// <exception cref="LeaseDefinitionException">It cannot. The text says why.</exception>
    public void Check(LeaseArena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        UInt128 quantum = arena.Definition.Quantum;
        string? fault =
            Size == 0 || Size % quantum != 0 ? $"the size {Size} is not a positive multiple of the quantum {quantum}" :
            MinSize > Size || MinSize % quantum != 0 ? $"the least size {MinSize} is no multiple of the quantum {quantum} up to {Size}" :
            Size > arena.Definition.Size ? $"the size {Size} is more than the whole arena has, {arena.Definition.Size}" :
            Align % quantum != 0 || Phase % quantum != 0 ? $"align {Align} and phase {Phase} are not both multiples of the quantum {quantum}" :
            Phase != 0 && Phase >= Align ? $"the phase {Phase} is not below the align {Align}" :
            Max != 0 && Max <= Min ? $"the window [{Min}, {Max}) is empty" :
            MinSize != 0 && !IsUnconstrained ? "a least size and constraints do not go together" : null;
        if (fault is not null)
        {
            throw new LeaseDefinitionException($"Arena '{arena.Name}' cannot be asked for this: {fault}.");
        }
    }
}
