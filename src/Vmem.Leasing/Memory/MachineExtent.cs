namespace Vmem.Leasing.Memory;

/// <summary>A part of an arena. The parts tile it: each knows its neighbours.</summary>
internal sealed class MachineExtent(MachineArena arena, UInt128 start, UInt128 size)
{
    public MachineArena Arena { get; private set; } = arena;

    public UInt128 Start { get; set; } = start;

    public UInt128 Size { get; set; } = size;

    public UInt128 End => Start + Size;

    public LeaseExtentState State { get; set; }

    /// <summary>Who holds it; null unless leased.</summary>
    public MachineSession? Session { get; set; }

    public Guid Request { get; set; }

    public long Fence { get; set; }

    public long Since { get; set; }

    public long? Watermark { get; set; }

    /// <summary>Whether its holder has marked it, and so speaks for itself at its death.</summary>
    public bool IsMarked { get; set; }

    /// <summary>What its holder leaves to the next if it does not say (R10): the time that its session promised not to pass. If it marked
    /// it, it has said.</summary>
    public long? Left => IsMarked ? null : Session!.Latest;

    public MachineExtent? Previous { get; set; }

    public MachineExtent? Next { get; set; }

    /// <summary>A copy in the same place, of the same arena or of a copy of it.</summary>
    public MachineExtent Copy(MachineArena arena)
    {
        var copy = (MachineExtent)MemberwiseClone();
        copy.Arena = arena;
        return copy;
    }

    public bool Is(LeaseClaim claim) =>
        State == LeaseExtentState.Leased && Start == claim.Start && Size == claim.Size && Fence == claim.Fence
            && Session!.Instance == claim.Session;
}
