namespace Vmem.Leasing;

/// <summary>What came of telling a store of a lease that it may have lost.</summary>
public enum LeaseReassertion
{
    /// <summary>The store knew it.</summary>
    Known,

    /// <summary>The store has it again.</summary>
    Reinstated,

    /// <summary>No hold is on: it may have been given to somebody else meanwhile.</summary>
    TooLate,

    /// <summary>A part of it is not free.</summary>
    Taken,

    /// <summary>The session is not live.</summary>
    SessionLost,
}
