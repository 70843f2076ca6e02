namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>A store, and what moves its clock and has it fail over.</summary>
public abstract class StoreBench
{
    public abstract LeaseStore Store { get; }

    /// <summary>Moves the store's clock.</summary>
    public abstract ValueTask ElapseAsync(TimeSpan time);

    /// <summary>Remembers all that the store has, as a replica does.</summary>
    public abstract ValueTask RememberAsync();

    /// <summary>Fails over to what was remembered.</summary>
    public abstract ValueTask FailOverAsync();
}
