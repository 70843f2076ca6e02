namespace Vmem.Memory.Pools;

/// <summary>A pool of whatever type, as the process lists it.</summary>
internal interface IListedPool
{
    /// <summary>The pool at this moment.</summary>
    PoolView View { get; }
}
