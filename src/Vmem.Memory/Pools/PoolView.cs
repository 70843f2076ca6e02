using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>A pool of any type at one moment, as <c>VmemProcess.Pools</c> lists it. It keeps the pool alive.</summary>
/// <param name="Pool">The pool, such as a <see cref="NativeMemoryPool{T}"/>.</param>
/// <param name="Name">The pool's name.</param>
/// <param name="ElementType">The elements' type.</param>
/// <param name="Heap">The heap whose blocks it rents out; null if it has its own memory.</param>
/// <param name="Rents">How often memory was rented.</param>
/// <param name="Outstanding">Rentals that have not ended.</param>
/// <param name="Leaks">Owners that were lost, as far as known.</param>
[DebuggerDisplay("{Name,nq}: {Outstanding} of {Rents} outstanding")]
public sealed record PoolView(object Pool, string Name, Type ElementType, NativeHeap? Heap, long Rents, long Outstanding, long Leaks);
