namespace Vmem.Leasing.Memory;

/// <summary>An entry of the audit, with the time in ticks of the store's clock.</summary>
internal readonly record struct MachineEntry(long At, LeaseEvent Event, int Arena, UInt128 Start, UInt128 Size, Guid Session, long Fence,
    string Detail);
