namespace Vmem.Testing.Exploration;

/// <summary>How a step of the protocol is spoilt.</summary>
public enum FaultKind
{
    /// <summary>It is left out. A store does not happen, a wait is over at once, a compare-and-swap pretends that it succeeded.</summary>
    Skip,

    /// <summary>It orders nothing: an acquire or a release is a plain load or store.</summary>
    Relax,

    /// <summary>A compare-and-swap or an exchange is a load and, later, a store.</summary>
    Tear,

    /// <summary>It is done after the thread's next store: the two are swapped.</summary>
    Delay,

    /// <summary>A duty in the code, by its name, is forgotten.</summary>
    Forget,
}

/// <summary>A fault that a test plants, to see that the explorer finds it: one step of the real code is spoilt wherever it comes.</summary>
/// <param name="Kind">How.</param>
/// <param name="Member">The member that the step stands in, or the name of a duty.</param>
/// <param name="Step">Which steps of the member: load, store, exchange, swap, barrier, wait.</param>
public sealed record PlantedFault(FaultKind Kind, string Member, string Step)
{
    internal bool Spoils(FaultKind kind, string member, string step) => kind == Kind && member == Member && step == Step;
}
