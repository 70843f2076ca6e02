namespace Vmem.Tool.Replay;

/// <summary>
/// One event, its object named by a <em>slot</em>: a small number that no other live object has. The look-up by the recording's address is
/// so paid once, whatever the number of allocators side by side; each keeps a plain array from slot to where it put the object.
/// </summary>
internal readonly struct ReplayEvent
{
    private readonly int _slot;

    private ReplayEvent(int slot, ulong requested, int site)
    {
        _slot = slot;
        Site = site;
        Requested = requested;
    }

    /// <summary>The stack that allocated the object, an index into <see cref="EventSource.Stacks"/>; 0 when unknown.</summary>
    public int Site { get; }

    /// <summary>The size that the program asked for, in bytes; for a free, that of the object freed.</summary>
    public ulong Requested { get; }

    public bool IsAllocation => _slot >= 0;

    public int Slot => _slot >= 0 ? _slot : ~_slot;

    public static ReplayEvent Allocation(int slot, ulong requested, int site = 0) => new(slot, requested, site);

    public static ReplayEvent Free(int slot, ulong requested, int site = 0) => new(~slot, requested, site);
}
