using Vmem.Caching;

namespace Vmem.Memory.Budget;

/// <summary>What keeps memory that is free, for the next request. Its relief calls nobody's code.</summary>
internal interface IMemoryKeeper : IUpkeepTarget
{
    /// <summary>Where it is charged.</summary>
    MemoryBudget Budget { get; }

    /// <summary>How many bytes of it may take memory.</summary>
    nuint Kept { get; }
}
