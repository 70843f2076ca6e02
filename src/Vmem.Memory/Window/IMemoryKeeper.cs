using Vmem.Caching;

namespace Vmem.Memory.Window;

/// <summary>What keeps memory that is free, for the next request. Its relief calls nobody's code.</summary>
internal interface IMemoryKeeper : IUpkeepTarget;
